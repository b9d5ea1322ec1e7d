"""Moving one table, once, safely. Read `attempt` top to bottom: it is the story."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hygge.connections.pool import keeping_connections
from hygge.core import errors, events
from hygge.core.driver_thread import finish
from hygge.core.errors import FlowError, FlowTimeout, HyggeError, JournalError, NotYet
from hygge.core.home import Home
from hygge.core.journal import Intent, Journal, Status
from hygge.core.lease import LEASE_SECONDS, Lease
from hygge.core.partition import Partition
from hygge.core.reaching import only_known
from hygge.core.store import Load, Mode, Receipt, StagedPart, Store
from hygge.core.supply import Taken
from hygge.core.ties import Ties
from hygge.flow.carry import Carrier
from hygge.flow.holding import first_error, holding
from hygge.flow.preparing import Prepared, prepare
from hygge.flow.recovery import Recovery
from hygge.flow.report import FlowReport, changes, entity_run
from hygge.flow.retry import attempts
from hygge.flow.route import Route
from hygge.flow.settings import FlowSettings
from hygge.flow.sharing import sharing
from hygge.flow.terms import Terms
from hygge.flow.verify import still_good, verify
from hygge.flow.watermarking import check_ties


@dataclass
class Tries:
    """What one run has begun, by load_id; what of it landed though the run was stopped, or is kept
    for the next; what was decided about columns; when its time is up."""

    begun: set[str] = field(default_factory=set)
    landed: Receipt | None = None
    kept: bool = False
    notes: Sequence[str] = ()
    limit: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))


_ON = "it goes on from what is staged, if there is any worth it"


class Flow:
    """One table's move from one Home to one Store. Run it as often as you like."""

    def __init__(
        self,
        name: str,
        home: Home[Any],
        store: Store[Any],
        journal: Journal,
        settings: FlowSettings = FlowSettings(),  # noqa: B008 - frozen
        *,
        entity: str | None = None,
        listen: events.Listener = events.nobody,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        own = sharing(name, home, store, settings.parallel)
        self.shares, self._parallel, self._note = own.shares, own.parallel, own.note
        self.route = Route(name, own.home, own.store, journal, settings, listen)
        self.name, self.home, self.store = name, own.home, own.store
        self.journal, self.settings, self.entity = journal, settings, entity
        self.listen, self.lease_seconds = listen, lease_seconds

    async def run(self, terms: Terms | None = None) -> FlowReport:
        """Move the table; try again what may help; write the run into the history.

        Fails only by its report. Raises JournalError (the run must stop), and when cancelled.
        """
        terms = terms or Terms()
        if terms.shares_taken:
            return await self._run(terms)
        async with keeping_connections(), Taken(self.shares) as taken:
            return await self._run(terms.holding(taken))

    async def _run(self, terms: Terms) -> FlowReport:
        started, tries = datetime.now(UTC), Tries()
        error = None
        ends = self.home.identity, self.store.identity
        self.listen(events.FlowStarted(self.name, *ends, self.settings.run_type))
        if self._note:
            self.route.notice(self._note)
        try:
            await self._with_retries(terms, tries)
        except JournalError:
            raise
        except HyggeError as failed:
            error = failed.at(flow=self.name)
        except asyncio.CancelledError:
            on = ": it goes on from what is staged" if tries.kept else ""
            stopped = errors.FlowSuspended("stopped before it was done", hint=f"run again{on}")
            told = None if tries.landed else stopped
            report = await finish(self._report(terms, started, tries, told))
            if tries.landed is not None:  # there is nothing left to be cancelled
                return report
            raise
        except Exception as failed:  # noqa: BLE001 - a driver's or our own surprise ends one flow
            hint = "the same with --verbose shows where"
            error = FlowError(f"{type(failed).__name__}: {failed}", flow=self.name, hint=hint)
            error.__cause__ = failed
        return await self._report(terms, started, tries, error)

    async def attempt(self, terms: Terms, tries: Tries) -> Receipt | None:
        """One try. None: there was nothing new."""
        if tries.landed is not None:  # all that failed was to give back a lease
            return tries.landed
        recovery = Recovery(self.route, tries.begun)
        async with AsyncExitStack() as stack:
            flow = await stack.enter_async_context(
                holding(self.journal, self.name, self.lease_seconds)
            )
            place = await stack.enter_async_context(
                holding(self.store, self.name, self.lease_seconds)
            )
            landed = await recovery.finish_commits()
            if landed is not None and landed.load_id in tries.begun:
                tries.landed = landed
                return landed
            prepared = await prepare(self.route)
            tries.notes = prepared.notes
            intent, kept = await recovery.take_up(prepared)
            if intent is None:
                intent = await self._begin(flow.lease, prepared)
            tries.begun.add(intent.load.load_id)
            try:
                tries.landed = await self._move(terms, intent, prepared, kept)
            except BaseException as failed:
                if flow.lost or place.lost or isinstance(failed, NotYet):
                    raise
                tries.landed = await finish(recovery.settle(intent, failed))
                tries.kept = recovery.kept
                if tries.landed is None or not isinstance(failed, Exception):
                    raise
            return tries.landed
        raise AssertionError("unreachable")

    async def _attempt(self, terms: Terms, tries: Tries) -> Receipt | None:
        """A publication that has to wait goes on by being recovered; others have our place."""
        told = ""
        while True:
            try:
                return await self.attempt(terms, tries)
            except NotYet as waiting:
                if waiting.what != told:
                    self.listen(events.LoadWaiting(self.name, told := waiting.what))
                if (due := tries.limit.when()) and not tries.limit.expired():
                    tries.limit.reschedule(due + waiting.seconds)  # it is for our own work
                await terms.pause(waiting.seconds)

    async def _with_retries(self, terms: Terms, tries: Tries) -> Receipt | None:
        def tell(attempt: int, seconds: float, failed: BaseException) -> None:
            self.listen(events.FlowRetrying(self.name, attempt, seconds, str(failed)))

        try:
            async with asyncio.timeout(self.settings.timeout) as tries.limit:
                return await attempts(
                    lambda: self._attempt(terms, tries), self.settings.retries, terms.pause, tell
                )
        except (TimeoutError, asyncio.CancelledError):
            # Python 3.11 miscounts cancels once a TaskGroup failed: only the limit itself knows
            if not tries.limit.expired():
                raise
            if tries.landed is not None:  # the time was up while it was being published
                return tries.landed
            raise FlowTimeout(
                f"not done within its timeout of {self.settings.timeout:g} s",
                hint=f"set a longer `timeout`, or run again: {_ON}",
            ) from None

    async def _begin(self, lease: Lease, prepared: Prepared) -> Intent:
        intent = await prepared.intent()
        await self.store.evolve(prepared.changes)
        await self.journal.begin(lease, intent)  # known before the first row is staged
        return intent

    async def _move(
        self, terms: Terms, intent: Intent, prepared: Prepared, kept: Sequence[StagedPart]
    ) -> Receipt | None:
        load_id, mode = intent.load.load_id, intent.load.mode
        self.listen(events.LoadBegan(self.name, load_id, mode))
        async with self.store.load(intent.load) as load:
            parts = await self._carry(terms, intent, prepared, load, kept)
            rows = await verify(load, parts)
            self.listen(events.LoadVerified(self.name, rows))
            self._check_rows(intent, parts, rows)
            first = intent.load.base is None and self.store.capabilities.shows_empty
            new = rows and not only_known(intent.load, parts)
            if new or first or mode is Mode.REPLACE or await load.corrections(parts):
                receipt = await load.commit(parts)
                await self.journal.complete(receipt)
                self.listen(events.LoadCommitted(self.name, load_id, receipt.rows, receipt.bytes))
                return receipt
        await self.store.recover(self.name, load_id)  # nothing new: nothing is published or stays
        await self.journal.discard(load_id, "nothing new")
        return None

    def _check_rows(self, intent: Intent, parts: Sequence[StagedPart], rows: int) -> None:
        if intent.load.mode is Mode.APPEND:
            seen = sum((part.seen for part in parts), Ties())
            check_ties(intent.load.low, seen, self.route.notice)
        if intent.load.mode is Mode.REPLACE and rows < self.settings.min_rows:
            raise FlowError(
                f"the source has {rows} rows, fewer than min_rows: {self.settings.min_rows}",
                hint="the table was left as it is; see whether the source is complete",
            )

    async def _carry(
        self,
        terms: Terms,
        intent: Intent,
        prepared: Prepared,
        load: Load,
        kept: Sequence[StagedPart],
    ) -> list[StagedPart]:
        carrier = self._carrier(terms, intent, prepared, load)
        parts = await self._carry_all(terms, carrier, kept)
        if intent.load.most_gone is not None:  # after the rows: what is gone by then is gone
            parts += await self._carry_all(terms, prepared.of_keys(carrier), before=len(parts))
        return parts

    async def _carry_all(
        self, terms: Terms, carrier: Carrier, kept: Sequence[StagedPart] = (), before: int = 0
    ) -> list[StagedPart]:
        async with self.home.reading(carrier.read) as asked:
            reusable = await still_good(carrier.load, kept)
            reused = sum(partition in reusable for partition in asked)
            self.listen(events.PartitionsPlanned(self.name, before + len(asked), reused))
            return await self._carry_each(terms, carrier, asked, reusable)

    async def _carry_each(
        self,
        terms: Terms,
        carrier: Carrier,
        asked: Sequence[Partition],
        reusable: Mapping[Partition, StagedPart],
    ) -> list[StagedPart]:
        gate = asyncio.Semaphore(self._parallel)

        async def one(partition: Partition) -> StagedPart:
            if (found := reusable.get(partition)) is not None:
                self.listen(events.PartReused(self.name, partition.name, found.rows))
                return found
            async with gate, terms.carriers:
                part = await carrier.carry(partition)
                await self.journal.staged(part)
                self.listen(events.PartStaged(self.name, part.partition.name, part.rows))
                return part

        try:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(one(partition)) for partition in asked]
        except BaseExceptionGroup as failed:
            error = first_error(failed)
            raise error from error.__cause__
        return [task.result() for task in running]  # in the order of the partitions

    def _carrier(self, terms: Terms, intent: Intent, prepared: Prepared, load: Load) -> Carrier:
        return Carrier(
            home=self.home,
            load=load,
            read=intent.read,
            bound=intent.load.bound,
            schema=prepared.source,
            casts=prepared.casts,
            settings=self.settings,
            apart=prepared.apart,
            polish=prepared.polish_for(intent.load.load_id),
            budget=terms.budget,
            buffer_bytes=self.store.buffer_bytes,
            tell=lambda rows, size: self.listen(events.BatchStaged(self.name, rows, size)),
        )

    async def _report(
        self, terms: Terms, started: datetime, tries: Tries, error: HyggeError | None
    ) -> FlowReport:
        receipt, lossy = tries.landed, changes(tries.landed)
        notes = [*tries.notes, *lossy]
        for note in lossy:
            self.route.notice(note)
        run = entity_run(
            self.name, self.entity, self.settings, terms, started, receipt, error, notes
        )
        await self.journal.record(run)
        status = Status(run.status).value
        told = str(error) if error else None
        deleted = receipt.deleted if receipt else 0
        self.listen(
            events.FlowFinished(self.name, status, run.row_count, run.duration, told, deleted)
        )
        return FlowReport(self.name, run, receipt, error, notes)
