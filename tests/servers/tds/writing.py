"""INSERT, UPDATE and DELETE: values become what the columns were declared as."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from tests.servers.tds import parsing
from tests.servers.tds.casting import Node, converted, stored_text
from tests.servers.tds.catalog import Column, Table
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import BYTES, ODD, TEXTS, Kind
from tests.servers.tds.packets import Streamed

if TYPE_CHECKING:
    from tests.servers.tds.session import Session


def run(session: Session, tree: Any, out: Streamed, token: int) -> None:
    """One statement, checked, and committed if it stands alone."""
    from tests.servers.tds import changing, inserting

    doing = {
        exp.Insert: inserting.insert,
        exp.Update: changing.update,
        exp.Delete: changing.delete,
    }[type(tree)]
    path = parsing.path_of(target(tree))
    lock(session, path, adding=isinstance(tree, exp.Insert))
    table = session.scene.table(path)
    if table is None:
        raise SqlError(208, f"Invalid object name '{'.'.join(path)}'.")
    doing(session, tree, table, out, token)
    session.transactions.done()


def lock(session: Session, path: Sequence[str], *, adding: bool = False) -> None:
    """Others that write this table wait until our transaction is over, but for those who add rows
    where we do."""
    database, schema, name = session.scene.place(path)
    what = (database.name.lower(), schema.lower(), name.lower())
    stopped = session.stopped.is_set
    session.transactions.write(database, what, stopped=stopped, adding=adding)


def target(tree: Any) -> exp.Table:
    """The table that is written, where FROM may have an alias for it."""
    found = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if isinstance(tree, exp.Delete) and tree.args.get("tables"):
        return _named(tree.args["tables"][0], found)
    if isinstance(tree, exp.Update) and (start := tree.args.get("from_")) is not None:
        return _named(found, start.this)
    if not isinstance(found, exp.Table):
        raise SqlError(102, "Incorrect syntax near the table to write.", 15)
    return found


def _named(alias: exp.Table, start: Any) -> exp.Table:
    """What this alias stands for in FROM."""
    joined = [join.this for join in start.args.get("joins") or ()]
    for one in (start, *joined):
        if isinstance(one, exp.Table) and alias.name.lower() in (one.alias_or_name.lower(),):
            return one
    return alias


def stored(table: Table, column: Column, node: Node, kind: Kind | None) -> str:
    """A value as the column takes it."""
    if isinstance(node, exp.Null):
        return "null"
    target = column.kind
    if target.name in (*TEXTS, *BYTES, *ODD) and target.name != "rowversion":
        told = f"table '{table.database}.{table.told}', column '{column.name}'"
        return stored_text(node, kind, target, told).sql("duckdb", copy=False)
    return converted(node, kind, target).sql("duckdb", copy=False)
