"""Running many flows side by side, within limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from hygge.connections.pool import keeping_connections
from hygge.coordinator.limits import Places
from hygge.core import events
from hygge.core.errors import ConfigError, HyggeError, JournalError
from hygge.core.journal import Journal, Status
from hygge.core.names import new_run_id
from hygge.core.worker import keeping_workers
from hygge.flow.channel import Budget
from hygge.flow.flow import Flow
from hygge.flow.holding import first_error
from hygge.flow.report import FlowReport
from hygge.flow.terms import DEFAULT_CONCURRENCY, DEFAULT_MEMORY, Terms
from hygge.flow.unready import Unready


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run came to. `suspended` flows were stopped and are resumed by the next run."""

    run_id: str
    flows: tuple[FlowReport, ...]
    not_started: tuple[str, ...]
    suspended: tuple[str, ...]
    seconds: float

    def of(self, status: Status) -> list[FlowReport]:
        return [report for report in self.flows if report.status is status]

    @property
    def rows(self) -> int:
        return sum(report.rows for report in self.flows)

    @property
    def ok(self) -> bool:
        """Every flow ran, and none failed."""
        return not (self.of(Status.FAIL) or self.not_started or self.suspended)


class Coordinator:
    """Runs each flow once: at most `concurrency` at a time, `memory` bytes in flight together.

    One failed flow does not stop the others, unless `fail_fast`; those that are `unready` fail
    before the others begin. `after` run once all have ended; if one fails, that is told and the run
    is what it was. Raises JournalError only.
    """

    def __init__(
        self,
        flows: Sequence[Flow],
        *,
        journal: Journal,
        name: str = "",
        concurrency: int = DEFAULT_CONCURRENCY,
        memory: int = DEFAULT_MEMORY,
        fail_fast: bool = False,
        unready: Sequence[Unready] = (),
        after: Sequence[Flow] = (),
        listen: events.Listener = events.nobody,
    ) -> None:
        if concurrency < 1:
            raise ConfigError(f"concurrency must be at least 1, not {concurrency}")
        self.names = (*(lost.name for lost in unready), *(flow.name for flow in flows))
        _refuse_twice("have the name", self.names)
        _refuse_twice("settle in", [flow.store.table_key for flow in flows])
        self.flows, self.journal, self.name = tuple(flows), journal, name
        self.concurrency, self.memory, self.fail_fast = concurrency, memory, fail_fast
        self.unready, self.after, self.listen = tuple(unready), tuple(after), listen
        self._places: Places | None = None
        self._running = set[asyncio.Task[None]]()

    async def run(self) -> RunReport:
        """Run them all, and say what became of each."""
        began, run_id = time.monotonic(), new_run_id()
        self._places = places = Places(self.concurrency)
        terms = Terms(run_id, self.name, Budget(self.memory), asyncio.Semaphore(self.concurrency))
        self.listen(events.RunStarted(run_id, self.names))
        reports, started = dict[str, FlowReport](), set[str]()
        try:
            for lost in self.unready:
                started.add(lost.name)
                reports[lost.name] = await lost.fail(self.journal, self.listen, terms)
                places.closed |= self.fail_fast
            async with keeping_connections(), keeping_workers(), asyncio.TaskGroup() as tasks:
                for flow in self.flows:
                    task = tasks.create_task(self._one(flow, terms, places, reports, started))
                    self._running.add(task)
                    task.add_done_callback(self._running.discard)
            if not places.closed:
                await self._run_after(terms)
        except BaseExceptionGroup as failed:
            error = first_error(failed)
            raise error from error.__cause__
        finally:
            await self.journal.close()
        return self._report(run_id, reports, started, time.monotonic() - began)

    async def _run_after(self, terms: Terms) -> None:
        for flow in self.after:
            error: HyggeError | None
            try:
                error = (await flow.run(terms)).error
            except JournalError as failed:  # what has landed has, and is in the journal already
                error = failed
            if error is not None:
                self.listen(events.Notice(flow.name, f"not loaded: {error.what}"))

    def stop(self) -> None:
        """First: start no new flow, let the running ones finish. Second: suspend them, too."""
        if self._places is None:
            return
        hard = self._places.closed
        self._places.closed = True
        self.listen(events.RunStopping(hard))
        if hard:
            for task in list(self._running):
                task.cancel()

    async def _one(
        self,
        flow: Flow,
        terms: Terms,
        places: Places,
        reports: dict[str, FlowReport],
        started: set[str],
    ) -> None:
        async with places.place(flow.shares) as taken:
            if taken is None:
                return
            started.add(flow.name)
            report = reports[flow.name] = await flow.run(terms.holding(taken))
        if self.fail_fast and report.status is Status.FAIL:
            places.closed = True

    def _report(
        self, run_id: str, reports: dict[str, FlowReport], started: set[str], seconds: float
    ) -> RunReport:
        report = RunReport(
            run_id,
            tuple(reports[name] for name in self.names if name in reports),
            tuple(name for name in self.names if name not in started),
            tuple(name for name in self.names if name in started and name not in reports),
            seconds,
        )
        self.listen(
            events.RunFinished(
                run_id,
                succeeded=len(report.of(Status.SUCCESS)),
                failed=len(report.of(Status.FAIL)),
                suspended=len(report.suspended),
                skipped=len(report.of(Status.SKIP)),
                not_started=len(report.not_started),
                rows=report.rows,
                seconds=seconds,
            )
        )
        return report


def _refuse_twice(what: str, given: Sequence[str]) -> None:
    """One's success would hide another's failure; one's rows would replace another's."""
    seen = set[str]()
    for one in given:
        if one in seen:
            raise ConfigError(f"two flows {what} {one}", hint="give each its own")
        seen.add(one)
