"""A source and a destination in memory, a journal, and ears: what flow tests play on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
from tests.rigs.memory import MemoryHomeRig, MemoryStoreRig

from hygge.core.events import Event
from hygge.core.home import Home
from hygge.core.store import Receipt, Store
from hygge.flow.flow import Flow
from hygge.flow.report import FlowReport
from hygge.flow.settings import FlowSettings
from hygge.flow.terms import Terms
from hygge.journal.memory import MemoryJournal
from hygge.testing.harness import Row, unordered

E = TypeVar("E", bound=Event)
INCREMENTAL: dict[str, Any] = {"run_type": "incremental", "watermark": "id", "write": "append"}


class Stage:
    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self.source, self.target = MemoryHomeRig(tmp), MemoryStoreRig(tmp)
        self.journal = MemoryJournal()
        self.heard: list[Event] = []
        self.waits: list[float] = []

    def give(self, *frames: pl.DataFrame) -> None:
        self.source.give(*frames)

    def flow(
        self, home: Home[Any] | None = None, store: Store[Any] | None = None, **settings: Any
    ) -> Flow:
        return Flow(
            "people",
            home or self.source.home(),
            store or self.target.store(),
            self.journal,
            FlowSettings(**settings),
            listen=self.heard.append,
        )

    def run(self, flow: Flow | None = None, **settings: Any) -> FlowReport:
        """One run to its end; waits between tries are noted, not slept."""
        return asyncio.run((flow or self.flow(**settings)).run(self.terms()))

    def done(self, flow: Flow | None = None, **settings: Any) -> FlowReport:
        """One run that does not fail."""
        report = self.run(flow, **settings)
        if report.error is not None:
            raise report.error
        return report

    def terms(self, **more: Any) -> Terms:
        async def pause(seconds: float) -> None:
            self.waits.append(seconds)

        return Terms(pause=pause, **more)

    def told(self, kind: type[E]) -> list[E]:
        return [event for event in self.heard if isinstance(event, kind)]

    @property
    def rows(self) -> list[Row]:
        return unordered(self.target.look())

    @property
    def last(self) -> Receipt | None:
        return asyncio.run(self.target.store().last("people"))

    @property
    def leftovers(self) -> Sequence[object]:
        """Staging at the destination, and what the journal takes for unfinished."""
        return [*self.target.leftovers(), *asyncio.run(self.journal.unfinished("people"))]
