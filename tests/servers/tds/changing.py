"""UPDATE and DELETE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from tests.servers.tds import answering, references, tracking, uniqueness
from tests.servers.tds.casting import Node, literal
from tests.servers.tds.catalog import Catalog, Column, Table, quoted
from tests.servers.tds.errors import SqlError
from tests.servers.tds.inserting import next_row_version
from tests.servers.tds.kinds import Kind
from tests.servers.tds.packets import Streamed
from tests.servers.tds.queries import Queries, asked
from tests.servers.tds.writing import stored, target

if TYPE_CHECKING:
    from tests.servers.tds.session import Session


def _rows(
    queries: Queries, tree: Any, start: Any, alias: str, cells: Sequence[Node]
) -> tuple[str, list[Kind | None]]:
    """A query for the rows that are meant: `rid`, and values c0, c1 …"""
    joins = start.args.pop("joins", None) or []
    made = exp.Select(expressions=list(cells) or [exp.Literal.number(1)])
    made.set("from_", exp.From(this=start))
    made.set("joins", joins)
    for name in ("where", "with_", "limit"):
        if (part := tree.args.get(name)) is not None:
            made.set(name, part)
    outputs = queries.query(made)
    rid = exp.alias_(exp.column("rowid", alias, quoted=True), "rid")
    shown = [exp.alias_(one.unalias(), f"c{n}") for n, one in enumerate(made.expressions)]
    made.set("expressions", [rid, *shown])
    return made.sql("duckdb", copy=False), [kind for _, kind in outputs]


def update(session: Session, tree: Any, table: Table, out: Streamed, token: int) -> None:
    queries = Queries(session.scene)
    start = tree.args["from_"].this if tree.args.get("from_") is not None else tree.this
    alias = target(tree).alias_or_name
    targets = [_settable(table, one.this.name) for one in tree.expressions]
    cells = [
        literal(None) if isinstance(one.expression, exp.Null) else one.expression
        for one in tree.expressions
    ]
    rows, kinds = _rows(queries, tree, start, alias, cells)
    pairs = []
    for n, (column, kind) in enumerate(zip(targets, kinds, strict=True)):
        null = isinstance(cells[n], exp.Null)
        value = stored(table, column, exp.column(f"c{n}", "q"), kind)
        pairs.append(f"{quoted(column.name)} = {'null' if null else value}")
    for column in table.columns:
        if column.kind.name == "rowversion":
            session.transactions.note_row_versions(session.server.database(table.database))
            pairs.append(f"{quoted(column.name)} = {next_row_version(table)}")
    changed = {column.name.lower() for column in targets}
    catalog = Catalog(session.con, table.database)
    picked = _picked(session, rows, queries.values)
    moves = _note_before(session, catalog, table, picked, changed)
    row = session.con.execute(
        f"update {table.place} as tgt set {', '.join(pairs)}"
        f" from (select distinct on (rid) * from {picked}) q where tgt.rowid = q.rid"
    ).fetchone()
    uniqueness.check(catalog, table, -1, changed)
    references.check(catalog, table, "UPDATE")
    if moves:
        tracking.note(catalog, table, session.id, "I", _meant(table, picked))
    answering.told_count(session, int(row[0]) if row is not None else 0, out, token)


def _picked(session: Session, rows: str, values: Mapping[str, Any]) -> str:
    """The rows that are meant, put aside: they are read before anything is changed."""
    sql = f"create or replace temp table tds_picked as {rows}"
    session.con.execute(sql, asked(sql, values))
    return "temp.main.tds_picked"


def _meant(table: Table, picked: str) -> str:
    return f"{table.place} x where x.rowid in (select rid from {picked})"


def _note_before(
    session: Session, catalog: Catalog, table: Table, picked: str, changed: set[str]
) -> bool:
    """Notes the keys that change; whether the new ones are to be noted afterwards."""
    if not table.tracked:
        return False
    session.transactions.tracked = session.server.database(table.database)
    moves = any(name.lower() in changed for name in table.key)
    tracking.note(catalog, table, session.id, "D" if moves else "U", _meant(table, picked))
    return moves


def _settable(table: Table, name: str) -> Column:
    column = table.column(name)
    if column is None:
        raise SqlError(207, f"Invalid column name '{name}'.")
    if column.kind.name == "rowversion":
        raise SqlError(272, "Cannot update a timestamp column.")
    if column.seed is not None:
        raise SqlError(8102, f"Cannot update identity column '{name}'.")
    return column


def delete(session: Session, tree: Any, table: Table, out: Streamed, token: int) -> None:
    queries = Queries(session.scene)
    alias = target(tree).alias_or_name
    rows, _ = _rows(queries, tree, tree.this, alias, [])
    catalog = Catalog(session.con, table.database)
    if table.tracked:
        picked = _picked(session, rows, queries.values)
        session.transactions.tracked = session.server.database(table.database)
        tracking.note(catalog, table, session.id, "D", _meant(table, picked))
        rows = f"select rid from {picked}"
    else:
        rows = f"select rid from ({rows})"
    sql = f"delete from {table.place} where rowid in ({rows})"
    row = session.con.execute(sql, queries.bound(sql)).fetchone()
    references.check(catalog, table, "DELETE")
    answering.told_count(session, int(row[0]) if row is not None else 0, out, token)
