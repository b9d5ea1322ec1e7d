"""`workers`: several inserts at once into the staging of one part."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.flow.stage import Stage
from tests.types.expecting import read
from tests.types.systems import (
    SYSTEMS,
    DuckdbSystem,
    MssqlSystem,
    MysqlSystem,
    PostgresSystem,
    SqliteSystem,
    System,
)

from hygge.core.errors import ConnectionFailed, LoadLost
from hygge.core.events import Notice
from hygge.stores import sql_workers
from hygge.stores.sql import SqlStore
from hygge.stores.sql_workers import Workers
from hygge.testing.harness import no_thread_left

ROWS = pl.DataFrame({"id": range(1000)}).with_columns(name=pl.col("id").cast(pl.String))
SEVERAL = [PostgresSystem, MysqlSystem, DuckdbSystem, MssqlSystem]


@pytest.fixture(params=SEVERAL, ids=lambda kind: kind.name)
def system(request: pytest.FixtureRequest, tmp_path: Path) -> System:
    made: System = request.param(tmp_path)
    return made


@pytest.fixture(autouse=True)
def pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows make a piece."""
    monkeypatch.setattr(sql_workers, "_LEAST", 60)


class Inserts:
    """Each piece that a worker inserts asks it first."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.threads, self.lock = Counter[str](), threading.Lock()
        taken = Workers._taken

        def noted(workers: Workers) -> pl.DataFrame | None:
            rows = taken(workers)
            if rows is not None:
                with self.lock:
                    self.threads[threading.current_thread().name] += 1
                self.before(sum(self.threads.values()))
            return rows

        patch.setattr(Workers, "_taken", noted)

    def before(self, number: int) -> None:
        """The n-th insert."""


@pytest.fixture
def inserts(monkeypatch: pytest.MonkeyPatch) -> Inserts:
    return Inserts(monkeypatch)


def small(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> SqlStore:
    monkeypatch.setattr(type(store.database), "insert_rows", 60)
    return store


def seen(system: System) -> pl.DataFrame:
    return read(system.home()).sort("id")


def test_all_rows_are_there_whoever_brought_them(
    system: System, tmp_path: Path, inserts: Inserts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first two pieces are met by two at once, or the load fails."""
    stage, both = Stage(tmp_path), threading.Barrier(2, timeout=60)

    def before(number: int) -> None:
        if number <= 2:
            both.wait()

    inserts.before = before  # type: ignore[method-assign]
    stage.give(ROWS)
    stage.done(stage.flow(store=small(system.store(workers=2), monkeypatch)))
    assert seen(system).equals(ROWS)
    assert set(inserts.threads) == {"inserts-0", "inserts-1"}
    assert sum(inserts.threads.values()) == -(-ROWS.height // 60)


def test_an_insert_that_fails_after_others_is_made_up_for(
    system: System, tmp_path: Path, inserts: Inserts, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, failed = Stage(tmp_path), list[int]()

    def before(number: int) -> None:
        if number == 5 and not failed:
            failed.append(number)
            raise ConnectionFailed("the line is dead")

    inserts.before = before  # type: ignore[method-assign]
    stage.give(ROWS)
    with no_thread_left():
        stage.done(stage.flow(store=small(system.store(workers=3), monkeypatch)))
    assert failed
    assert seen(system).equals(ROWS)


def test_what_fails_for_good_is_told(
    system: System, tmp_path: Path, inserts: Inserts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing of the load is published, nor left."""
    stage = Stage(tmp_path)

    def before(number: int) -> None:
        if number == 4:
            raise LoadLost("it was erased")

    inserts.before = before  # type: ignore[method-assign]
    stage.give(ROWS)
    store = small(system.store(workers=3), monkeypatch)
    with no_thread_left():
        report = stage.run(stage.flow(store=store, retries=0))
    assert isinstance(report.error, LoadLost)
    assert asyncio.run(store.schema()) is None
    assert not asyncio.run(store.unfinished("people"))


def test_a_load_that_is_stopped_stops_them_all(
    system: System, tmp_path: Path, inserts: Inserts, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(tmp_path)
    stage.give(ROWS)
    flow = stage.flow(store=small(system.store(workers=2), monkeypatch))

    async def story() -> None:
        loop = asyncio.get_running_loop()
        running = asyncio.create_task(flow.run(stage.terms()))

        def before(number: int) -> None:
            if number == 3:
                loop.call_soon_threadsafe(running.cancel)

        inserts.before = before  # type: ignore[method-assign]
        with pytest.raises(asyncio.CancelledError):
            await running

    with no_thread_left():
        asyncio.run(story())
    inserts.before = lambda number: None  # type: ignore[method-assign]
    stage.done(stage.flow(store=small(system.store(workers=2), monkeypatch)))
    assert seen(system).equals(ROWS)


def test_who_brings_rows_waits_for_room() -> None:
    """Two are inserted and one waits: no more than that is taken."""
    held, begun = threading.Event(), threading.Semaphore(0)

    class Slow:
        def inflow(self, table: Any) -> None:
            return None

        def insert(self, table: Any, rows: pl.DataFrame) -> None:
            begun.release()
            held.wait(60)

        def close(self) -> None:
            """There is nothing."""

    workers = Workers(Slow, None, 2, 10)  # type: ignore[arg-type]
    for n in range(3):
        workers.put(ROWS.slice(60 * n, 60))
    for _ in range(2):
        assert begun.acquire(timeout=60)
    fourth = threading.Thread(target=workers.put, args=[ROWS.slice(180, 60)])
    fourth.start()
    assert workers._next is not None
    assert not begun.acquire(blocking=False)
    held.set()
    fourth.join(60)
    workers.end()


@pytest.mark.parametrize("kind", SYSTEMS, ids=lambda kind: kind.name)
def test_with_fewer_connections_there_are_fewer(kind: type[System], tmp_path: Path) -> None:
    stage, system = Stage(tmp_path), kind(tmp_path)
    stage.give(ROWS)
    store = system.store(workers=4)
    if (pool := store.database.pool) is None:
        assert store.workers == (1 if kind is SqliteSystem else 4)
        return
    monkeypatched = pool.supply.size
    pool.supply.size = pool.supply.free = pool.size = 3
    try:
        flow = stage.flow(store=store)
        assert isinstance(flow.store, SqlStore)
        assert flow.store.workers == 2
        pool.peak = 0
        stage.done(flow)
        assert pool.peak <= 3
    finally:
        pool.supply.size = pool.supply.free = pool.size = monkeypatched
    assert "could use 5: pool_size is 3" in stage.told(Notice)[0].text
    assert seen(system).equals(ROWS)
