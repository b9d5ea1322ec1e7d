"""Many flows side by side: limits, failures, stopping."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator

import polars as pl
import pytest

from hygge.coordinator.coordinator import Coordinator
from hygge.core import events
from hygge.core.errors import ConfigError, ConnectionFailed, HomeError, JournalError
from hygge.core.home import ReadRequest
from hygge.core.journal import EntityRun, Journal, Status
from hygge.core.partition import Partition
from hygge.databases.memory import table
from hygge.flow import retry
from hygge.flow.flow import Flow
from hygge.flow.settings import FlowSettings
from hygge.homes.memory import MemoryHome, MemoryHomeConfig
from hygge.journal.memory import MemoryJournal
from hygge.stores.memory import MemoryStore, MemoryStoreConfig

_COUNT = itertools.count()


class WatchedHome(MemoryHome):
    """A memory home that tells when it is being read."""

    def __init__(self, name: str, while_reading: Callable[[], None]) -> None:
        super().__init__(MemoryHomeConfig(table=name))
        self._while_reading = while_reading

    def batches(self, request: ReadRequest, partition: Partition) -> Iterator[pl.DataFrame]:
        self._while_reading()
        yield from super().batches(request, partition)


def flow(
    journal: Journal,
    while_reading: Callable[[], None] = lambda: None,
    settings: FlowSettings = FlowSettings(retries=0),  # noqa: B008 - frozen
    listen: events.Listener = events.nobody,
) -> Flow:
    name = f"t{next(_COUNT)}"
    table(name).put([pl.DataFrame({"id": [1, 2, 3]})])
    store = MemoryStore(MemoryStoreConfig(table=f"{name}-copy"))
    return Flow(name, WatchedHome(name, while_reading), store, journal, settings, listen=listen)


def raising(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def copied(moved: Flow) -> list[int]:
    assert isinstance(moved.store, MemoryStore)
    return moved.store.table.rows().to_series().to_list()


@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_never_more_flows_read_than_allowed(concurrency: int) -> None:
    lock, reading, most = threading.Lock(), 0, 0
    together = threading.Barrier(concurrency)

    def count() -> None:
        nonlocal reading, most
        with lock:
            reading += 1
            most = max(most, reading)
        together.wait(20)
        with lock:
            reading -= 1

    journal = MemoryJournal()
    flows = [flow(journal, count) for _ in range(concurrency * 3)]
    report = asyncio.run(Coordinator(flows, journal=journal, concurrency=concurrency).run())
    assert report.ok
    assert len(report.flows) == len(flows)
    assert most == concurrency
    assert all(copied(moved) == [1, 2, 3] for moved in flows)


def test_one_failed_flow_does_not_stop_the_others() -> None:
    journal = MemoryJournal()
    flows = [flow(journal), flow(journal, raising(HomeError("no"))), flow(journal)]
    report = asyncio.run(Coordinator(flows, journal=journal).run())
    assert [r.status for r in report.flows] == [Status.SUCCESS, Status.FAIL, Status.SUCCESS]
    assert not report.ok
    assert report.rows == 6


def test_a_bug_ends_one_flow_and_is_told() -> None:
    journal = MemoryJournal()
    flows = [flow(journal, raising(ZeroDivisionError("oh"))), flow(journal)]
    report = asyncio.run(Coordinator(flows, journal=journal).run())
    assert "ZeroDivisionError: oh" in str(report.flows[0].error)
    assert report.flows[1].status is Status.SUCCESS


def test_fail_fast_starts_no_further_flow() -> None:
    journal = MemoryJournal()
    flows = [flow(journal, raising(HomeError("no"))), flow(journal), flow(journal)]
    run = Coordinator(flows, journal=journal, concurrency=1, fail_fast=True).run()
    report = asyncio.run(run)
    assert report.not_started == (flows[1].name, flows[2].name)


def test_a_flow_that_only_waits_gives_up_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.3)
    journal, order = MemoryJournal(), list[str]()

    def listen(event: events.Event) -> None:
        if isinstance(event, events.FlowFinished):
            order.append(event.flow)

    tries = iter([ConnectionFailed("not yet"), None])

    def sometimes() -> None:
        if (error := next(tries)) is not None:
            raise error

    waits = flow(journal, sometimes, FlowSettings(retries=1), listen)
    quick = flow(journal, listen=listen)
    report = asyncio.run(Coordinator([waits, quick], journal=journal, concurrency=1).run())
    assert report.ok
    assert order == [quick.name, waits.name]


def test_the_first_stop_lets_running_flows_finish() -> None:
    journal = MemoryJournal()
    stop = list[Coordinator]()
    flows = [flow(journal, lambda: stop[0].stop()), flow(journal)]
    coordinator = Coordinator(flows, journal=journal, concurrency=1)
    stop.append(coordinator)
    report = asyncio.run(coordinator.run())
    assert [r.status for r in report.flows] == [Status.SUCCESS]
    assert report.not_started == (flows[1].name,)
    assert copied(flows[0]) == [1, 2, 3]


def test_the_second_stop_suspends_what_runs() -> None:
    journal, reading, gone = MemoryJournal(), threading.Event(), threading.Event()

    def hang() -> None:
        reading.set()
        gone.wait(20)

    async def story() -> None:
        moved = flow(journal, hang)
        coordinator = Coordinator([moved], journal=journal)
        running = asyncio.create_task(coordinator.run())
        await asyncio.to_thread(reading.wait, 20)
        coordinator.stop()
        coordinator.stop()
        gone.set()
        report = await running
        assert report.suspended == (moved.name,)
        assert not report.ok
        assert not await moved.store.unfinished(moved.name)
        assert [run.message for run in await journal.history()] != [None]

    asyncio.run(story())
    assert not [t for t in threading.enumerate() if t.name.startswith("hygge-")]


def test_a_journal_that_fails_stops_the_run() -> None:
    class Broken(MemoryJournal):
        async def record(self, run: EntityRun) -> None:
            raise JournalError("the disk is full")

    journal = Broken()
    with pytest.raises(JournalError, match="disk is full"):
        asyncio.run(Coordinator([flow(journal), flow(journal)], journal=journal).run())


def test_no_place_for_anybody_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        Coordinator([], journal=MemoryJournal(), concurrency=0)


def test_nothing_to_do_is_a_run_too() -> None:
    report = asyncio.run(Coordinator([], journal=MemoryJournal()).run())
    assert report.ok
    assert report.flows == ()


@pytest.mark.parametrize("same", ["name", "store"])
def test_two_flows_of_one_name_or_into_one_store_are_refused(same: str) -> None:
    journal = MemoryJournal()
    one, other = flow(journal), flow(journal)
    other = Flow(
        one.name if same == "name" else other.name,
        other.home,
        one.store if same == "store" else other.store,
        journal,
    )
    told = {"name": f"have the name {one.name}", "store": f"settle in {one.store.identity}"}
    with pytest.raises(ConfigError, match=f"two flows {told[same]}"):
        Coordinator([one, other], journal=journal)


def test_a_flow_that_landed_while_it_was_stopped_has_succeeded() -> None:
    journal, stop = MemoryJournal(), list[Coordinator]()

    def twice(event: events.Event) -> None:
        if isinstance(event, events.LoadCommitted):
            stop[0].stop()
            stop[0].stop()

    coordinator = Coordinator([flow(journal, listen=twice)], journal=journal)
    stop.append(coordinator)
    report = asyncio.run(coordinator.run())
    assert (report.ok, report.rows, report.suspended) == (True, 3, ())
    assert [found.status for found in report.flows] == [Status.SUCCESS]
