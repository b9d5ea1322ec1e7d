"""Stored procedures: the system's own that clients call, and two by which tests ask for things."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.servers.tds import describing, packing, renaming, settings, tokens
from tests.servers.tds.batches import Leaf
from tests.servers.tds.errors import Cancelled, SqlError
from tests.servers.tds.kinds import MAX, Kind
from tests.servers.tds.packets import Streamed
from tests.servers.tds.server import Fault
from tests.servers.tds.words import Cursor, Word, parted

if TYPE_CHECKING:
    from tests.servers.tds.session import Session

_TEXT: Final = Kind("nvarchar", MAX)


@dataclass
class Call:
    """A procedure's arguments: by position, and by name (small, without @)."""

    session: Session
    out: Streamed
    token: int
    given: list[Any] = field(default_factory=list)
    named: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    def argument(self, place: int, name: str, default: Any = None) -> Any:
        if name.lower() in self.named:
            return self.named[name.lower()]
        return self.given[place] if place < len(self.given) else default

    def answer(self, columns: Sequence[tuple[str, Kind]], rows: Sequence[Sequence[Any]]) -> None:
        """A result set."""
        self.out += tokens.columns(columns)
        self.out += packing.rows(rows, [packing.packer(kind) for _, kind in columns])
        self.out.done(self.token, len(rows))


def known(leaf: Leaf) -> bool:
    """Whether a statement that begins with a name is a call without EXEC."""
    at = leaf.cursor()
    return at.path()[-1].lower() in _PROCEDURES


