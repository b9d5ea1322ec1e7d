"""SET, DECLARE, USE, and the statements that begin and end transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp
from tests.servers.tds import answering, parsing, tokens
from tests.servers.tds.batches import Leaf
from tests.servers.tds.casting import converted
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import BYTES, TEXTS, Kind
from tests.servers.tds.packets import Streamed
from tests.servers.tds.queries import Queries
from tests.servers.tds.scopes import Scope, kind_of
from tests.servers.tds.words import parted

if TYPE_CHECKING:
    from tests.servers.tds.session import Session

XACT_ABORT = 16384
_PRIORITIES = {"low": -5, "normal": 0, "high": 5}


def value(session: Session, text: str, kind: Kind | None = None) -> Any:
    """Of an expression; as this kind, if one is given."""

    if kind is None:
        found = answering.single(session, f"select {text}")
        return found[0][1] if found else None
    session.transactions.read(session.database)
    queries = Queries(session.scene)
    tree = parsing.parsed(f"select {text}")
    assert isinstance(tree, exp.Select)
    node = queries.visit(tree.expressions[0], Scope())
    made = converted(node, kind_of(node), kind)
    sql = f"select {made.sql('duckdb', copy=False)}"
    row = session.con.execute(sql, queries.bound(sql)).fetchone()
    session.transactions.done()
    return row[0] if row is not None else None


def assign(session: Session, name: str, found: Any) -> None:
    """To a variable, cut as its kind wants it."""
    kind = session.scene.variable(name)[0]
    if kind.name in (*TEXTS, *BYTES) and kind.size > 0 and found is not None:
        found = found[: kind.size]
    session.scene.variables[f"@{name.lstrip('@').lower()}"] = (kind, found)


def declare(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    at = leaf.cursor()
    at.must("declare")
    for part in parted(at.words[1:]):
        words = part[1:] if part[1].low != "as" else part[2:]
        split = next((n for n, word in enumerate(words) if word.low == "="), len(words))
        kind = Kind.of(at.text(words[:split]))
        session.scene.variables[part[0].low] = (kind, None)
        if split < len(words):
            found = value(session, at.text(words[split + 1 :]), kind)
            assign(session, part[0].low, found)


def use(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    old, name = session.database, leaf.words[1].name
    session.database = session.server.database(name)
    out += tokens.changed(1, session.database.name, old.name)


def begin(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    session.begin(out)


def commit(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    session.end(out, commit=True)


def rollback(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    session.end(out, commit=False)


def save(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    raise SqlError(50000, "Savepoints are not to be had here.")


def set_(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    words = leaf.words
    what, last = words[1].low, words[-1].low
    if what.startswith("@") and not what.startswith("@@"):
        _variable(session, leaf)
    elif what == "implicit_transactions":
        session.implicit = last == "on"
    elif what == "fmtonly":
        session.names_only = last == "on"
    elif what == "nocount":
        session.quiet = last == "on"
    elif what == "xact_abort":
        flag = session.options | XACT_ABORT
        session.options = flag if last == "on" else flag & ~XACT_ABORT
    elif what == "lock_timeout":
        milliseconds = int(leaf.text.split()[-1])
        session.transactions.lock_timeout = None if milliseconds < 0 else milliseconds / 1000
    elif what == "deadlock_priority":
        session.server.locks.priorities[session.id] = _PRIORITIES[last]
    elif what == "identity_insert":
        session.identity_insert = leaf.text if last == "on" else None
    elif what == "transaction":
        _isolate(session, leaf)


def _variable(session: Session, leaf: Leaf) -> None:
    at = leaf.cursor()
    name = leaf.words[1].low
    at.at = 2
    if at.skip("="):
        text = leaf.text[leaf.text.index("=") + 1 :]
    else:
        mark = at.next().low
        if mark == "+=":
            start = at.words[at.at].start
        else:  # + and = are words of their own
            at.must("=")
            start = at.words[at.at].start
        text = f"{name} {mark[0]} ({leaf.text[start:]})"
    assign(session, name, value(session, text, session.scene.variable(name)[0]))


def _isolate(session: Session, leaf: Leaf) -> None:
    level = " ".join(word.low for word in leaf.words[4:])
    known = ("read uncommitted", "read committed", "repeatable read", "snapshot", "serializable")
    if level not in known:
        raise SqlError(102, f"Incorrect syntax near '{level}'.", 15)
    session.transactions.isolation = level.replace("uncommitted", "committed")
