"""What a run must remember to be safe, and the history people read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Protocol, TypeVar, cast

from pydantic import TypeAdapter

from hygge.core.home import ReadRequest
from hygge.core.lease import Lease, Leases
from hygge.core.store import LoadRequest, Receipt, StagedPart

T = TypeVar("T")
SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class Intent:
    """A load that may or may not have been published, and all it takes to run the SAME load again.

    `store` is the Store's identity. `fingerprint` sums up every setting that must be unchanged for
    a staged part to be kept.
    """

    load: LoadRequest
    read: ReadRequest
    store: str
    fingerprint: str


class Status(StrEnum):
    SUCCESS = "success"
    FAIL = "fail"
    SKIP = "skip"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class EntityRun:
    """One row of the history: what one run of one flow came to. Times are UTC, duration seconds."""

    entity_run_id: str
    coordinator_run_id: str
    flow_run_id: str
    coordinator: str
    flow: str
    entity: str
    start_time: datetime
    finish_time: datetime
    status: Status
    run_type: str
    row_count: int
    duration: float
    primary_key: str | None = None
    watermark_column: str | None = None
    watermark_type: str | None = None
    watermark: str | None = None
    message: str | None = None
    load_id: str | None = None
    schema_version: int = SCHEMA_VERSION


class Journal(Leases, Protocol):
    """Losing it may not lose or repeat a row. A journal that fails stops the run: JournalError."""

    async def begin(self, lease: Lease, intent: Intent) -> None:
        """Durable before the first row is staged. FlowBusy if the lease is not ours any more."""
        ...

    async def staged(self, part: StagedPart) -> None:
        """This part is worth resuming with. The same partition again replaces it."""
        ...

    async def complete(self, receipt: Receipt) -> None:
        """The load is published. Saying it twice, or of an unknown load, is harmless."""
        ...

    async def discard(self, load_id: str, why: str) -> None:
        """The load will never be published. Saying it twice, or of an unknown load, is harmless."""
        ...

    async def unfinished(self, flow: str) -> list[tuple[Intent, list[StagedPart]]]:
        """Loads begun and neither completed nor discarded, the oldest first."""
        ...

    async def record(self, run: EntityRun) -> None:
        """Add one row to the history."""
        ...

    async def history(self, limit: int = 20, flow: str | None = None) -> Sequence[EntityRun]:
        """The run that began last first; of one flow (`flow` or `flow.entity`), or of all."""
        ...

    async def close(self) -> None:
        """Let go of files and threads."""
        ...


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def to_json(value: object) -> str:
    """Typed JSON: datetimes, dates and decimals come back as what they were."""
    return _adapter(cast(Any, type(value))).dump_json(value).decode()


def from_json(kind: type[T], text: str | bytes) -> T:
    """The value that `to_json` wrote. Raises pydantic.ValidationError for anything else."""
    value: T = _adapter(cast(Any, kind)).validate_json(text)
    return value
