"""A merge that finds nothing but the rows at its old position, as they were, loads nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.flow.stage import Stage
from tests.rigs.memory import MemoryStoreRig

from hygge.core.events import Notice
from hygge.core.journal import Status
from hygge.testing.harness import people, unordered

NIGHTLY: dict[str, Any] = {"run_type": "incremental", "watermark": "seen", "keys": ["id"]}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_the_same_again_is_nothing_new(stage: Stage) -> None:
    stage.give(people(0, 5))
    first = stage.done(**NIGHTLY)
    again = stage.done(**NIGHTLY)
    assert (first.rows, again.rows, again.status) == (5, 0, Status.SKIP)
    assert stage.last == first.receipt
    assert stage.rows == unordered(people(0, 5).rows())


def test_a_row_that_changed_at_the_old_position_is_loaded(stage: Stage) -> None:
    stage.give(people(0, 5))
    stage.done(**NIGHTLY)
    changed = people(0, 5).with_columns(
        pl.when(pl.col("id") == 4).then(pl.lit("changed")).otherwise("word").alias("word")
    )
    stage.give(changed)
    assert stage.done(**NIGHTLY).rows == 1
    assert stage.rows == unordered(changed.rows())
    assert stage.done(**NIGHTLY).status is Status.SKIP


def test_a_row_that_came_at_the_old_position_is_loaded(stage: Stage) -> None:
    stage.give(people(0, 5))
    stage.done(**NIGHTLY)
    more = pl.concat([people(0, 5), people(4, 1).with_columns(id=pl.lit(9, pl.Int64))])
    stage.give(more)
    assert stage.done(**NIGHTLY).rows == 2
    assert stage.rows == unordered(more.rows())


def test_a_row_that_went_at_the_old_position_leaves_the_rest_as_it_was(stage: Stage) -> None:
    stage.give(pl.concat([people(0, 5), people(4, 1).with_columns(id=pl.lit(9, pl.Int64))]))
    stage.done(**NIGHTLY)
    stage.give(people(0, 5))
    assert stage.done(**NIGHTLY).rows == 1
    assert stage.done(**NIGHTLY).status is Status.SKIP


def test_a_new_row_is_loaded_with_those_at_the_old_position(stage: Stage) -> None:
    stage.give(people(0, 5))
    stage.done(**NIGHTLY)
    stage.give(people(0, 6))
    assert stage.done(**NIGHTLY).rows == 2
    assert stage.rows == unordered(people(0, 6).rows())


def test_a_place_that_is_empty_all_at_once_is_told_of(stage: Stage) -> None:
    """A disk that is not mounted, say: it would be filled, and nobody know why."""
    told = "nothing was loaded here before: loading everything"
    stage.give(people(0, 5))
    stage.done(**NIGHTLY)
    assert stage.told(Notice)[-1].text == told
    stage.target = MemoryStoreRig(stage.tmp / "elsewhere")
    stage.done(**NIGHTLY)
    assert stage.told(Notice)[-1].text.startswith(f"{told}; the journal has a load at 20")


def test_a_newest_row_that_was_deleted_stops_no_merge(stage: Stage) -> None:
    """All is read again: the source may as well have been restored, and gone on from there."""
    stage.give(people(0, 5))
    stage.done(**NIGHTLY)
    stage.give(people(0, 4))
    assert stage.done(**NIGHTLY).rows == 4
    assert "the last rows of the source are gone" in stage.told(Notice)[-1].text
    assert stage.done(**NIGHTLY).status is Status.SKIP
    late = people(9, 1).with_columns(people(4, 1)["seen"])
    stage.give(pl.concat([people(0, 4), late]))
    assert stage.done(**NIGHTLY).rows == 2
    assert stage.rows == unordered([*people(0, 5).rows(), *late.rows()])
