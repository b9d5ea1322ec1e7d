"""ALTER TABLE … SWITCH: all rows of one table become those of another that is like it, and empty.

The numbers and the words are those of SQL Server's list of errors (4900 to 4999).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.servers.tds.catalog import Catalog, Table
from tests.servers.tds.errors import SqlError

if TYPE_CHECKING:
    from tests.servers.tds.session import Session

_FAILED = "ALTER TABLE SWITCH statement failed"


def switch(session: Session, catalog: Catalog, source: Table, target: Table) -> None:
    """Raises SqlError for two that are not alike."""
    con = session.con
    if source.number == target.number:
        told = f"The source table '{_told(source)}' and target table '{_told(target)}' are same."
        raise SqlError(4955, f"{_FAILED}. {told}")
    if con.execute(f"select 1 from {target.place} limit 1").fetchone() is not None:
        raise SqlError(4905, f"{_FAILED}. The target table '{_told(target)}' must be empty.")
    for one in (target, source):
        if one.tracked:
            told = "It is not possible to switch the partition of a table that has change tracking "
            told = f"for table '{_told(one)}'. {told}enabled."
            raise SqlError(4900, f"The {_FAILED} {told}")
    _same_columns(catalog, source, target)
    _same_indexes(catalog, source, target)
    _no_constraints(catalog, source, target)
    con.execute(f"insert into {target.place} select * from {source.place}")
    con.execute(f"delete from {source.place}")


def _told(table: Table) -> str:
    return f"{table.database}.{table.told}"


def _same_columns(catalog: Catalog, source: Table, target: Table) -> None:
    one, two = _told(source), _told(target)
    if len(source.columns) != len(target.columns):
        counts = f"table '{one}' has {len(source.columns)} columns"
        told = f"{counts} and table '{two}' has {len(target.columns)} columns."
        raise SqlError(4943, f"{_FAILED} because {told}")
    for n, (mine, theirs) in enumerate(zip(source.columns, target.columns, strict=True), 1):
        name = f"{_FAILED} because column '{mine.name}'"
        if mine.name != theirs.name:
            other = f"the column '{theirs.name}' at the same ordinal in table '{two}'."
            raise SqlError(
                4942, f"{name} at ordinal {n} in table '{one}' has a different name than {other}"
            )
        if str(mine.kind) != str(theirs.kind):
            told = f"which is different from its type {theirs.kind} in target table '{two}'."
            raise SqlError(4944, f"{name} has data type {mine.kind} in source table '{one}' {told}")
        if mine.kind.collation != theirs.kind.collation:
            told = f"does not have the same collation in tables '{one}' and '{two}'."
            raise SqlError(4945, f"{name} {told}")
        if mine.nullable != theirs.nullable:
            told = f"does not have the same nullability attribute in tables '{one}' and '{two}'."
            raise SqlError(4985, f"{name} {told}")


Shape = tuple[object, ...]


def _indexes(catalog: Catalog, table: Table) -> list[tuple[str, Shape]]:
    """The name of each, and what it is."""
    found = []
    for number, name, *facts in catalog.rows(
        "select index_id, name, type, is_unique, is_primary_key, is_unique_constraint"
        " from {sys}.indexes where object_id = ? and type > 0 order by index_id",
        table.number,
    ):
        columns = catalog.rows(
            "select c.name, x.is_descending, x.is_included from {sys}.index_columns x"
            " join {sys}.columns c using (object_id, column_id)"
            " where x.object_id = ? and x.index_id = ? order by x.is_included, x.key_ordinal",
            *(table.number, number),
        )
        found.append((str(name), (*facts, *columns)))
    return found


def _same_indexes(catalog: Catalog, source: Table, target: Table) -> None:
    mine, theirs = _indexes(catalog, source), _indexes(catalog, target)
    for one, other, found, missing in (
        (source, target, mine, theirs),
        (target, source, theirs, mine),
    ):
        clustered = [name for name, shape in found if shape[0] in (1, 5)]
        if clustered and not [1 for _, shape in missing if shape[0] in (1, 5)]:
            told = f"The table '{_told(one)}' has clustered index '{clustered[0]}' while the table "
            told += f"'{_told(other)}' does not have clustered index."
            raise SqlError(4913, f"{_FAILED}. {told}")
    shapes = [shape for _, shape in mine]
    for name, shape in theirs:
        if shape not in shapes:
            told = f"There is no identical index in source table '{_told(source)}' for the index "
            raise SqlError(4947, f"{_FAILED}. {told}'{name}' in target table '{_told(target)}' .")


def _no_constraints(catalog: Catalog, source: Table, target: Table) -> None:
    """Where one is the same in both tables, SQL Server would take it; we say that it is not."""
    referring = "select name from {sys}.foreign_keys where referenced_object_id = ?"
    for (name,) in catalog.rows(referring, source.number):
        told = f"SWITCH is not allowed because source table '{_told(source)}' contains primary key "
        raise SqlError(4967, f"{_FAILED}. {told}for constraint '{name}'.")
    own = "select name from {sys}.foreign_keys where parent_object_id = ?"
    for (name,) in catalog.rows(own, target.number):
        told = f"Target table '{_told(target)}' has foreign key for constraint '{name}' but source "
        told += f"table '{_told(source)}' does not have corresponding key."
        raise SqlError(4968, f"{_FAILED}. {told}")
    checks = "select name from {sys}.objects where parent_object_id = ? and type = 'C'"
    for (name,) in catalog.rows(checks, target.number):
        told = f"Target table '{_told(target)}' has a table level check constraint '{name}' but the"
        told += f" source table '{_told(source)}' does not have a corresponding constraint."
        raise SqlError(4970, f"{_FAILED}. {told}")
