"""Any sequence of loads, crashes, sleeps and looks of the service, against a dictionary."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.mirroring.publisher import Killed, Load, Publisher, die

from hygge.core.errors import HyggeError, NotYet
from hygge.core.schema import OPERATION
from hygge.core.store import Mode, Receipt
from hygge.filesystems import memory
from hygge.mirroring.choices import Choices
from hygge.stores import mirror_waiting
from hygge.testing.faults import Trigger
from hygge.testing.faulty_filesystem import FaultyFileSystem

SCHEMA = {"id": pl.Int64(), "word": pl.String(), "note": pl.Int16()}
SOON = timedelta(microseconds=1)
IDS = st.integers(0, 12)
NOTES = st.none() | st.integers(0, 3)
CHANGES = st.lists(
    st.lists(
        st.tuples(IDS, st.sampled_from("abcdef"), NOTES, st.booleans()), min_size=1, max_size=5
    ),
    min_size=1,
    max_size=3,
)
"""Parts of rows: an id, a word, a note, and whether it is gone."""
MERGES = st.tuples(st.just("merge"), CHANGES, st.booleans())
REPLACES = st.tuples(
    st.just("replace"), st.dictionaries(IDS, st.sampled_from("xyz"), max_size=8), st.booleans()
)
APPENDS = st.tuples(
    st.just("append"), st.lists(st.sampled_from("pqr"), min_size=1, max_size=4), st.booleans()
)
LOADS = MERGES | REPLACES | APPENDS
"""What is loaded, and whether its rows have notes."""
POINTS = st.integers(1, 45)
"""A side effect of a load, before which something happens to it."""
EFFECTS = ("put_once", "move", "move_once", "drop_folder", "delete", "delete_folder", "sync")
BEDS = st.tuples(
    st.sampled_from(["before", "after"]), st.sampled_from(EFFECTS), st.integers(1, 3)
) | st.tuples(st.just("before"), st.just("write"), st.just(1))
"""Where a load falls asleep: around the n-th of such side effects."""
STEPS = st.lists(
    st.sampled_from(["serve", "tidy", "keep", "recover"]) | LOADS, min_size=1, max_size=4
)
"""What others do while a load is asleep."""
Rows = dict[int, tuple[str, int | None]]
Asked = tuple[str, Any, bool]


class Time:
    """Whoever waits has waited."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        return self.now


def frame(rows: Any, wide: bool) -> pl.DataFrame:
    made = pl.DataFrame([row[:3] for row in rows], schema=SCHEMA, orient="row")
    return made if wide else made.drop("note")


def changes(rows: Any, wide: bool) -> pl.DataFrame:
    gone = pl.Series(OPERATION, [int(row[3]) for row in rows], dtype=pl.Int8)
    return frame(rows, wide).with_columns(gone)