def run(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    """`EXEC @r = name …`"""
    from tests.servers.tds import running

    at = leaf.cursor()
    at.skip("exec") or at.skip("execute")
    if at.peek() == "(":
        text = settings.value(session, at.text(at.group()))
        variables = session.scene.variables
        running.batch(session, str(text), out, token)
        session.scene.variables = variables
        return
    result = None
    if at.peek().startswith("@") and at.peek(1) == "=":
        result = at.next().low
        at.next()
    name = at.path()[-1]
    call = Call(session, out, token)
    for part in parted(at.words[at.at :]):
        _argument(call, at, part)
    code = invoke(name, call)
    if result is not None:
        settings.assign(session, result, code)


def _argument(call: Call, at: Cursor, part: list[Word]) -> None:
    into = part[-1].low in ("output", "out") and len(part) > 1
    words = part[:-1] if into else part
    name = ""
    if len(words) > 2 and words[0].low.startswith("@") and words[1].low == "=":
        name, words = words[0].low[1:], words[2:]
    if words[0].low == "default":
        return
    bare = len(words) == 1 and words[0].kind in ("word", "name")
    if bare and not words[0].text.startswith("@") and words[0].low != "null":
        value: Any = words[0].name
    else:
        value = settings.value(call.session, at.text(words))
    if into:
        call.outputs[name or str(len(call.given))] = words[0].low
    if name:
        call.named[name] = value
    else:
        call.given.append(value)


def invoke(name: str, call: Call) -> int:
    """Its return code. Raises SqlError for one that is not there."""
    found = _PROCEDURES.get(name.lower())
    if found is None:
        raise SqlError(2812, f"Could not find stored procedure '{name}'.")
    return found(call)


# locks by name


def _lock_key(call: Call, resource: str) -> tuple[str, str, str]:
    return ("app", call.session.database.name, resource.lower())


def _get_lock(call: Call) -> int:
    session = call.session
    key = _lock_key(call, str(call.argument(0, "Resource")))
    owner = str(call.argument(2, "LockOwner", "Transaction")).lower()
    milliseconds = call.argument(3, "LockTimeout")
    if owner == "transaction" and not session.transactions.depth:
        told = "You attempted to acquire a transactional application lock without an active "
        raise SqlError(1200, told + "transaction.")
    seconds = session.transactions.lock_timeout
    if milliseconds is not None:
        seconds = None if int(milliseconds) < 0 else int(milliseconds) / 1000
    waited = session.server.locks.owner(key) not in (None, session.id)
    try:
        got = session.server.locks.take(key, session.id, seconds, session.stopped.is_set)
    except SqlError:
        return -3
    if not got:
        if session.stopped.is_set():
            raise Cancelled
        return -1
    if owner == "session":
        session.transactions.kept.add(key)
    return int(waited)


def _release_lock(call: Call) -> int:
    session = call.session
    key = _lock_key(call, str(call.argument(0, "Resource")))
    session.transactions.kept.discard(key)
    if not session.server.locks.release(session.id, key):
        told = "Cannot release the application lock (Database Principal: 'public', Resource: "
        raise SqlError(1223, f"{told}'{key[2]}') because it is not currently held.")
    return 0


# statements


def _execute(call: Call) -> int:
    """sp_executesql within a batch."""
    from tests.servers.tds import running

    session, (sql, declared) = call.session, (call.argument(0, "stmt"), call.argument(1, "params"))
    outer = session.scene.variables
    values: dict[str, tuple[Kind, Any]] = {}
    names = []
    for part in parted(Cursor(declared or "").words):
        words = [w for w in part if w.low not in ("output", "out")]
        text = Cursor(declared or "").text(words[1:])
        names.append(words[0].low)
        values[names[-1]] = (Kind.of(text), None)
    for n, value in enumerate(call.given[2:]):
        values[names[n]] = (values[names[n]][0], value)
    for name, value in call.named.items():
        if f"@{name}" in values:
            values[f"@{name}"] = (values[f"@{name}"][0], value)
    session.scene.variables = dict(values)
    token = tokens.DONE_IN_PROC
    running.batch(session, str(sql), call.out, token)
    inner, session.scene.variables = session.scene.variables, outer
    for name, variable in call.outputs.items():
        source = f"@{name}" if f"@{name}" in inner else names[int(name) - 2]
        settings.assign(session, variable, inner[source][1])
    return 0


def _rename(call: Call) -> int:
    renaming.rename(
        call.session,
        str(call.argument(0, "objname")),
        str(call.argument(1, "newname")),
        call.argument(2, "objtype"),
    )
    return 0


def _describe(call: Call) -> int:
    declared = call.argument(1, "params")
    found = describing.result_set(call.session, str(call.argument(0, "tsql")), declared)
    call.answer(describing.COLUMNS, found)
    return 0


def _undeclared(call: Call) -> int:
    found = describing.parameters(call.session, str(call.argument(0, "tsql")))
    call.answer(describing.PARAMETERS, found)
    return 0


def _collations(call: Call) -> int:
    found = describing.collations(call.session, str(call.argument(0, "object")))
    call.answer(describing.COLLATIONS, found)
    return 0


def _nothing(call: Call) -> int:
    return 0


# what tests ask for


def _fault(call: Call) -> int:
    """`exec hygge_fault @number = 1205, @when = N'insert into', @times = 1`"""
    call.session.database.faults.append(
        Fault(
            int(call.argument(0, "number")),
            str(call.argument(1, "when", "")),
            int(call.argument(2, "times", 1)),
        )
    )
    return 0


def _faults(call: Call) -> int:
    """Those that are still to come."""
    named = [("number", Kind("int")), ("when", _TEXT), ("times", Kind("int"))]
    waiting = [one for one in call.session.database.faults if one.times > 0]
    call.answer(named, [(one.number, one.when, one.times) for one in waiting])
    return 0


def _statements(call: Call) -> int:
    """All that was sent to this database; `@clear = 1` forgets it."""
    held = call.session.database.statements
    rows = [(n, session, sql) for n, (session, sql) in enumerate(list(held), 1)]
    if call.argument(0, "clear"):
        held.clear()
    named = [("number", Kind("int")), ("session", Kind("int")), ("text", _TEXT)]
    call.answer(named, rows)
    return 0


_PROCEDURES: Final[dict[str, Callable[[Call], int]]] = {
    "sp_getapplock": _get_lock,
    "sp_releaseapplock": _release_lock,
    "sp_executesql": _execute,
    "sp_rename": _rename,
    "sp_describe_first_result_set": _describe,
    "sp_describe_undeclared_parameters": _undeclared,
    "sp_tablecollations_100": _collations,
    "sp_reset_connection": _nothing,
    "sp_set_session_context": _nothing,
    "hygge_fault": _fault,
    "hygge_faults": _faults,
    "hygge_statements": _statements,
}
