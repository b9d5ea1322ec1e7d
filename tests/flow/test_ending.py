"""Ending early: at once, whole, and with nothing left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from tests.flow.stage import INCREMENTAL, Stage

from hygge.core.driver_thread import DriverThread
from hygge.core.errors import (
    DriverHung,
    FlowBusy,
    FlowTimeout,
    HomeError,
    HyggeError,
    SourceChanged,
    StoreError,
)
from hygge.core.events import PartReused, PartStaged
from hygge.core.home import ReadRequest
from hygge.core.journal import Status
from hygge.core.lease import Lease
from hygge.core.partition import Partition
from hygge.core.store import Receipt
from hygge.homes.memory import MemoryHome
from hygge.journal.memory import MemoryJournal
from hygge.testing.faulty_store import FaultyStore
from hygge.testing.harness import no_thread_left, people, unordered

LONG = 30
"""Seconds after which a test that hangs says so."""


class StuckHome(MemoryHome):
    """Its driver answers once, and then only when it is interrupted."""

    def batches(self, request: ReadRequest, partition: Partition) -> Iterator[pl.DataFrame]:
        return _StuckBatches(super().batches(request, partition))


class _StuckBatches:
    def __init__(self, batches: Iterator[pl.DataFrame]) -> None:
        self._batches, self._asked, self._interrupted = batches, 0, threading.Event()

    def __iter__(self) -> _StuckBatches:
        return self

    def __next__(self) -> pl.DataFrame:
        self._asked += 1
        if self._asked > 1 and self._interrupted.wait(LONG):
            raise HomeError("interrupted")
        return next(self._batches)

    def interrupt(self) -> None:
        self._interrupted.set()


class BrokenHome(MemoryHome):
    """Gives some batches and then breaks, with an error of its driver's own."""

    def batches(self, request: ReadRequest, partition: Partition) -> Iterator[pl.DataFrame]:
        yield from super().batches(request, partition)
        raise RuntimeError("the driver broke")


async def within(seconds: float, work: Any) -> Any:
    """Its result; a failure, not a wait for ever, if it hangs."""
    async with asyncio.timeout(seconds):
        return await work


def test_a_store_that_fails_while_the_queue_is_full_ends_the_flow(stage: Stage) -> None:
    stage.give(people(0, 60))  # thirty batches: the channel is full long before the end
    writes = 0

    async def refuse_when_full(what: str) -> None:
        nonlocal writes
        if what == "write":
            writes += 1
            for _ in range(50):  # the reader runs until the channel holds it up
                await asyncio.sleep(0)
            raise StoreError("no room")

    store = FaultyStore(stage.target.store(), refuse_when_full)
    with no_thread_left():
        report = asyncio.run(within(LONG, stage.flow(store=store).run()))
    assert isinstance(report.error, StoreError)
    assert (report.error.what, writes) == ("no room", 1)
    assert not stage.leftovers


def test_a_home_that_fails_in_the_middle_leaves_the_old_rows(stage: Stage) -> None:
    stage.give(people(0, 3))
    stage.done()
    stage.give(people(0, 8, "new"))
    with no_thread_left():
        report = stage.run(stage.flow(BrokenHome(stage.source.home().config)))
    assert report.status is Status.FAIL
    assert "the driver broke" in str(report.error)
    assert isinstance(report.error.__cause__ if report.error else None, RuntimeError)
    assert stage.rows == unordered(people(0, 3).rows())
    assert not stage.leftovers


def test_one_failed_partition_stops_the_others(stage: Stage) -> None:
    stage.give(*(people(10 * n, 10) for n in range(6)))
    store = FaultyStore(stage.target.store(), _fail_third)
    with no_thread_left():
        report = asyncio.run(within(LONG, stage.flow(store=store, parallel=3).run()))
    assert isinstance(report.error, StoreError)
    assert stage.target.look() is None


async def _fail_third(what: str, seen: list[str] = []) -> None:  # noqa: B006 - counts calls
    seen.append(what)
    if what == "write" and seen.count("write") == 3:
        raise StoreError("the third")


def test_cancelling_leaves_no_thread_and_no_unfinished_part(stage: Stage) -> None:
    stage.give(people(0, 20))

    async def story() -> None:
        writing = asyncio.Event()

        async def hold(what: str) -> None:
            if what == "write":
                writing.set()
                await asyncio.Event().wait()

        store = FaultyStore(stage.target.store(), hold)
        task = asyncio.create_task(stage.flow(store=store).run())
        await within(LONG, writing.wait())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await within(LONG, task)

    with no_thread_left():
        asyncio.run(story())
    assert not stage.leftovers
    assert stage.target.look() is None
    (run,) = asyncio.run(stage.journal.history())
    assert run.status is Status.SUSPENDED
    assert run.message is not None
    assert run.message.endswith("try: run again")
    stage.done()  # and the lease is free again
    assert stage.rows == unordered(people(0, 20).rows())


