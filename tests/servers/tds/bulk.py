"""INSERT BULK, and the message of rows that comes after it ([MS-TDS] 2.2.6.1)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp
from tests.servers.tds import inserting, tokens, unpacking, writing
from tests.servers.tds.batches import Leaf
from tests.servers.tds.catalog import Column, Table
from tests.servers.tds.errors import SqlError
from tests.servers.tds.packets import Streamed
from tests.servers.tds.queries import Queries
from tests.servers.tds.words import parted

if TYPE_CHECKING:
    from tests.servers.tds.session import Session

_LOADED = "tds_loaded"


@dataclass(frozen=True)
class Bulk:
    """What INSERT BULK has said: the table, its columns, and the options (in small letters)."""

    path: list[str]
    columns: list[str]
    options: frozenset[str]


def announced(session: Session, leaf: Leaf) -> None:
    """`INSERT BULK dbo.t ([a] int, …) WITH (…)`. Raises SqlError for what is not there."""
    at = leaf.cursor()
    at.must("insert", "bulk")
    path = at.path()
    columns = [part[0].name for part in parted(at.group())]
    options: set[str] = set()
    if at.skip("with"):
        options = {part[0].low for part in parted(at.group())}
    session.transactions.read(session.database)
    table = _table(session, path)
    session.transactions.done()
    for name in columns:
        if table.column(name) is None:
            raise SqlError(207, f"Invalid column name '{name}'.")
    session.bulk = Bulk(path, columns, frozenset(options))


def _table(session: Session, path: list[str]) -> Table:
    table = session.scene.table(path)
    if table is None:
        raise SqlError(208, f"Invalid object name '{'.'.join(path)}'.")
    return table


def load(session: Session, body: bytes, out: Streamed) -> None:
    """One batch of rows: without a transaction it is committed."""
    meant, session.bulk = session.bulk, None
    if meant is None:
        raise SqlError(4002, "Rows have come that no INSERT BULK has announced.")
    columns, rows = unpacking.table(body)
    fault = session.database.fault(f"insert bulk {'.'.join(meant.path)}")
    if fault is not None:
        raise fault
    writing.lock(session, meant.path, adding=True)
    table = _table(session, meant.path)
    queries = Queries(session.scene)
    given = {}
    for n, (name, kind) in enumerate(columns):
        column = _column(table, name or meant.columns[n])
        value = writing.stored(table, column, exp.column(f"c{n}", "q"), kind)
        if column.default is not None and "keep_nulls" not in meant.options:
            value = f"coalesce({value}, {inserting.default(queries, column)})"
        given[column.name] = value
    count = _fill(session, table, given, rows, queries)
    session.transactions.done()
    out += tokens.done(count=count)


def _column(table: Table, name: str) -> Column:
    column = table.column(name)
    if column is None:
        raise SqlError(207, f"Invalid column name '{name}'.")
    return column


def _fill(
    session: Session, table: Table, given: dict[str, str], rows: Any, queries: Queries
) -> int:
    if not rows.num_rows:
        return 0
    session.con.register(_LOADED, rows)
    try:
        return inserting.fill(session, table, given, f"{_LOADED} q", queries.values)
    finally:
        with suppress(duckdb.Error):  # after an error it lets nothing be done
            session.con.unregister(_LOADED)
