"""A capacity that is paused refuses every write, and lets everybody read: the load that meets it
fails, so does each try meanwhile, and the first one after it was resumed makes all good."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.mirroring.publisher import Clock, Load, Publisher, marked

from hygge.core.errors import StoreError
from hygge.core.store import Mode
from hygge.testing.faults import Trigger
from hygge.testing.faulty_filesystem import FaultyFileSystem
from hygge.testing.harness import people, rows_of

SEED = Load.of(Mode.MERGE, people(0, 5), people(5, 5))
CHANGES = Load.of(Mode.MERGE, marked(people(8, 4, "new"), 8), marked(people(0, 2, "newer"), 1))
ANEW = Load.of(Mode.REPLACE, people(20, 3), people(30, 2), keys=("id",))
CHANGED = [people(0, 1, "newer"), people(2, 6), people(9, 3, "new")]


def refuse(what: str) -> None:
    """A write that was begun before the pause is done."""
    if what.startswith("before"):
        raise StoreError("the capacity is paused", hint="resume it, and run again")


@pytest.fixture(autouse=True)
def resumed() -> Iterator[None]:
    yield
    FaultyFileSystem.trigger = Trigger()


def refused(publisher: Publisher, load: Load, at: int) -> bool:
    """Whether the load met the pause, which begins before this side effect."""
    FaultyFileSystem.trigger = Trigger(at, refuse, for_good=True)
    try:
        publisher.run(load, faulty=True)
    except StoreError as failed:
        if "the capacity is paused" not in str(failed):
            raise
        return True
    finally:
        FaultyFileSystem.trigger = Trigger()
    return False


def refused_again(publisher: Publisher) -> None:
    """What the next run does first, while the pause goes on; it may find nothing to be done."""
    FaultyFileSystem.trigger = Trigger(1, refuse, for_good=True)
    store = publisher.store(publisher.faulty)
    try:
        for load_id in store.strays("people"):
            store.settle("people", load_id, keep=False)
    except StoreError as failed:
        if "the capacity is paused" not in str(failed):
            raise
    finally:
        FaultyFileSystem.trigger = Trigger()


@pytest.mark.parametrize(
    ("before", "load", "expected"),
    [
        ((), SEED, rows_of([people(0, 10)])),
        ((SEED,), CHANGES, rows_of(CHANGED)),
        ((SEED, CHANGES), ANEW, rows_of([people(20, 3), people(30, 2)])),
    ],
    ids=["seed", "changes", "full_drop"],
)
def test_writes_that_a_paused_capacity_refuses(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: tuple[Load, ...],
    load: Load,
    expected: list[tuple[object, ...]],
) -> None:
    Clock(monkeypatch)
    publisher, failures, at = Publisher(tmp_path, "memory"), list[str](), 1
    for done in before:
        publisher.run(done)
    if before:
        publisher.apply()
    publisher.keep()
    while refused(publisher, load, at):
        refused_again(publisher)
        if not publisher.recover():
            publisher.run(load)
        failures += [f"{at}: {told}" for told in publisher.complaints(expected)]
        publisher.back()
        at += 4
    assert at > 12, "there were hardly any points"
    assert not failures, "\n".join(failures)
