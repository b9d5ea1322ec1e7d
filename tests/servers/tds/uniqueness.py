"""Keys are checked after each statement: DuckDB's own indexes would forbid too much besides."""

from __future__ import annotations

from collections.abc import Collection

from tests.servers.tds.catalog import Catalog, Index, Table, quoted
from tests.servers.tds.errors import SqlError


def mark(catalog: Catalog, table: Table) -> int:
    """The last row there is; those that come have higher numbers."""
    if not table.tracked and not any(i.unique for i in table.indexes):
        return -1
    found = catalog.con.execute(f"select max(rowid) from {table.place}").fetchone()
    return -1 if found is None or found[0] is None else int(found[0])


def check(
    catalog: Catalog, table: Table, after: int, changed: Collection[str] | None = None
) -> None:
    """No two rows with one key: among rows after a mark, or wherever these columns changed."""
    for index in table.indexes:
        if not index.unique:
            continue
        if changed is not None and not any(name.lower() in changed for name in index.columns):
            continue
        _check(catalog, table, index, after)


def _check(catalog: Catalog, table: Table, index: Index, after: int) -> None:
    keys = ", ".join(f"x.{quoted(name)}" for name in index.columns)
    new = ""
    if after >= 0:
        same = " and ".join(
            f"y.{quoted(n)} is not distinct from x.{quoted(n)}" for n in index.columns
        )
        new = f" where exists (from {table.place} y where y.rowid > {after} and {same})"
    found = catalog.con.execute(
        f"select {keys} from {table.place} x{new} group by {keys} having count(*) > 1 limit 1"
    ).fetchone()
    if found is None:
        return
    shown = ", ".join("<NULL>" if value is None else str(value) for value in found)
    told = f"The duplicate key value is ({shown})."
    if index.primary or index.constraint:
        what = f"{'PRIMARY' if index.primary else 'UNIQUE'} KEY constraint '{index.name}'"
        where = f"Cannot insert duplicate key in object '{table.told}'."
        raise SqlError(2627, f"Violation of {what}. {where} {told}", 14)
    where = f"Cannot insert duplicate key row in object '{table.told}'"
    raise SqlError(2601, f"{where} with unique index '{index.name}'. {told}", 14)