class Mirroring(RuleBasedStateMachine):
    """One table with keys, and what it has to be."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="hygge-mirror-"))
        self.clock = Time()
        self.publisher = Publisher(self.folder, "memory", folder_deletion_wait_seconds=60)
        self.rows: Rows = {}
        self.there, self.known = False, list[str]()
        self.pending: Rows | None = None
        """What the rows are if the load that died, or sleeps, is published."""
        self.erased, self.overtaken = list[str](), False
        """What others made of the loads that slept last."""

    def teardown(self) -> None:
        FaultyFileSystem.trigger = Trigger()
        shutil.rmtree(self.folder)
        memory.forget(self.publisher.files.root)

    @initialize()
    def clocks(self) -> None:
        mirror_waiting.time = self.clock  # type: ignore[assignment, attr-defined]

    # loads

    def _asked(self, asked: Asked) -> tuple[Load, Rows]:
        """The load, and what the rows are after it."""
        kind, what, wide = asked
        if kind == "merge" and self.rows and max(self.rows) >= 100:  # refused on appended rows
            kind, what = "replace", {key: word for part in what for key, word, *_ in part}
        after: Rows = {} if kind == "replace" else dict(self.rows)
        if kind == "merge":
            for key, word, note, gone in (row for part in what for row in part):
                after.pop(key, None)
                if not gone:
                    after[key] = word, note if wide else None
            return Load.of(Mode.MERGE, *(changes(part, wide) for part in what)), after
        start = max(self.rows, default=100) + 100
        words = what if kind == "replace" else {start + n: word for n, word in enumerate(what)}
        mode = Mode.REPLACE if kind == "replace" else Mode.APPEND
        rows = [(key, word, key if wide else None) for key, word in words.items()]
        new: Rows = {key: (word, note) for key, word, note in rows}
        return Load.of(mode, frame(rows, wide), keys=("id",)), {**after, **new}

    def _load(self, asked: Asked, trigger: Trigger, *, waits: bool) -> Receipt | None:
        """Its receipt; None: it did not come to its end."""
        load, after = self._asked(asked)
        FaultyFileSystem.trigger = trigger
        receipt = None
        try:
            made = self.publisher.begin(load, faulty=True)
            self.known.append(made.request.load_id)
            self.pending = after
            receipt = self.publisher.finish(made, load, self._wait if waits else None)
            assert receipt.load_id == made.request.load_id
        except (Killed, NotYet):
            pass
        finally:
            FaultyFileSystem.trigger = Trigger()
        return receipt

    def _wait(self, seconds: float) -> None:
        self.clock.now += seconds

    def _landed(self) -> None:
        assert self.pending is not None
        self.rows, self.there = self.pending, True
        self._forget()

    def _forget(self) -> None:
        self.pending = None
        self.known.clear()

    @property
    def _is_free(self) -> bool:
        return self.pending is None

    @precondition(lambda self: self._is_free)
    @rule(asked=LOADS)
    def load(self, asked: Asked) -> None:
        assert self._load(asked, Trigger(), waits=True)
        self._landed()

    @precondition(lambda self: self._is_free)
    @rule(asked=LOADS, at=POINTS)
    def die(self, asked: Asked, at: int) -> None:
        if self._load(asked, Trigger(at, die, for_good=True), waits=False):
            self._landed()

    @precondition(lambda self: self._is_free)
    @rule(asked=LOADS, bed=BEDS, steps=STEPS)
    def sleep(self, asked: Asked, bed: tuple[str, str, int], steps: list[Any]) -> None:
        """A load stands still around a side effect; others go on, and then it does."""
        self.erased, self.overtaken, receipt = list[str](), False, None
        left = [bed[2]]

        def met(what: str) -> None:
            left[0] -= what == f"{bed[0]} {bed[1]}"
            if not left[0]:
                left[0] = -1
                self._others(steps)

        with suppress(HyggeError):
            receipt = self._load(asked, Trigger(1, met, for_good=True), waits=True)
        assert receipt is not None or self.overtaken, "nobody took its place"
        assert receipt is None or receipt.load_id not in self.erased, "it is erased, and landed"
        if not self._is_free and receipt is not None:
            self._landed()
        self._forget()
        assert not self.publisher.recover(wait=self._wait), "it landed after all"
        self.look()

    def _others(self, steps: list[Any]) -> None:
        for step in steps:
            if step in ("serve", "tidy"):
                self.serve(aged=step == "tidy")
            elif step == "keep":
                self._keep()
            else:
                self._take_over()
                if step != "recover":
                    load, after = self._asked(step)
                    self.publisher.run(load, wait=self._wait)
                    self.rows, self.there = after, True

    def _take_over(self) -> None:
        """What every run begins with. A load that nobody knows of yet stays one."""
        self.overtaken, known = True, list(self.known)
        if self.publisher.recover(*known, wait=self._wait):
            self._landed()
        elif known:
            self.erased += known
            self._forget()

    def _keep(self) -> None:
        """A load that is not published may be kept, and is erased later all the same."""
        for load_id in self.known:
            try:
                self.publisher.store().settle("people", load_id, keep=True)
            except NotYet as waiting:
                self._wait(waiting.seconds)

    # what follows a crash

    @precondition(lambda self: not self._is_free)
    @rule(at=st.integers(1, 12))
    def die_again(self, at: int) -> None:
        FaultyFileSystem.trigger = Trigger(at, die, for_good=True)
        store = self.publisher.store(self.publisher.faulty)
        try:
            for load_id in self.known:
                store.settle("people", load_id, keep=False)
        except (Killed, NotYet):
            pass
        finally:
            FaultyFileSystem.trigger = Trigger()

    @precondition(lambda self: not self._is_free)
    @rule(keep=st.booleans())
    def recover(self, keep: bool) -> None:
        if keep:
            self._keep()
        landed = self.publisher.recover(*self.known, wait=self._wait)
        assert len(landed) <= 1
        if landed:
            self._landed()
        self._forget()
        self.look()

    # the service

    @rule(aged=st.booleans())
    def serve(self, aged: bool) -> None:
        """It applies what is there, whatever state a load is in."""
        if not self.publisher.files.is_folder(self.publisher.zone):
            return
        choices = Choices(ready_after=SOON, delete_after=SOON) if aged else None
        for table in self.publisher.apply(choices).tables:
            assert table.error is None, table
            assert table.waits is None, table

    @precondition(lambda self: self._is_free)
    @rule()
    def look(self) -> None:
        if not self.there:
            return
        found = self.publisher.frame()
        if "note" not in found.columns:
            found = found.with_columns(pl.lit(None).alias("note"))
        rows = {key: (word, note) for key, word, note in found.select(*SCHEMA).rows()}
        assert rows == self.rows
        assert found.height == len(self.rows)
        assert not self.publisher.staged()


def _run(count: int, steps: int) -> None:
    real = mirror_waiting.time  # type: ignore[attr-defined]
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    try:
        run_state_machine_as_test(
            Mirroring,
            settings=settings(
                max_examples=count,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=quiet,
                print_blob=True,
            ),
        )
    finally:
        mirror_waiting.time = real  # type: ignore[attr-defined]


def test_any_sequence() -> None:
    _run(25, 14)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_many_long_sequences() -> None:
    _run(120, 30)
