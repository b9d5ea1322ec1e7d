"""Whole flows from and to Delta tables: what a night brings, and what becomes of the columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pytest
from tests.flow.stage import INCREMENTAL, Stage
from tests.rigs.delta import DeltaRig

from hygge.connections.named import NamedConnections
from hygge.core.home import HomeConfig
from hygge.homes.delta import DeltaHome, DeltaHomeConfig
from hygge.testing.harness import people, rows_of, unordered


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def rig(tmp_path: Path) -> DeltaRig:
    return DeltaRig(tmp_path)


def home(folder: Path) -> DeltaHome:
    config = HomeConfig.create({"type": "delta", "path": str(folder)})
    assert isinstance(config, DeltaHomeConfig)
    return DeltaHome.build(config, NamedConnections())


def test_nights_of_rows_and_columns(stage: Stage, rig: DeltaRig) -> None:
    def night(*frames: pl.DataFrame, **more: Any) -> None:
        stage.give(*frames)
        stage.done(stage.flow(store=rig.store(), **{**INCREMENTAL, **more}))

    night(people(0, 4))
    night(people(0, 6))
    assert unordered(rig.look()) == unordered(people(0, 6).rows())
    files = deltalake.DeltaTable(rig.folder).file_uris()
    night(people(0, 6))
    assert deltalake.DeltaTable(rig.folder).file_uris() == files  # nothing new brings no file
    wider = people(0, 8).with_columns(extra=pl.col("id").cast(pl.Int16))
    night(wider)
    seen = wider.with_columns(extra=pl.when(pl.col("id") > 5).then("extra"))
    assert unordered(rig.look()) == unordered(seen.rows())
    night(wider.with_columns(pl.col("extra").cast(pl.Int64) + 2**40).vstack(more_of(8)))
    assert len(rig.look() or []) == 10
    assert not rig.leftovers()


def more_of(start: int) -> pl.DataFrame:
    return people(start, 2).with_columns(extra=pl.lit(2**41))


def test_a_column_that_others_added_is_no_surprise(stage: Stage, rig: DeltaRig) -> None:
    stage.give(people(0, 3))
    stage.done(stage.flow(store=rig.store(), **INCREMENTAL))
    theirs = people(50, 1).with_columns(theirs=pl.lit("x"))
    deltalake.write_deltalake(rig.folder, theirs, mode="append", schema_mode="merge")
    stage.give(people(0, 5))
    stage.done(stage.flow(store=rig.store(), **INCREMENTAL))
    found = {row[0]: row[-1] for row in rig.look() or []}
    assert found == {**dict.fromkeys(range(5)), 50: "x"}


def test_from_one_delta_table_to_another(stage: Stage, rig: DeltaRig, tmp_path: Path) -> None:
    source = tmp_path / "source"
    merge: dict[str, Any] = {"run_type": "incremental", "watermark": "id", "keys": ["id"]}
    merge |= {"detect_deletes": "by_key_compare", "deletes": "soft", "max_delete_fraction": 1}
    deltalake.write_deltalake(source, people(0, 5))
    stage.done(stage.flow(home=home(source), store=rig.store(), **merge))
    deltalake.DeltaTable(source).delete("id = 2")
    deltalake.write_deltalake(source, people(5, 2), mode="append")
    stage.done(stage.flow(home=home(source), store=rig.store(), **merge))
    marked = {row[0]: row[-1] is not None for row in rig.look() or []}
    assert marked == {**dict.fromkeys(range(7), False), 2: True}
    assert unordered([row[:-1] for row in rig.look() or []]) == unordered(rows_of([people(0, 7)]))
