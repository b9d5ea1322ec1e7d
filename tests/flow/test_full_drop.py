"""`full_drop` replaces the table's rows, every time, with just what the source has."""

from __future__ import annotations

import polars as pl
import pytest
from tests.flow.stage import Stage

from hygge.core.errors import FlowError
from hygge.core.journal import Status
from hygge.testing.harness import people, unordered


def test_a_second_run_leaves_the_same_rows(stage: Stage) -> None:
    stage.give(people(0, 3), people(3, 5))
    for _ in range(3):
        assert stage.done().rows == 8
        assert stage.rows == unordered(people(0, 8).rows())
        assert not stage.leftovers


def test_the_order_of_the_source_is_kept(stage: Stage) -> None:
    stage.give(*(people(9 - n, 1) for n in range(10)))
    stage.done(parallel=4)
    assert [row[0] for row in stage.target.look() or ()] == list(range(9, -1, -1))


def test_rows_that_are_gone_from_the_source_go(stage: Stage) -> None:
    stage.give(people(0, 9))
    stage.done()
    stage.give(people(4, 2, "new"))
    stage.done()
    assert stage.rows == unordered(people(4, 2, "new").rows())


@pytest.mark.parametrize("before", [0, 3])
def test_an_empty_source_publishes_an_empty_table(stage: Stage, before: int) -> None:
    if before:
        stage.give(people(0, before))
        stage.done()
    stage.give(people(0, 0))
    report = stage.done()
    assert (report.status, report.rows) == (Status.SUCCESS, 0)
    assert stage.target.look() == []
    assert stage.target.table.schema is not None
    assert stage.target.table.schema.polars() == people().schema
    assert not stage.leftovers


def test_fewer_rows_than_min_rows_are_not_published(stage: Stage) -> None:
    stage.give(people(0, 5))
    stage.done(min_rows=5)
    stage.give(people(0, 4, "new"))
    report = stage.run(min_rows=5)
    assert isinstance(report.error, FlowError)
    assert "4 rows" in str(report.error)
    assert stage.rows == unordered(people(0, 5).rows())
    stage.done(min_rows=4)
    assert stage.rows == unordered(people(0, 4, "new").rows())
    assert not stage.leftovers


def test_columns_may_change_all_they_like(stage: Stage) -> None:
    stage.give(people(0, 5))
    stage.done()
    other = people(0, 2).select(pl.col("id").cast(pl.String), new=pl.lit(1))
    stage.give(other)
    stage.done()
    assert stage.rows == unordered(other.rows())


def test_only_the_columns_and_rows_asked_for(stage: Stage) -> None:
    stage.give(people(0, 9), people(9, 9))
    stage.done(columns=("seen", "id"), where="id > 7")
    expected = people(8, 10).select("seen", "id")
    assert stage.rows == unordered(expected.rows())
