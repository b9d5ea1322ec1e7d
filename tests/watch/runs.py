"""Runs that never happened: their events, at times that are always the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hygge.core import events

BEGAN = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
RUN_ID = "0123456789abcdef0123456789abcdef"


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def mixed() -> Iterator[events.Event]:
    """One of each: landed, nothing new, tried again, failed, never started."""
    names = ("users", "orders.items", "visits", "broken", "slow", "later")
    yield events.RunStarted(RUN_ID, names, at=at(0))
    for name in names[:5]:
        yield events.FlowStarted(name, f"/data/{name}", f"/lake/{name}", "full_drop", at=at(0))
    yield events.Notice("users", "column changed since the last load: age int32 → int64", at=at(0))
    yield events.LoadRecovered("users", "17f0a1b2c3d4e5f600000001", "kept", at=at(0.1))
    yield from moved("users", 12_345)
    yield events.LoadRecovered("visits", "17f0a1b2c3d4e5f600000004", "undone", at=at(2))
    yield events.FlowRetrying(
        "visits", 1, 1.25, "the server does not answer\n  try: wait", at=at(2)
    )
    yield events.LoadBegan("visits", "17f0a1b2c3d4e5f600000003", "append", at=at(3))
    yield events.LoadRecovered("visits", "17f0a1b2c3d4e5f600000003", "erased", at=at(3))
    yield events.FlowFinished("visits", "skip", 0, 3.1, at=at(3.1))
    told = "the file is not parquet (path /data/broken, flow broken)\n  try: write it again"
    yield events.FlowFinished("broken", "fail", 0, 0.2, told, at=at(3.2))
    yield from moved("orders.items", 1, deleted=1_200)
    yield events.RunStopping(at=at(4))
    yield events.RunStopping(hard=True, at=at(4.1))
    told = "stopped before it was done\n  try: run again"
    yield events.FlowFinished("slow", "suspended", 0, 4.1, told, at=at(4.2))
    yield finished(2, 1, 1, 1, 1)


def moved(name: str, rows: int, deleted: int = 0) -> Iterator[events.Event]:
    """A flow that lands."""
    load = "17f0a1b2c3d4e5f600000002"
    yield events.LoadBegan(name, load, "replace", at=at(0.2))
    yield events.PartitionsPlanned(name, 2, 1, at=at(0.2))
    yield events.PartReused(name, "a.parquet", 0, at=at(0.2))
    yield events.BatchStaged(name, rows, rows * 10, at=at(0.3))
    yield events.PartStaged(name, "b.parquet", rows, at=at(0.3))
    yield events.LoadVerified(name, rows, at=at(0.4))
    yield events.LoadCommitted(name, load, rows, rows * 10, at=at(0.4))
    yield events.FlowFinished(name, "success", rows, 0.4, deleted=deleted, at=at(0.4))


def finished(
    succeeded: int, failed: int, skipped: int, not_started: int, suspended: int = 0
) -> events.Event:
    return events.RunFinished(
        RUN_ID,
        succeeded=succeeded,
        failed=failed,
        suspended=suspended,
        skipped=skipped,
        not_started=not_started,
        rows=12_346,
        seconds=4.2,
        at=at(4.2),
    )
