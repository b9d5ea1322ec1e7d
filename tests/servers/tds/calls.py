"""Procedures that are called by name or number in a message of their own ([MS-TDS] 2.2.6.6)."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from tests.servers.tds import procedures, running, tokens
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import Kind
from tests.servers.tds.packets import Streamed
from tests.servers.tds.reading import Reader, Sent
from tests.servers.tds.words import Cursor, parted

if TYPE_CHECKING:
    from tests.servers.tds.session import Session

_NUMBERED: Final = {
    **{10: "sp_executesql", 11: "sp_prepare", 12: "sp_execute", 13: "sp_prepexec"},
    **{14: "sp_prepexecrpc", 15: "sp_unprepare"},
}
_ENDS: Final = (0x80, 0xFF, 0xFE)
_MOST: Final = 2098
"""Of a statement's own: it and its declarations are two more."""
_CUT: Final = ("nvarchar", "varchar", "varbinary", "nchar", "char", "binary")
_handles = itertools.count(1)
Parameter = tuple[str, Kind, Any]
"""Its name, with @; its kind; its value."""


def run(session: Session, body: bytes, out: Streamed) -> None:
    """One message may have several calls in it."""
    r = Reader(body)
    r.at = r.number("I")
    while r.left:
        name, parameters = _read(r)
        if r.left:
            r.take(1)
        _call(session, name, parameters, out)
        out += tokens.done(tokens.DONE_PROC, tokens.MORE if r.left else 0)


def _read(r: Reader) -> tuple[str, list[Parameter]]:
    count = r.number("H")
    if count == 0xFFFF:
        number = r.number("H")
        name = _NUMBERED.get(number, str(number))
    else:
        name = r.take(2 * count).decode("utf-16-le")
    r.take(2)  # flags
    parameters = []
    while r.left and r.next not in _ENDS:
        own = r.short_text()
        r.take(1)
        sent = Sent.read(r)
        parameters.append((own, sent.kind, sent.value(r)))
    return name, parameters


def _call(session: Session, name: str, given: list[Parameter], out: Streamed) -> None:
    what = name.lower().rpartition(".")[2].strip("[]")
    if what == "sp_executesql":
        declared = given[1][2] if len(given) > 1 else ""
        _execute(session, given[0][2], declared or "", given[2:], out)
    elif what in ("sp_prepexec", "sp_prepare"):
        handle = next(_handles)
        session.prepared[handle] = (given[2][2], given[1][2] or "")
        if what == "sp_prepexec":
            _execute(session, given[2][2], given[1][2] or "", given[3:], out)
        out += tokens.status(0)
        out += tokens.returned(given[0][0], handle)
        return
    elif what == "sp_execute":
        if given[0][2] not in session.prepared:
            told = f"Could not find prepared statement with handle {given[0][2]}."
            raise SqlError(8179, told)
        sql, declared = session.prepared[given[0][2]]
        _execute(session, sql, declared, given[1:], out)
    elif what == "sp_unprepare":
        session.prepared.pop(given[0][2], None)
    else:
        out += tokens.status(_procedure(session, what, given, out))
        return
    out += tokens.status(0)


def _procedure(session: Session, name: str, given: list[Parameter], out: Streamed) -> int:
    call = procedures.Call(session, out, tokens.DONE_IN_PROC)
    for own, _, value in given:
        if own:
            call.named[own.lstrip("@").lower()] = value
        else:
            call.given.append(value)
    return procedures.invoke(name, call)


def _execute(
    session: Session, sql: str, declared: str, given: list[Parameter], out: Streamed
) -> None:
    """A statement with its parameters, which are variables in it."""
    if len(given) > _MOST:
        told = "The incoming request has too many parameters. The server supports a maximum of "
        raise SqlError(8003, told + "2100 parameters.")
    parts = parted(Cursor(declared).words)
    kinds = {}
    for part in parts:
        words = [w for w in part[1:] if w.low not in ("output", "out", "readonly", "as")]
        kinds[part[0].low] = Kind.of(Cursor(declared).text(words))
    names = list(kinds)
    values: dict[str, tuple[Kind, Any]] = {name: (kind, None) for name, kind in kinds.items()}
    for n, (own, sent, value) in enumerate(given):
        name = own.lower() or names[n]
        kind = kinds.get(name, sent)
        values[name] = (kind, settle(value, sent, kind))
    session.scene.variables = values
    session.database.statements.append((session.id, sql))
    running.batch(session, sql, out, tokens.DONE_IN_PROC)


def settle(value: Any, sent: Kind, kind: Kind) -> Any:
    """A value as its declared kind has it: a length that is smaller cuts."""
    cuts = sent.name in _CUT and kind.name in _CUT and kind.size > 0
    return value[: kind.size] if cuts and value is not None else value
