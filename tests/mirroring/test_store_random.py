"""Any sequence of loads, crashes, recoveries and looks of the service, against a dictionary."""

from __future__ import annotations

import shutil
import tempfile
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

from hygge.core.errors import NotYet
from hygge.core.schema import OPERATION
from hygge.core.store import Mode
from hygge.filesystems import memory
from hygge.mirroring.choices import Choices
from hygge.stores import mirror_waiting
from hygge.testing.faults import Trigger
from hygge.testing.faulty_filesystem import FaultyFileSystem

SCHEMA = {"id": pl.Int64(), "word": pl.String()}
SOON = timedelta(microseconds=1)
IDS = st.integers(0, 12)
CHANGES = st.lists(
    st.lists(st.tuples(IDS, st.sampled_from("abcdef"), st.booleans()), min_size=1, max_size=5),
    min_size=1,
    max_size=3,
)
"""Parts of rows: an id, a word, and whether it is gone."""
POINTS = st.none() | st.integers(1, 45)
"""The side effect that a load dies before; None: it goes through."""
Rows = dict[int, str]


class Time:
    """Whoever waits has waited."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        return self.now


def frames(parts: Any, told: bool) -> list[pl.DataFrame]:
    made = list[pl.DataFrame]()
    for rows in parts:
        frame = pl.DataFrame([row[:2] for row in rows], schema=SCHEMA, orient="row")
        if told:
            gone = pl.Series(OPERATION, [int(row[2]) for row in rows], dtype=pl.Int8)
            frame = frame.with_columns(gone)
        made.append(frame)
    return made


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
        """What the rows are if the load that died is published."""

    def teardown(self) -> None:
        FaultyFileSystem.trigger = Trigger()
        shutil.rmtree(self.folder)
        memory.forget(self.publisher.files.root)

    @initialize()
    def clocks(self) -> None:
        mirror_waiting.time = self.clock  # type: ignore[assignment, attr-defined]

    # loads

    def _load(self, load: Load, after: Rows, at: int | None) -> None:
        FaultyFileSystem.trigger = Trigger(at or 0, die, for_good=True)
        try:
            made = self.publisher.begin(load, faulty=True)
            self.known.append(made.request.load_id)
            self.pending = after
            self.publisher.finish(made, load, self._wait if at is None else None)
            self._landed()
        except (Killed, NotYet):
            pass
        finally:
            FaultyFileSystem.trigger = Trigger()

    def _wait(self, seconds: float) -> None:
        self.clock.now += seconds

    def _landed(self) -> None:
        assert self.pending is not None
        self.rows, self.there, self.pending = self.pending, True, None
        self.known.clear()

    @precondition(lambda self: self._is_free)
    @rule(parts=CHANGES, told=st.booleans(), at=POINTS)
    def merge(self, parts: Any, told: bool, at: int | None) -> None:
        after = dict(self.rows)
        for rows in parts:
            for key, word, gone in rows:
                after.pop(key, None)
                if not (gone and told):
                    after[key] = word
        self._load(Load.of(Mode.MERGE, *frames(parts, told)), after, at)

    @precondition(lambda self: self._is_free)
    @rule(words=st.dictionaries(IDS, st.sampled_from("xyz"), max_size=8), at=POINTS)
    def replace(self, words: Rows, at: int | None) -> None:
        frame = pl.DataFrame(list(words.items()), schema=SCHEMA, orient="row")
        self._load(Load.of(Mode.REPLACE, frame, keys=("id",)), dict(words), at)

    @precondition(lambda self: self._is_free)
    @rule(words=st.lists(st.sampled_from("pqr"), min_size=1, max_size=4), at=POINTS)
    def append(self, words: list[str], at: int | None) -> None:
        start = max(self.rows, default=100) + 100
        new = {start + n: word for n, word in enumerate(words)}
        frame = pl.DataFrame(list(new.items()), schema=SCHEMA, orient="row")
        self._load(Load.of(Mode.APPEND, frame, keys=("id",)), {**self.rows, **new}, at)

    @property
    def _is_free(self) -> bool:
        return self.pending is None

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
        if keep:  # a load that is not published may be kept, and is erased later all the same
            for load_id in self.known:
                try:
                    self.publisher.store().settle("people", load_id, keep=True)
                except NotYet as waiting:
                    self._wait(waiting.seconds)
        landed = self.publisher.recover(*self.known, wait=self._wait)
        assert len(landed) <= 1
        if landed:
            self._landed()
        self.pending = None
        self.known.clear()
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
        assert dict(self.publisher.frame().rows()) == self.rows
        assert len(self.publisher.rows()) == len(self.rows)
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
    _run(200, 30)
