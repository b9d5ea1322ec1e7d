"""What one look at a landing zone came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from hygge.core.errors import HyggeError
from hygge.mirroring.mirror_log import Remembered
from hygge.mirroring.names import MirroredTable
from hygge.mirroring.state import ZoneState


class Status(StrEnum):
    """The words of `Monitoring/tables.json`."""

    REPLICATING = "Replicating"
    INITIALIZED = "Initialized"
    """It has no file yet, or is not read at all."""
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class AppliedFile:
    """A file that is in the table now; or would be, where it was only checked."""

    name: str
    rows: int
    bytes: int


@dataclass(slots=True)
class TableApplied:
    """One table. `waits` is the file that must come before any other; `dropped`: the table of an
    earlier folder by this name went. `remembered` is None for a table that is not read."""

    table: MirroredTable
    status: Status = Status.INITIALIZED
    files: list[AppliedFile] = field(default_factory=list)
    waits: str | None = None
    error: HyggeError | None = None
    why: str = ""
    dropped: bool = False
    notes: list[str] = field(default_factory=list)
    remembered: Remembered | None = None

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)


@dataclass(frozen=True, slots=True)
class Applied:
    """All tables, and the names (`schema/table`) of mirrored ones whose folders are gone, which
    were dropped. `beside` are files that nobody reads."""

    tables: tuple[TableApplied, ...]
    dropped: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    state: ZoneState = field(default_factory=ZoneState)

    @property
    def failed(self) -> list[TableApplied]:
        return [table for table in self.tables if table.status is Status.FAILED]

    @property
    def idle(self) -> bool:
        """Whether nothing was done."""
        return not self.dropped and not any(table.files or table.dropped for table in self.tables)

    def of(self, table: str) -> TableApplied:
        """The one of this name: `sales.Orders`, or `Orders`. Raises KeyError."""
        for found in self.tables:
            if str(found.table) == table:
                return found
        raise KeyError(table)
