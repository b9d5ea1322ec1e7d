"""PostgreSQL in ranges: one connection holds a snapshot, and all others read by its name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

import adbc_driver_postgresql.dbapi as adbc

from hygge.core.errors import HyggeError
from hygge.databases.answering import opened
from hygge.databases.database import Field, Session, Table
from hygge.databases.dialect import in_quotes
from hygge.databases.postgres import Postgres, PostgresSession
from hygge.databases.postgres_line import Bulk
from hygge.databases.ranges import Cut, Ranges, Size, Still, gone, required

_ORDERED = re.compile(
    r"(smallint|integer|bigint|numeric|text|character varying|character|uuid|date|bytea"
    r"|timestamp with(out)? time zone)"
)
_CUT = re.compile(r"\([\d,-]+\)")
_NO_SNAPSHOT = "22023"
_SCATTERED = 0.5
_ROW_BYTES = 100
"""Of a row in a table that the server has not looked at yet: a guess."""

_SIZE = (
    "with recursive tree(oid) as (select to_regclass($1)::oid union "
    "select inhrelid from pg_inherits join tree on inhparent = tree.oid) "
    "select sum(greatest(reltuples, 0))::bigint, sum(pg_table_size(oid))::bigint, "
    "bool_and(relkind in ('r', 'p')) from tree join pg_class using (oid)"
)
_CORRELATION = (
    "select correlation from pg_stats join pg_class c on c.oid = to_regclass($1) "
    "and c.relname = tablename and c.relnamespace = to_regnamespace(quote_ident(schemaname)) "
    "where attname = $2 and not inherited"
)
_FOR_LONG = (
    "select set_config(name, '0', false) from pg_settings "
    "where name in ('idle_in_transaction_session_timeout', 'transaction_timeout')"
)


_ROW_KEYS = (
    "select i.indexrelid, a.attname, not a.attnotnull "
    "from pg_index i join pg_class t on t.oid = i.indrelid, "
    "unnest(i.indkey) with ordinality k(n, at), pg_attribute a "
    "where i.indrelid = to_regclass($1) and i.indisunique and i.indisvalid "
    "and i.indpred is null and i.indexprs is null and k.at <= i.indnkeyatts "
    "and a.attrelid = i.indrelid and a.attnum = k.n and (t.relkind = 'p' "
    "or not exists (select from pg_inherits where inhparent = t.oid)) "
    "and not exists (select from unnest(i.indkey) with ordinality o(n, at), pg_attribute b "
    "where b.attrelid = i.indrelid and b.attnum = o.n and o.at <= i.indnkeyatts "
    "and b.attcollation <> i.indcollation[o.at - 1]) "
    "order by not i.indisprimary, i.indexrelid, k.at"
)
"""Not of an index that takes texts for two that the column takes for one."""


class PostgresRanges(Ranges):
    """A snapshot keeps nobody from writing, so large tables are read in ranges unasked."""

    unasked, most = True, 2000

    def __init__(self, database: Postgres) -> None:
        self._database = database

    def size(self, session: Session, table: Table, key: str) -> Size | None:
        name = in_quotes(table.schema, table.name)
        rows, size, held = session.rows(_SIZE, name)[0]
        if not held:
            return None
        found = session.rows(_CORRELATION, name, key)
        near = found[0][0] if found else None
        return Size(rows or size // _ROW_BYTES, size, near is not None and abs(near) < _SCATTERED)

    def cut(self, field: Field, column: str) -> Cut | None:
        if not _ORDERED.fullmatch(_CUT.sub("", field.native)):
            return None
        return Cut(f"{column}::text", lambda told: f"{_escaped(told)}::{field.native}")

    def sampled(self, share: float) -> tuple[str, str | None]:
        return f" tablesample system ({100 * share:f})", None

    def beyond(self, columns: Sequence[str], sign: str, ends: Sequence[str]) -> str:
        return f"({', '.join(columns)}) {sign} ({', '.join(ends)})"  # as an index has it

    def row_keys(self, session: Session, table: Table) -> list[tuple[str, ...]]:
        found = session.rows(_ROW_KEYS, in_quotes(table.schema, table.name))
        return required((index, name, bool(null)) for index, name, null in found)

    def hold(self, table: Table, readers: int) -> Still:
        return _Exported(opened(self._database.connect()), self._database.named(table))

    def join(self, name: str) -> Session:
        return _Joined(self._database, name)


def _escaped(text: str) -> str:
    """Whatever the server takes a backslash for elsewhere."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


class _Exported(Still):
    """The table is locked first: a `truncate` would empty it under a snapshot, too."""

    def __init__(self, session: Session, table: str) -> None:
        self._session = session
        try:
            session.rows(_FOR_LONG)
            session.change("begin isolation level repeatable read, read only")
            session.change(f"lock table {table} in access share mode")
            self.name = str(session.rows("select pg_export_snapshot()")[0][0])
        except BaseException:  # whatever ended it, nobody else would close it
            session.close()
            raise

    def close(self) -> None:
        with suppress(HyggeError):
            self._session.change("rollback")
        self._session.close()


class _Joined(PostgresSession):
    """Its rows are those of a snapshot that another connection holds."""

    def __init__(self, database: Postgres, snapshot: str) -> None:
        super().__init__(database.settings, database.pool)
        self._snapshot = snapshot

    def _begin(self, line: Bulk) -> None:
        line.whole("begin isolation level repeatable read, read only")
        try:
            line.whole(f"set transaction snapshot '{self._snapshot}'")
        except adbc.Error as failed:
            if failed.sqlstate != _NO_SNAPSHOT:
                raise
            raise gone(str(failed)) from failed

    def _end(self, line: Bulk) -> None:
        line.whole("rollback")
