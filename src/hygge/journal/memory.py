"""A journal that lives as long as the process: for tests, and for programs that embed hygge."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from hygge.core.errors import JournalError
from hygge.core.journal import EntityRun, Intent
from hygge.core.lease import Lease, Owner
from hygge.core.store import Receipt, StagedPart
from hygge.journal import history
from hygge.journal.hold import Hold
from hygge.journal.refusals import lost, over


@dataclass(slots=True)
class _Load:
    intent: Intent
    state: str = "begun"
    receipt: Receipt | None = None
    note: str | None = None
    parts: dict[str, StagedPart] = field(default_factory=dict)


class MemoryJournal:
    """Safe to share among tasks and threads; `close` forgets nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loads: dict[str, _Load] = {}
        self._holds: dict[str, Hold] = {}
        self._runs: dict[str, EntityRun] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Nothing to let go of."""

    async def lease(self, name: str, seconds: float) -> Lease:
        return await asyncio.to_thread(self._take, name, seconds)  # it asks the system who lives

    def _take(self, name: str, seconds: float) -> Lease:
        owner = Owner.me()
        with self._lock:
            now, hold = time.time(), self._holds.get(name)
            if hold is not None and not hold.is_over(now):
                self._holds[name] = hold.shortened(now)
                raise self._holds[name].busy(name)
            self._holds[name] = Hold.start(owner, now, seconds)
        return Lease(name, owner)

    def _held(self, lease: Lease) -> Hold:
        hold = self._holds.get(lease.name)
        if hold is None or hold.owner != lease.owner:
            raise lost(lease.name, hold)
        return hold

    async def renew(self, lease: Lease, seconds: float) -> None:
        with self._lock:
            self._holds[lease.name] = self._held(lease).renewed(time.time(), seconds)

    async def release(self, lease: Lease) -> None:
        with self._lock:
            hold = self._holds.get(lease.name)
            if hold is not None and hold.owner == lease.owner:
                del self._holds[lease.name]

    async def begin(self, lease: Lease, intent: Intent) -> None:
        load_id = intent.load.load_id
        with self._lock:
            self._held(lease)
            if load_id in self._loads:
                raise JournalError(f"load {load_id} was begun before")
            self._loads[load_id] = _Load(intent)

    async def staged(self, part: StagedPart) -> None:
        with self._lock:
            load = self._loads.get(part.load_id)
            if load is None or load.state != "begun":
                raise over(part.load_id, load.state if load else None)
            load.parts[part.partition.name] = part

    async def complete(self, receipt: Receipt) -> None:
        with self._lock:
            load = self._loads.get(receipt.load_id)
            if load is not None and load.state != "published":
                load.state, load.receipt, load.note = "published", receipt, None
                load.parts.clear()

    async def discard(self, load_id: str, why: str) -> None:
        with self._lock:
            load = self._loads.get(load_id)
            if load is not None and load.state == "begun":
                load.state, load.note = "discarded", why
                load.parts.clear()

    async def unfinished(self, flow: str) -> list[tuple[Intent, list[StagedPart]]]:
        with self._lock:
            return [
                (load.intent, list(load.parts.values()))
                for _, load in sorted(self._loads.items())
                if load.intent.load.flow == flow and load.state == "begun"
            ]

    async def record(self, run: EntityRun) -> None:
        with self._lock:
            if run.entity_run_id in self._runs:
                raise JournalError(f"run {run.entity_run_id} is recorded already")
            self._runs[run.entity_run_id] = run

    async def history(self, limit: int = 20, flow: str | None = None) -> Sequence[EntityRun]:
        with self._lock:
            found = [run for run in self._runs.values() if history.matches(run, flow)]
        return sorted(found, key=lambda run: run.start_time)[::-1][:limit]
