"""Dead before or after any side effect of a load, the next run makes the mirror what the source
is: no row lost or doubled, no number skipped or given twice, nothing left in staging."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.mirroring.publisher import Clock, Killed, Load, Publisher, die, marked

from hygge.core.store import Mode
from hygge.testing.faults import Trigger
from hygge.testing.faulty_filesystem import FaultyFileSystem
from hygge.testing.harness import Row, people, rows_of

pytestmark = [pytest.mark.crash, pytest.mark.timeout(480)]
WAIT = 120


@dataclass(frozen=True)
class Story:
    """Loads that are done, one that dies, and what the source has then."""

    name: str
    before: tuple[Load, ...]
    load: Load
    expected: Sequence[Row]
    keys: str = "id"
    settings: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return self.name


def moments(start: int, count: int, hour: int, word: str) -> pl.DataFrame:
    """People who were seen at this hour."""
    made = people(start, count, word)
    return made.with_columns(pl.col("seen").dt.replace(hour=hour))


SEED = Load.of(Mode.MERGE, people(0, 5), people(5, 5))
APPENDED = Load.of(Mode.APPEND, people(0, 5))
WIDE = people(3, 4, "new").with_columns(more=pl.col("id") * 10)
STORIES = [
    Story("seed", (), SEED, people(0, 10).rows()),
    Story(
        "append",
        (APPENDED,),
        Load.of(Mode.APPEND, people(5, 3), people(8, 3)),
        people(0, 11).rows(),
        keys="",
    ),
    Story(
        "merge",
        (SEED,),
        Load.of(
            Mode.MERGE,
            (marked(people(8, 4, "new"), 8), marked(people(0, 1, "new"), 0)),
            marked(people(0, 2, "newer"), 1),
        ),
        rows_of([people(0, 1, "newer"), people(2, 6), people(9, 3, "new")]),
    ),
    Story(
        "full_drop",
        (SEED, Load.of(Mode.MERGE, people(0, 2, "new"))),
        Load.of(Mode.REPLACE, people(20, 3), people(30, 2), keys=("id",)),
        rows_of([people(20, 3), people(30, 2)]),
    ),
    Story(
        "full_drop_waiting",
        (SEED, Load.of(Mode.MERGE, people(0, 2, "new"))),
        Load.of(Mode.REPLACE, people(20, 3), people(30, 2), keys=("id",)),
        rows_of([people(20, 3), people(30, 2)]),
        settings=(("folder_deletion_wait_seconds", WAIT), ("schema_manifest", True)),
    ),
    Story(
        "new_column",
        (SEED,),
        Load.of(Mode.MERGE, WIDE),
        [*((*row, None) for f in (people(0, 3), people(7, 3)) for row in f.rows()), *WIDE.rows()],
    ),
    Story(
        "latest",
        (SEED,),
        Load.of(
            Mode.MERGE, moments(3, 4, 9, "late"), moments(3, 4, 8, "early"), latest="seen"
        ),
        rows_of([people(0, 3), moments(3, 4, 9, "late"), people(7, 3)]),
    ),
]  # fmt: skip


class Crashing:
    """One story, told again and again, and cut off at another place each time."""

    def __init__(self, publisher: Publisher, story: Story, clock: Clock) -> None:
        self.publisher, self.story, self.clock = publisher, story, clock
        for load in story.before:
            publisher.run(load)
        if story.before:
            publisher.apply()
        publisher.settings.update(story.settings)
        publisher.keep()

    def wait(self, seconds: float) -> None:
        assert 0 < seconds <= WAIT
        self.clock.now += seconds

    def cut(self, at: int) -> str | None:
        """What the load had come to; None: it ended before."""
        FaultyFileSystem.trigger = Trigger(at, die, for_good=True)
        self.load_id = ""
        try:
            made = self.publisher.begin(self.story.load, faulty=True)
            self.load_id = made.request.load_id
            self.publisher.finish(made, self.story.load, self.wait)
        except Killed:
            return FaultyFileSystem.trigger.met
        finally:
            FaultyFileSystem.trigger = Trigger()
        return None

    def go_on(self) -> list[str]:
        """The next run, in peace."""
        publisher, story = self.publisher, self.story
        known = [self.load_id] if self.load_id else []
        landed = publisher.recover(*known, wait=self.wait)
        if not landed:
            publisher.run(story.load, wait=self.wait)
        complaints = publisher.complaints(story.expected)
        if f'"{story.keys}"' not in publisher.metadata() and story.keys:
            complaints.append(f"the metadata: {publisher.metadata()}")
        return complaints

    def cut_again(self, at: int) -> None:
        """The next run dies, too, while it recovers."""
        FaultyFileSystem.trigger = Trigger(at, die, for_good=True)
        store = self.publisher.store(self.publisher.faulty)
        try:
            for load_id in {self.load_id, *store.strays("people")} - {""}:
                store.settle("people", load_id, keep=False)
        except (Killed, Exception):  # noqa: BLE001 - it is gone, or has to wait
            pass
        finally:
            FaultyFileSystem.trigger = Trigger()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def every_point(crashing: Crashing, step: int) -> Iterator[tuple[int, str]]:
    at = 1
    while (met := crashing.cut(at)) is not None:
        yield at, met
        at += step
        crashing.publisher.back()
    assert at > 12, "there were hardly any points"


Passed = Callable[..., None]


@pytest.mark.parametrize(
    ("where", "step"),
    [
        ("memory", 2),
        ("local", 13),
        *(pytest.param(w, n, marks=pytest.mark.long) for w, n in (("memory", 1), ("local", 5))),
    ],
)
@pytest.mark.parametrize("story", STORIES, ids=str)
def test_dead_at_any_side_effect(
    tmp_path: Path, clock: Clock, story: Story, where: str, step: int
) -> None:
    crashing = Crashing(Publisher(tmp_path, where), story, clock)
    failures = list[str]()
    for at, met in every_point(crashing, step):
        failures += [f"{at} {met}: {told}" for told in crashing.go_on()]
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("story", [s for s in STORIES if s.name != "new_column"], ids=str)
def test_dead_again_while_recovering(tmp_path: Path, clock: Clock, story: Story, step: int) -> None:
    crashing = Crashing(Publisher(tmp_path, "memory"), story, clock)
    failures = list[str]()
    for at, met in every_point(crashing, step):
        for again in range(1, 6):
            crashing.cut_again(1 + (at * again) % 9)
        failures += [f"{at} {met}: {told}" for told in crashing.go_on()]
    assert not failures, "\n".join(failures)


def test_the_wait_goes_on_where_it_was_cut_off(tmp_path: Path, clock: Clock) -> None:
    """Fabric forgets the table from when it was dropped, whoever waits."""
    story = next(s for s in STORIES if s.name == "full_drop_waiting")
    crashing = Crashing(Publisher(tmp_path, "memory"), story, clock)
    told = list[float]()

    def dies(seconds: float) -> None:
        told.append(seconds)
        raise Killed

    made = crashing.publisher.begin(story.load)
    with pytest.raises(Killed):
        crashing.publisher.finish(made, story.load, dies)
    for gone in (50, 60, 30):
        clock.now += gone
        if sum((50, 60, 30)[: len(told)]) < WAIT:
            with pytest.raises(Killed):
                crashing.publisher.recover(wait=dies)
            assert not crashing.publisher.names()
    assert told == [120, 70, 10]
    landed = crashing.publisher.recover()
    assert [receipt.load_id for receipt in landed] == [made.request.load_id]
    assert crashing.publisher.complaints(story.expected) == []


def test_a_clock_that_went_back_waits_no_longer_than_it_may(tmp_path: Path, clock: Clock) -> None:
    story = next(s for s in STORIES if s.name == "full_drop_waiting")
    crashing = Crashing(Publisher(tmp_path, "memory"), story, clock)
    told = list[float]()

    def tells(seconds: float) -> None:
        told.append(seconds)
        clock.now += -1000 if len(told) == 1 else 2000

    crashing.publisher.finish(crashing.publisher.begin(story.load), story.load, tells)
    assert told == [120, 120]
    assert crashing.publisher.complaints(story.expected) == []
