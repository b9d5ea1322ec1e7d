"""Asleep before or after any side effect while others finish its load, and go on without it: one
that wakes up does no harm."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.mirroring.publisher import Clock, Load, Publisher
from tests.mirroring.test_store_crash import STORIES, Story

from hygge.core.errors import HyggeError, NotYet, StoreError
from hygge.core.store import Mode, Receipt
from hygge.testing.faults import Trigger
from hygge.testing.faulty_filesystem import FaultyFileSystem
from hygge.testing.harness import Row, people

pytestmark = [pytest.mark.crash, pytest.mark.timeout(480)]
NEXT = people(40, 2)
ANEW = Load.of(Mode.REPLACE, people(70, 2), keys=("word",))
"""Of fewer files than any story has, and of other keys."""


class Sleeper(threading.Thread):
    """Runs a load, and falls asleep before its n-th side effect until it is woken."""

    def __init__(self, publisher: Publisher, load: Load, at: int) -> None:
        super().__init__(daemon=True)
        self.publisher, self.load = publisher, load
        self.load_id, self.said = "", None
        self.stands, self.woken = threading.Event(), threading.Event()
        self.trigger = Trigger(at, self._sleep)
        FaultyFileSystem.trigger = self.trigger
        self.start()
        assert self.stands.wait(30)

    said: Receipt | HyggeError | None

    def _sleep(self, what: str) -> None:
        self.stands.set()
        assert self.woken.wait(60)

    def run(self) -> None:
        try:
            made = self.publisher.begin(self.load, faulty=True)
            self.load_id = made.request.load_id
            self.said = self.publisher.finish(made, self.load)
        except HyggeError as failed:
            self.said = failed
        finally:
            self.stands.set()

    @property
    def slept(self) -> bool:
        return self.trigger.met is not None

    def wake(self) -> Receipt | HyggeError | None:
        self.woken.set()
        self.join(30)
        assert not self.is_alive()
        FaultyFileSystem.trigger = Trigger()
        return self.said


class Meanwhile:
    """What others do, and what the source has then."""

    def __init__(self, publisher: Publisher, story: Story, clock: Clock) -> None:
        self.publisher, self.story, self.clock = publisher, story, clock
        self.rows: Sequence[Row] = ()

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    def recover(self, load_id: str) -> bool:
        """Whether the sleeper's load was published."""
        self.rows = self.story.expected
        known = [load_id] if load_id else []
        return bool(self.publisher.recover(*known, wait=self.wait))

    def finish(self, load_id: str) -> None:
        if not self.recover(load_id):
            self.publisher.run(self.story.load, wait=self.wait)

    def go_on(self, load_id: str) -> None:
        self.finish(load_id)
        wider = self.story.name == "new_column"
        mode = Mode.MERGE if self.story.keys else Mode.APPEND
        self.publisher.put(mode, NEXT)
        self.rows = [*self.rows, *((*r, None) if wider else r for r in NEXT.rows())]

    def begin_anew(self, load_id: str) -> None:
        self.go_on(load_id)
        self.publisher.run(ANEW, wait=self.wait)
        self.rows = people(70, 2).rows()

    def drop(self, load_id: str) -> None:
        """A full load that waits, still."""
        self.go_on(load_id)
        with pytest.raises(NotYet):
            self.publisher.run(ANEW, folder_deletion_wait_seconds=120)
        self.rows = people(70, 2).rows()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.mark.parametrize(
    ("where", "step"),
    [
        ("memory", 5),
        *(pytest.param(w, n, marks=pytest.mark.long) for w, n in (("memory", 3), ("local", 11))),
    ],
)
@pytest.mark.parametrize("others", ["finish", "go_on", "begin_anew", "drop"])
@pytest.mark.parametrize("story", [STORIES[2], STORIES[3], *STORIES[4:7]], ids=str)
def test_one_that_slept_does_no_harm(
    tmp_path: Path, clock: Clock, story: Story, others: str, where: str, step: int
) -> None:
    publisher = Publisher(tmp_path, where)
    for load in story.before:
        publisher.run(load)
    publisher.apply()
    publisher.settings.update(story.settings)
    publisher.keep()
    failures, at = list[str](), 1
    while True:
        sleeper = Sleeper(publisher, story.load, at)
        if not sleeper.slept:
            break
        meanwhile = Meanwhile(publisher, story, clock)
        getattr(meanwhile, others)(sleeper.load_id)
        names = publisher.names()
        said = sleeper.wake()
        told = complaints(said)
        if others == "drop" and publisher.names() != names:
            told.append(f"it made what was dropped: {publisher.names()}")
        publisher.recover(wait=meanwhile.wait)
        told += publisher.complaints(meanwhile.rows)
        if others in ("begin_anew", "drop") and '"word"' not in publisher.metadata():
            told.append(f"the metadata is an old one: {publisher.metadata()}")
        failures += [f"{at} {sleeper.trigger.met}: {one}" for one in told]
        publisher.back()
        at += step
    sleeper.wake()
    assert at > 12
    assert not failures, "\n".join(failures)


def complaints(said: Receipt | HyggeError | None) -> list[str]:
    """It has to say that it is published, or lost; not that somebody did something wrong."""
    if isinstance(said, StoreError) and not said.transient:
        gone = ("folder is gone", "there is no such file", "is gone")
        return [] if any(word in said.what for word in gone) else [f"it said: {said!r}"]
    return [] if isinstance(said, (Receipt, HyggeError)) else [f"it said: {said!r}"]
