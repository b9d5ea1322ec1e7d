"""Tables in this process's memory, by name. The memory Home reads them, its Store fills them."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from hygge.core.errors import FlowBusy
from hygge.core.lease import Lease, Owner
from hygge.core.schema import TableSchema
from hygge.core.store import Receipt


@dataclass(frozen=True)
class Page:
    """Rows that arrived together. `version` names them; rows under one version never change."""

    name: str
    rows: pl.DataFrame
    version: str | None = None


@dataclass
class Staging:
    """What one load has staged: batches under tags, each tag one try of one partition."""

    flow: str
    tags: dict[str, list[pl.DataFrame]] = field(default_factory=dict)


class MemoryTable:
    """One table: what readers see, and what loads left beside it. Take `lock` to change it."""

    def __init__(self, name: str) -> None:
        self.name, self.lock = name, threading.RLock()
        self.schema: TableSchema | None = None
        self.pages: tuple[Page, ...] = ()
        self.staged: dict[str, Staging] = {}
        self.fates: dict[str, Receipt | None] = {}
        """By load_id, written once: the receipt of a published load, None for an erased one."""
        self._leases: dict[str, tuple[Owner, float]] = {}

    def put(
        self, frames: Sequence[pl.DataFrame], *, keys: Sequence[str] = (), versioned: bool = True
    ) -> None:
        """Make these the table's rows, a page each. They all have the same columns."""
        pages = [
            Page(f"{n:05}", frame, secrets.token_hex(8) if versioned else None)
            for n, frame in enumerate(frames)
        ]
        with self.lock:
            self.schema = TableSchema.of(frames[0].schema, keys)
            self.pages = tuple(pages)

    def rows(self) -> pl.DataFrame:
        """All that readers see, in order."""
        with self.lock:
            schema = self.schema.polars() if self.schema else pl.Schema()
            return pl.concat([pl.DataFrame(schema=schema), *(page.rows for page in self.pages)])

    def lease(self, name: str, seconds: float) -> Lease:
        """Raises FlowBusy saying who holds it."""
        with self.lock:
            owner, until = self._leases.get(name, (None, 0.0))
            if owner is not None and time.monotonic() < until and not owner.is_dead:
                raise FlowBusy(f"{name} is being loaded by {owner}", table=self.name)
            mine = Owner.me()
            self._leases[name] = (mine, time.monotonic() + seconds)
            return Lease(name, mine)

    def renew(self, lease: Lease, seconds: float) -> None:
        """Raises FlowBusy if another has it now."""
        with self.lock:
            owner, _ = self._leases.get(lease.name, (None, 0.0))
            if owner != lease.owner:
                raise FlowBusy(f"{lease.name} was taken over by {owner}", table=self.name)
            self._leases[lease.name] = (lease.owner, time.monotonic() + seconds)

    def release(self, lease: Lease) -> None:
        with self.lock:
            if self._leases.get(lease.name, (None, 0.0))[0] == lease.owner:
                del self._leases[lease.name]


_TABLES: dict[str, MemoryTable] = {}
_NAMING = threading.Lock()


def table(name: str) -> MemoryTable:
    """The table of this name; a new one has no columns yet."""
    with _NAMING:
        return _TABLES.setdefault(name, MemoryTable(name))


def forget(name: str) -> None:
    """The table and all that loads left beside it are gone; that they are already is fine."""
    with _NAMING:
        _TABLES.pop(name, None)