def test_cancelling_keeps_whole_parts_for_the_next_run(stage: Stage) -> None:
    stage.give(people(0, 4), people(4, 4))

    async def story() -> None:
        async def hold(what: str) -> None:
            if what == "write" and stage.told(PartStaged):
                task.cancel()
                await asyncio.Event().wait()

        store = FaultyStore(stage.target.store(), hold)
        task = asyncio.create_task(stage.flow(store=store).run())
        with pytest.raises(asyncio.CancelledError):
            await within(LONG, task)

    with no_thread_left():
        asyncio.run(story())
    (run,) = asyncio.run(stage.journal.history())
    assert "run again: it goes on from what is staged" in str(run.message)
    ((_, parts),) = asyncio.run(stage.journal.unfinished("people"))
    (staged,) = stage.target.table.staged.values()
    assert list(staged) == [piece.name for part in parts for piece in part.pieces]
    stage.done()
    assert len(stage.told(PartReused)) == 1
    assert stage.rows == unordered(people(0, 8).rows())
    assert not stage.leftovers


def test_a_driver_call_that_hangs_is_interrupted_when_time_is_up(stage: Stage) -> None:
    stage.give(people(0, 20))
    flow = stage.flow(StuckHome(stage.source.home().config), timeout=0.2, retries=0)
    with no_thread_left():
        report = asyncio.run(within(LONG, flow.run()))
    assert isinstance(report.error, FlowTimeout)
    assert "0.2 s" in str(report.error)
    assert not stage.leftovers


def test_the_timeout_bounds_the_waits_between_tries_too(stage: Stage) -> None:
    stage.give(people(0, 20))

    async def story() -> Any:
        async def pause(seconds: float) -> None:
            await asyncio.Event().wait()

        flow = stage.flow(store=FaultyStore(stage.target.store(), _lost), timeout=0.2)
        return await within(LONG, flow.run(stage.terms().__class__(pause=pause)))

    assert isinstance(asyncio.run(story()).error, FlowTimeout)
    assert not stage.leftovers


class LateJournal(MemoryJournal):
    """Once it knows that a load is published, it takes for ever to say so."""

    def __init__(self) -> None:
        super().__init__()
        self.knows = asyncio.Event()

    async def complete(self, receipt: Receipt) -> None:
        await super().complete(receipt)
        if not self.knows.is_set():
            self.knows.set()
            await asyncio.Event().wait()


@pytest.mark.parametrize("ending", ["cancelled", "out of time"])
def test_what_was_published_when_the_run_was_stopped_is_told(stage: Stage, ending: str) -> None:
    stage.give(people(0, 20))

    async def story() -> None:
        stage.journal = journal = LateJournal()
        running = asyncio.create_task(
            stage.flow(timeout=1 if ending == "out of time" else None).run(stage.terms())
        )
        await journal.knows.wait()
        if ending == "cancelled":
            running.cancel()
        await asyncio.wait([running], timeout=LONG)
        assert running.result().rows == 20  # nothing was left to be cancelled
        (run,) = await journal.history()
        assert (run.status, run.row_count, run.message) == (Status.SUCCESS, 20, None)

    asyncio.run(story())
    assert stage.rows == unordered(people(0, 20).rows())


@pytest.mark.parametrize(
    "error", [FlowBusy("another run had it since"), SourceChanged("of any kind")]
)
def test_what_fails_after_the_rows_landed_lands_them_once_and_tells_them(
    stage: Stage, error: HyggeError
) -> None:
    stage.give(people(0, 20))

    class Forgetful(MemoryJournal):
        async def release(self, lease: Lease) -> None:
            await super().release(lease)
            if not stage.waits:
                raise error

    stage.journal = Forgetful()
    report = stage.run(**INCREMENTAL)
    assert (report.error is None) == error.transient == bool(stage.waits)
    assert report.rows == 20
    assert stage.rows == unordered(people(0, 20).rows())


def _lost(what: str) -> None:
    from hygge.core.errors import ConnectionFailed

    if what == "write":
        raise ConnectionFailed("lost")


def test_a_hung_call_ends_when_its_connection_is_taken_away() -> None:
    begun, gone = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        gone.wait(LONG)

    async def story() -> None:
        thread = DriverThread("stuck", interrupt=lambda: None, discard=gone.set, grace=0.05)
        call = asyncio.create_task(thread.run(hang))
        await asyncio.to_thread(begun.wait, LONG)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await within(LONG, call)
        await thread.aclose()

    with no_thread_left():
        asyncio.run(story())
    assert gone.is_set()


def test_a_call_that_nothing_ends_is_told() -> None:
    never = threading.Event()

    async def story() -> None:
        thread = DriverThread("stuck", interrupt=lambda: None, timeout=0.05, grace=0.05)
        with pytest.raises(DriverHung, match="stuck"):
            await within(LONG, thread.run(never.wait, LONG))
        with pytest.raises(DriverHung, match="stuck"):
            await thread.aclose()
        never.set()

    asyncio.run(story())
