"""A server that speaks TDS 7.4 and keeps its tables in DuckDB: it proves our side of the wire.

`python -m tests.servers.tds` starts one. It has the statements, types, catalog views, locks and
errors that clients of SQL Server live with. What is otherwise than there:

- Who reads never waits, as if READ_COMMITTED_SNAPSHOT were on. Who writes locks the whole table.
- A transaction that has written sees nothing that others commit afterwards; if it then writes a
  table that has changed since, it is a deadlock's victim (1205).
- Any error within a transaction undoes all of it, as with XACT_ABORT. There are no savepoints.
- Offsets of `datetimeoffset` are not kept, only moments. Texts are compared in any case, unless
  their collation says `BIN` or `CS`; blanks at their ends count.
- All code pages are Windows-1252, whatever the collation.
- CHECK constraints, triggers and partitions are remembered or ignored, and do nothing. MERGE,
  OUTPUT, procedures and functions of one's own are refused.
- Permissions are not checked, sizes are guessed, plans and statistics are not to be had.

Three procedures are for tests: `exec hygge_fault @number = 1205, @when = N'insert into', @times =
1` makes the next statements of this database with that text fail, `exec hygge_faults` gives those
that are still to come, and `exec hygge_statements` all that was sent to it (`@clear = 1` forgets
it). The access token `let-me-in` is accepted, and
`expired` until the first statement.
"""
