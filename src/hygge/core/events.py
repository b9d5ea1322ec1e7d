"""What happens during a run, told as it happens. Listeners only listen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    run_id: str
    flows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunStopping(Event):
    """The first Ctrl-C: no new flow starts, running loads finish. `hard`: the second one."""

    hard: bool = False


@dataclass(frozen=True, slots=True)
class RunFinished(Event):
    run_id: str
    succeeded: int
    failed: int
    suspended: int
    skipped: int
    not_started: int
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class FlowEvent(Event):
    flow: str


@dataclass(frozen=True, slots=True)
class FlowStarted(FlowEvent):
    home: str
    store: str
    run_type: str


@dataclass(frozen=True, slots=True)
class Notice(FlowEvent):
    """Something a person should know; nothing is wrong."""

    text: str


@dataclass(frozen=True, slots=True)
class LoadRecovered(FlowEvent):
    """An interrupted load was found: published (its commit was finished), kept, or erased.

    Or a load that failed in this run was undone: what it had staged is erased, too.
    """

    load_id: str
    fate: str


@dataclass(frozen=True, slots=True)
class LoadBegan(FlowEvent):
    load_id: str
    mode: str


@dataclass(frozen=True, slots=True)
class PartitionsPlanned(FlowEvent):
    count: int
    reused: int


@dataclass(frozen=True, slots=True)
class BatchStaged(FlowEvent):
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class PartStaged(FlowEvent):
    partition: str
    rows: int


@dataclass(frozen=True, slots=True)
class PartReused(FlowEvent):
    partition: str
    rows: int


@dataclass(frozen=True, slots=True)
class LoadVerified(FlowEvent):
    rows: int


@dataclass(frozen=True, slots=True)
class LoadCommitted(FlowEvent):
    load_id: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class LoadWaiting(FlowEvent):
    """What was published has to be taken note of before the rest is."""

    why: str


@dataclass(frozen=True, slots=True)
class FlowRetrying(FlowEvent):
    attempt: int
    seconds: float
    error: str


@dataclass(frozen=True, slots=True)
class FlowFinished(FlowEvent):
    """`status` is success, skip, fail or suspended; `error` says why, as people read it. `deleted`
    rows were gone from the source."""

    status: str
    rows: int
    seconds: float
    error: str | None = None
    deleted: int = 0


Listener: TypeAlias = Callable[[Event], None]


def nobody(event: Event) -> None:
    """A listener that does not."""
