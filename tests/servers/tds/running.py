"""Batches are run: control flow, variables, queries; what changes data is elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import duckdb
from sqlglot import exp
from tests.servers.tds import (
    answering,
    bulk,
    definitions,
    dropping,
    parsing,
    procedures,
    settings,
    tokens,
    writing,
)
from tests.servers.tds.batches import Block, If, Leaf, Statement, Try, While, statements
from tests.servers.tds.catalog import Catalog, quoted
from tests.servers.tds.errors import Cancelled, SqlError, told
from tests.servers.tds.packets import Streamed

if TYPE_CHECKING:
    from tests.servers.tds.session import Session

_IMPLICIT: Final = frozenset(
    ("select", "insert", "update", "delete", "with", "create", "alter", "drop", "truncate")
)


class Returned(Exception):
    """RETURN: the batch is over."""


def batch(session: Session, sql: str, out: Streamed, token: int = tokens.DONE) -> None:
    """Answers all but the last DONE."""
    try:
        for statement in statements(sql):
            run(session, statement, out, token)
    except Returned:
        return


def run(session: Session, statement: Statement, out: Streamed, token: int) -> None:
    if session.stopped.is_set():
        raise Cancelled
    if isinstance(statement, Block):
        for part in statement.parts:
            run(session, part, out, token)
    elif isinstance(statement, If):
        chosen = statement.then if _holds(session, statement.condition) else statement.other
        if chosen is not None:
            run(session, chosen, out, token)
    elif isinstance(statement, While):
        while _holds(session, statement.condition):
            run(session, statement.body, out, token)
    elif isinstance(statement, Try):
        _try(session, statement, out, token)
    else:
        _leaf(session, statement, out, token)


def _try(session: Session, statement: Try, out: Streamed, token: int) -> None:
    try:
        run(session, statement.body, out, token)
    except (SqlError, duckdb.Error) as failed:
        if isinstance(failed, duckdb.InterruptException):
            raise
        session.scene.error = failed if isinstance(failed, SqlError) else told(failed)
        session.undo(out)
        run(session, statement.catch, out, token)


def _holds(session: Session, condition: str) -> bool:
    row = answering.single(session, f"select case when {condition} then 1 else 0 end")
    return bool(row and row[0][1])


def _leaf(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    fault = session.database.fault(leaf.text)
    if fault is not None:
        raise fault
    if session.implicit and leaf.first in _IMPLICIT and not session.transactions.depth:
        session.begin(out)
    handler = _HANDLERS.get(leaf.first)
    if handler is None:
        if procedures.known(leaf):
            handler = procedures.run
        else:
            raise SqlError(102, f"Incorrect syntax near '{leaf.words[0].text}'.", 15)
    handler(session, leaf, out, token)


# queries


def select(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    if leaf.first == "insert" and leaf.second == "bulk":
        bulk.announced(session, leaf)
        return
    tree = parsing.parsed(leaf.text)
    if isinstance(tree, exp.Insert | exp.Update | exp.Delete):
        writing.run(session, tree, out, token)
    elif isinstance(tree, exp.Select) and tree.args.get("into") is not None:
        definitions.select_into(session, tree, out, token)
    elif isinstance(tree, exp.Select) and answering.assigns(tree):
        answering.assign(session, tree)
    else:
        answering.answer(session, tree, out, token)


def drop_temporary(session: Session, catalog: Catalog) -> None:
    """A session's own tables, when it ends."""
    schema = catalog.schema(f"#{session.id}")
    if schema is None:
        return
    catalog.con.execute("begin")
    found = catalog.rows("select object_id from {sys}.objects where schema_id = ?", schema[0])
    for (number,) in found:
        catalog.forget(number)
    catalog.run("delete from {sys}.schemas where schema_id = ?", schema[0])
    catalog.con.execute(f"drop schema {quoted(catalog.database, schema[1])} cascade")
    catalog.con.execute("commit")


def _return(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    raise Returned


def _throw(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    if len(leaf.words) == 1:
        raise session.scene.error or SqlError(10704, "THROW has nothing to throw.")
    number, text = (settings.value(session, part) for part in leaf.text[5:].split(",")[:2])
    raise SqlError(int(number), str(text))


def _raise(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    at = leaf.cursor()
    at.next()
    first = at.group()
    raise SqlError(50000, first[0].name)


def _wait(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    """WAITFOR DELAY '00:00:01'"""
    hours, minutes, seconds = leaf.words[-1].name.split(":")
    if session.stopped.wait(int(hours) * 3600 + int(minutes) * 60 + float(seconds)):
        raise Cancelled


def _kill(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    found = session.server.sessions.get(int(leaf.words[1].text))
    if found is None:
        raise SqlError(6106, f"Process ID {leaf.words[1].text} is not an active process ID.")
    found.hang_up()


def _print(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    out += tokens.info(str(settings.value(session, leaf.text[5:])))


_HANDLERS: Final[dict[str, Callable[[Session, Leaf, Streamed, int], None]]] = {
    "select": select,
    "with": select,
    "insert": select,
    "update": select,
    "delete": select,
    "set": settings.set_,
    "declare": settings.declare,
    "use": settings.use,
    "begin": settings.begin,
    "commit": settings.commit,
    "rollback": settings.rollback,
    "save": settings.save,
    "exec": procedures.run,
    "execute": procedures.run,
    "create": definitions.create,
    "alter": definitions.alter,
    "drop": dropping.drop,
    "truncate": dropping.truncate,
    "return": _return,
    "throw": _throw,
    "raiserror": _raise,
    "print": _print,
    "waitfor": _wait,
    "kill": _kill,
}
