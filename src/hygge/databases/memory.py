"""Tables in this process's memory, by name. The memory Home reads them, its Store fills them."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import polars as pl

from hygge.core.errors import FlowBusy
from hygge.core.lease import Lease, Owner
from hygge.core.schema import TableSchema
from hygge.core.store import Receipt

Tags: TypeAlias = dict[str, list[pl.DataFrame]]
"""What one load has staged: batches under tags, each tag one try of one partition."""


@dataclass(frozen=True)
class Page:
    """Rows that arrived together. `version` names them; rows under one version never change."""

    name: str
    rows: pl.DataFrame
    version: str | None = None


class MemoryTable:
    """One table: what readers see, and what loads left beside it. Take `lock` to change it."""

    def __init__(self, name: str) -> None:
        self.name, self.lock = name, threading.RLock()
        self.schema: TableSchema | None = None
        self.marked = False
        """Whether the last column is the store's own: when rows were found to be gone."""
        self.pages: tuple[Page, ...] = ()
        self.staged: dict[str, Tags] = {}
        self.fates: dict[str, Receipt | None] = {}
        """By load_id, written once: the receipt of a published load, None for an erased one."""
        self._holder: tuple[Owner, float] | None = None

    def put(
        self, frames: Sequence[pl.DataFrame], *, keys: Sequence[str] = (), versioned: bool = True
    ) -> None:
        """Make these the table's rows, a page each. They all have the same columns."""
        pages = [
            Page(f"{n:05}", frame, secrets.token_hex(8) if versioned else None)
            for n, frame in enumerate(frames)
        ]
        with self.lock:
            self.schema, self.marked = TableSchema.of(frames[0].schema, keys), False
            self.pages = tuple(pages)

    def rows(self) -> pl.DataFrame:
        """All that readers see, in order."""
        with self.lock:
            schema = self.schema.polars() if self.schema else pl.Schema()
            return pl.concat([pl.DataFrame(schema=schema), *(page.rows for page in self.pages)])

    def lease(self, name: str, seconds: float) -> Lease:
        """Raises FlowBusy saying who loads this table now."""
        with self.lock:
            if self._holder is not None:
                owner, until = self._holder
                if time.monotonic() < until and not owner.is_dead:
                    raise FlowBusy(f"{self.name} is being loaded by {owner}", table=self.name)
            mine = Owner.me()
            self._holder = (mine, time.monotonic() + seconds)
            return Lease(name, mine)

    def renew(self, lease: Lease, seconds: float) -> None:
        """Raises FlowBusy if another has it now."""
        with self.lock:
            if not self._holds(lease):
                raise FlowBusy(f"{self.name} was taken over by another run", table=self.name)
            self._holder = (lease.owner, time.monotonic() + seconds)

    def release(self, lease: Lease) -> None:
        """Releasing what another run took changes nothing."""
        with self.lock:
            if self._holds(lease):
                self._holder = None

    def _holds(self, lease: Lease) -> bool:
        return self._holder is not None and self._holder[0] == lease.owner


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
