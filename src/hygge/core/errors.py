"""One family of errors: each says what failed, where, and what to try."""

from __future__ import annotations

from shlex import quote
from typing import Any, ClassVar

ANEW = "hygge go --full-drop"
"""What loads everything anew."""


class HyggeError(Exception):
    """Every error that hygge raises on purpose.

    `what` is one sentence; `hint` says what to try; `where` holds file, line, flow, entity, column
    and the like. `transient` tells whether the same attempt may succeed later, unchanged.
    """

    transient: ClassVar[bool] = False

    def __init__(self, what: str, *, hint: str | None = None, **where: object) -> None:
        super().__init__(what)
        self.what, self.hint = what, hint
        self.where = {key: value for key, value in where.items() if value is not None}

    def at(self, **where: object) -> HyggeError:
        """Add places that the raiser could not know; what it said itself is kept."""
        known = {key: value for key, value in where.items() if value is not None}
        self.where = {**known, **self.where}
        return self

    @property
    def place(self) -> str:
        """Where it happened, as people write it: `file:line, flow users, column id`."""
        rest = dict(self.where)
        file, line = rest.pop("file", None), rest.pop("line", None)
        spot = [f"{file}:{line}" if line is not None else str(file)] if file is not None else []
        return ", ".join([*spot, *(f"{key} {value}" for key, value in rest.items())])

    def __str__(self) -> str:
        first = f"{self.what} ({self.place})" if self.place else self.what
        return f"{first}\n  try: {self.advice}" if self.hint else first

    @property
    def advice(self) -> str:
        """The hint; a command in it is for the flow that it happened to, and no other."""
        hint, flow = self.hint or "", self.where.get("flow")
        option = "--entity" if "." in str(flow) else "--flow"
        return hint.replace(ANEW, f"{ANEW} {option} {quote(str(flow))}") if flow else hint

    def __reduce__(self) -> tuple[object, ...]:
        return (_again, (type(self), self.what, self.hint, self.where))


def _again(kind: type[HyggeError], what: str, hint: str | None, where: dict[str, object]) -> object:
    return kind(what, hint=hint, **where)


class ConfigError(HyggeError):
    """What the user wrote asks for something that cannot be."""


class Unsupported(ConfigError):
    """A Home, Store or Format declares that it cannot do this."""


class ConnectionFailed(HyggeError):
    """A system could not be reached."""

    transient = True


class DatabaseError(HyggeError):
    """A database refused what it was asked."""


class HomeError(HyggeError):
    """A Home could not give its table, or not all of it."""


class SourceMissing(HomeError):
    """The table, file or folder to read is not there."""


class SourceChanged(HomeError):
    """What was being read changed underneath."""

    transient = True


class LoadOutdated(SourceChanged):
    """What a load was to read is not there any more as it was: another load is begun."""


class SchemaMismatch(HomeError):
    """Rows or files do not have the columns and types that were announced."""


class StoreError(HyggeError):
    """A Store could not stage, verify or commit."""


class VerificationFailed(StoreError):
    """What is staged is not what was sent; nothing was published."""

    transient = True


class LoadLost(StoreError):
    """This load's fate was written by someone else while we worked on it."""

    transient = True


class NotYet(StoreError):
    """A load is recorded, and its publication cannot go on before so many `seconds` are over.
    Whoever recovers it then finishes it."""

    transient = True

    def __init__(self, what: str, *, seconds: float = 0, **more: Any) -> None:
        super().__init__(what, **more)
        self.seconds = seconds


class FlowError(HyggeError):
    """A flow could not go on, for a reason that is neither the Home's nor the Store's."""


class FlowBusy(FlowError):
    """Another run holds this flow, or its destination."""


class FlowTimeout(FlowError):
    """The flow took longer than its `timeout`."""


class FlowSuspended(FlowError):
    """The run was stopped before this flow had ended: by the user, or by what ended the run."""


class DriverHung(FlowError):
    """A driver's call did not return, not even after its connection was taken away."""


class JournalError(HyggeError):
    """The journal could not be read or written. It is load-bearing: the run stops."""
