"""A full load of a table by SWITCH: new rows lie in a table that is like it, and become its rows at
one stroke, without being written twice.

An illegal SWITCH would end the transaction, so what stands in its way is looked for before. What is
not sure to be the same in a table that we make stands in its way as well: then rows are deleted and
inserted.
https://learn.microsoft.com/sql/t-sql/statements/alter-table-transact-sql
https://learn.microsoft.com/previous-versions/sql/sql-server-2008-r2/ms191160(v=sql.105)
https://learn.microsoft.com/sql/t-sql/statements/truncate-table-transact-sql
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from hygge.databases.database import Session, Table
from hygge.databases.mssql_catalog import fields
from hygge.databases.mssql_words import bracketed

COLLATIONS = "select name, collation_name from sys.columns where object_id = object_id(?)"
_KEPT = "select top (1) 1 from {} with (tablock, holdlock)"
"""Nobody writes to the table or changes what it is, from here to the end. Readers read on."""
_CAUSES = {
    "it is temporal, memory-optimised, external, a file table or replicated": (
        "t.temporal_type <> 0 or t.is_memory_optimized = 1 or t.is_external = 1 "
        "or t.is_filetable = 1 or t.is_published = 1 or t.is_schema_published = 1 "
        "or t.is_merge_published = 1 or t.is_replicated = 1 or t.has_replication_filter = 1"
    ),
    "its changes are captured or tracked": (
        "t.is_tracked_by_cdc = 1 or exists (select 1 from sys.change_tracking_tables x "
        "where x.object_id = t.object_id)"
    ),
    "it has a foreign key, or another table has one to it": (
        "exists (select 1 from sys.foreign_keys x "
        "where x.parent_object_id = t.object_id or x.referenced_object_id = t.object_id)"
    ),
    "it has a trigger": (
        "exists (select 1 from sys.triggers x where x.parent_id = t.object_id "
        "and x.is_disabled = 0)"
    ),
    "it has a check constraint": (
        "exists (select 1 from sys.check_constraints x where x.parent_object_id = t.object_id)"
    ),
    "a view or a function is bound to it": (
        "exists (select 1 from sys.sql_expression_dependencies x "
        "where x.referenced_id = t.object_id and x.is_schema_bound_reference = 1 "
        "and x.referencing_id <> t.object_id)"
    ),
    "its rows are filtered by a security policy": (
        "exists (select 1 from sys.security_predicates x where x.target_object_id = t.object_id)"
    ),
    "a column is computed, an identity, sparse, masked, encrypted, hidden or of its own type": (
        "exists (select 1 from sys.columns x join sys.types y on y.user_type_id = x.user_type_id "
        "where x.object_id = t.object_id and (x.is_computed = 1 or x.is_identity = 1 "
        "or x.is_sparse = 1 or x.is_column_set = 1 or x.is_rowguidcol = 1 or x.is_filestream = 1 "
        "or x.is_masked = 1 or x.is_hidden = 1 or x.generated_always_type <> 0 "
        "or x.encryption_type is not null or x.rule_object_id <> 0 or x.xml_collection_id <> 0 "
        "or (x.is_ansi_padded = 0 and y.name in (N'char', N'varchar', N'binary', N'varbinary')) "
        "or y.is_user_defined = 1))"
    ),
    "an index is filtered, disabled, ignores doubles, or is of another kind than rows or one "
    "column store": (
        "exists (select 1 from sys.indexes x where x.object_id = t.object_id "
        "and x.is_hypothetical = 0 and (x.type not in (0, 1, 2, 5) or x.has_filter = 1 "
        "or x.is_disabled = 1 or x.ignore_dup_key = 1)) "
        "or exists (select 1 from sys.fulltext_indexes x where x.object_id = t.object_id)"
    ),
    "it is partitioned, or does not lie in the default filegroup": (
        "exists (select 1 from sys.indexes x where x.object_id = t.object_id "
        "and x.is_hypothetical = 0 and not exists (select 1 from sys.filegroups y "
        "where y.data_space_id = x.data_space_id and y.is_default = 1)) "
        "or (t.lob_data_space_id <> 0 and not exists (select 1 from sys.filegroups y "
        "where y.data_space_id = t.lob_data_space_id and y.is_default = 1))"
    ),
    "columns were dropped from it": (
        "(select max(x.column_id) from sys.columns x where x.object_id = t.object_id) "
        "<> (select count(*) from sys.columns x where x.object_id = t.object_id)"
    ),
    "it is compressed, or keeps its texts otherwise": (
        "exists (select 1 from sys.partitions x join sys.indexes y "
        "on y.object_id = x.object_id and y.index_id = x.index_id "
        "where x.object_id = t.object_id "
        "and x.data_compression <> case y.type when 5 then 3 else 0 end) "
        "or t.text_in_row_limit <> 0 or t.large_value_types_out_of_row = 1"
    ),
}
_RIGHTS = (
    "select has_perms_by_name(?, 'OBJECT', 'ALTER'), "
    "has_perms_by_name(null, 'DATABASE', 'VIEW DEFINITION'), "
    "has_perms_by_name('sys.sql_expression_dependencies', 'OBJECT', 'SELECT')"
)
"""Without the first there is no SWITCH, without the others not all is shown that stands in its way.
A query that names what we may not read fails as a whole, so this one comes first."""
_WHY_NOT = (
    "select case "
    + " ".join(f"when {test} then N'{why}'" for why, test in _CAUSES.items())
    + " end from sys.tables t where t.object_id = object_id(?)"
)
_INDEXES = (
    "select i.index_id, i.type, i.is_unique, i.is_primary_key, i.is_unique_constraint, i.name, "
    "c.name, k.is_descending_key, k.is_included_column "
    "from sys.indexes i join sys.index_columns k "
    "on k.object_id = i.object_id and k.index_id = i.index_id "
    "join sys.columns c on c.object_id = k.object_id and c.column_id = k.column_id "
    "where i.object_id = object_id(?) and i.type in (1, 2) and i.is_hypothetical = 0 "
    "order by i.index_id, k.is_included_column, k.key_ordinal, k.index_column_id"
)
_COLUMN_STORE = "select name from sys.indexes where object_id = object_id(?) and type = 5"


def why_not(session: Session, table: str) -> str | None:
    """What stands in the way of a SWITCH into this table; None: nothing."""
    if not all(session.rows(_RIGHTS, table)[0]):
        return "we may not alter it, or not see all that depends on it"
    found = session.rows(_WHY_NOT, table)
    return found[0][0] if found else "it is no table"


def twin(session: Session, table: Table, name: str) -> Callable[[], None] | None:
    """As Session.twin."""
    old, new = (_whole(one) for one in (table, table.beside(name)))
    session.rows(_KEPT.format(old))
    if why_not(session, old) is not None:
        return None
    for sql in _made(session, old, new):
        session.change(sql)

    def switch() -> None:
        session.change(f"truncate table {old}")
        session.change(f"alter table {new} switch to {old}")
        session.change(f"drop table {new}")

    return switch


def _whole(table: Table) -> str:
    return ".".join(map(bracketed, filter(None, (table.schema, table.name))))


def _made(session: Session, old: str, new: str) -> Iterator[str]:
    """The statements that make a table like the old one: what is clustered comes first."""
    collations = dict(session.rows(COLLATIONS, old))
    words = []
    for name, kind, null in fields(session, old):
        collation = f" collate {collations[name]}" if collations[name] else ""
        words.append(f"{bracketed(name)} {kind}{collation}{'' if null else ' not'} null")
    yield f"create table {new} ({', '.join(words)})"
    for (name,) in session.rows(_COLUMN_STORE, old):
        yield f"create clustered columnstore index {bracketed(name)} on {new}"
    found = session.rows(_INDEXES, old)
    for _, columns in groupby(found, key=lambda row: row[0]):
        yield _index(new, list(columns))


def _index(table: str, columns: list[tuple[Any, ...]]) -> str:
    """A constraint is named by the server: its name would be the other table's a second time."""
    _, kind, unique, primary, constraint, name, *_ = columns[0]
    ordered = [f"{bracketed(row[6])}{' desc' if row[7] else ''}" for row in columns if not row[8]]
    added = ", ".join(bracketed(row[6]) for row in columns if row[8])
    clustered = "clustered" if kind == 1 else "nonclustered"
    keys = f"({', '.join(ordered)})"
    if primary or constraint:
        word = "primary key" if primary else "unique"
        return f"alter table {table} add {word} {clustered} {keys}"
    included = f" include ({added})" if added else ""
    word = f"{'unique ' if unique else ''}{clustered}"
    return f"create {word} index {bracketed(name)} on {table} {keys}{included}"
