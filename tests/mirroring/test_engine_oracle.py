"""Any files in any order, against a tiny engine that has lists of rows and no cleverness."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.mirroring.zones import Row, Zone, ordered

from hygge.filesystems.locating import locate
from hygge.mirroring.engine import Engine
from hygge.mirroring.names import file_name

KEYS = st.sampled_from([(a, b) for a in (1, 2) for b in ("x", "y")])
VALUES = st.one_of(st.none(), st.integers(0, 9))
CHANGES = st.lists(st.tuples(KEYS, VALUES, st.sampled_from([0, 1, 2, 4])), max_size=12)
BASE = [pa.field("a", pa.int64()), pa.field("b", pa.string())]
Change = tuple[tuple[int, str], int | None, int]


class Oracle:
    """A table as a dict: a key has its rows, each a dict of what it was given."""

    def __init__(self) -> None:
        self.rows = dict[tuple[int, str], list[dict[str, Any]]]()

    def apply(self, changes: list[Change], column: str) -> None:
        for key, value, mark in changes:
            if mark != 0:
                self.rows.pop(key, None)
            if mark != 2:
                self.rows.setdefault(key, []).append({column: value})

    def table(self, columns: list[str]) -> list[Row]:
        return ordered(
            [
                (*key, *(row.get(name) for name in columns))
                for key, rows in self.rows.items()
                for row in rows
            ]
        )


class Mirrored(RuleBasedStateMachine):
    """A publisher, now and then an apply, and a table that is dropped and begun anew."""

    @initialize(upserts=st.booleans())
    def begin(self, upserts: bool) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.zone, self.upserts = Zone(Path(self._folder.name)), upserts
        self.engine = Engine(*locate(str(self.zone.root)), locate(str(self.zone.into)))
        self._anew()

    def _anew(self) -> None:
        self.zone.metadata(keyColumns=["a", "b"], isUpsertDefaultRowMarker=self.upserts)
        self.oracle, self.number, self.pending = Oracle(), 1, list[tuple[Any, str]]()
        self.columns = list[str]()

    @rule(changes=CHANGES, column=st.sampled_from(["v", "w"]), marked=st.booleans())
    def publish(self, changes: list[Change], column: str, marked: bool) -> None:
        schema = pa.schema([*BASE, pa.field(column, pa.int32())])
        if not marked:
            changes = [(key, value, 4 if self.upserts else 0) for key, value, _ in changes]
        rows = [(*key, value, mark) for key, value, mark in changes]
        self.zone.put(self.number, rows, marked=marked, schema=schema)
        self.number += 1
        self.pending.append((changes, column))

    @precondition(lambda self: self.pending)
    @rule()
    def hold_back(self) -> None:
        """The newest file is not there yet after all."""
        self.number -= 1
        (self.zone.folder() / file_name(self.number)).unlink()
        self.pending.pop()

    @rule(other=st.booleans())
    def look(self, other: bool) -> None:
        if other:  # a process that has just begun
            self.engine = Engine(*locate(str(self.zone.root)), locate(str(self.zone.into)))
        found = self.engine.look().of("T")
        assert found.error is None
        assert len(found.files) == len(self.pending)
        for changes, column in self.pending:
            self.oracle.apply(changes, column)
            self.columns += [column] if column not in self.columns else []
        self.pending = []

    @rule()
    def drop(self) -> None:
        shutil.rmtree(self.zone.folder())
        self._anew()
        self.engine.look()

    @invariant()
    def the_table_is_the_oracles(self) -> None:
        if hasattr(self, "zone") and self.columns:
            assert self.zone.rows() == self.oracle.table(self.columns)

    def teardown(self) -> None:
        if hasattr(self, "_folder"):
            self._folder.cleanup()


Mirrored.TestCase.settings = settings(max_examples=40, stateful_step_count=12)
TestMirrored = Mirrored.TestCase


@settings(max_examples=60)
@given(seed=CHANGES, files=st.lists(CHANGES, max_size=5), many=st.sampled_from([2, 3, 100]))
def test_any_files_in_one_look(seed: list[Change], files: list[list[Change]], many: int) -> None:
    """`many` small files of the table become one."""
    oracle = Oracle()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("hygge.mirroring.mirror_table.MANY", many)
        zone, schema = Zone(Path(folder)), pa.schema([*BASE, pa.field("v", pa.int32())])
        zone.metadata(keyColumns=["a", "b"])
        for number, changes in enumerate([seed, *files], 1):
            rows = [(*key, value, mark) for key, value, mark in changes]
            zone.put(number, rows, schema=schema)
            oracle.apply(changes, "v")
        zone.apply()
        assert zone.rows() == oracle.table(["v"])
