"""What is new: read once, whatever happens to the source, the store or the journal meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.flow.stage import INCREMENTAL, Stage
from tests.rigs.memory import MemoryHomeRig

from hygge.core.errors import ConfigError, FlowError
from hygge.core.events import Notice
from hygge.core.journal import Status
from hygge.core.watermark import Watermark
from hygge.journal.memory import MemoryJournal
from hygge.testing.harness import people, rows_of, unordered

BY_TIME = {**INCREMENTAL, "watermark": "seen"}
MERGING: dict[str, Any] = {"run_type": "incremental", "watermark": "seen", "keys": "id"}


@pytest.mark.parametrize("settings", [INCREMENTAL, BY_TIME, MERGING])
def test_only_new_rows_are_loaded(stage: Stage, settings: dict[str, Any]) -> None:
    stage.give(people(0, 5))
    assert stage.done(**settings).rows == 5
    stage.give(people(0, 5), people(5, 2))
    report = stage.done(**settings)
    assert stage.rows == unordered(people(0, 7).rows())
    assert report.status is Status.SUCCESS
    if settings is not MERGING:  # a merge reads the last position again
        assert report.rows == 2


def test_the_watermark_is_the_greatest_value_read(stage: Stage) -> None:
    stage.give(people(3, 4), people(0, 2))
    stage.done(**BY_TIME)
    assert stage.last is not None
    top = datetime(2024, 1, 1, 0, 6, tzinfo=UTC)
    mark = stage.last.watermark
    assert mark is not None
    assert mark == Watermark("seen", "datetime(us, UTC)", top, True, mark.ties)


def test_nothing_new_is_skipped_and_moves_no_watermark(stage: Stage) -> None:
    stage.give(people(0, 5))
    stage.done(**INCREMENTAL)
    before, receipt = stage.rows, stage.last
    for _ in range(2):
        report = stage.done(**INCREMENTAL)
        assert (report.status, report.rows, report.receipt) == (Status.SKIP, 0, None)
        assert (stage.rows, stage.last) == (before, receipt)
        assert not stage.leftovers


def test_an_empty_source_is_skipped_at_first(stage: Stage) -> None:
    stage.give(people(0, 0))
    assert stage.done(**INCREMENTAL).status is Status.SKIP
    assert not stage.leftovers
    stage.give(people(0, 3))
    stage.done(**INCREMENTAL)
    assert stage.rows == unordered(people(0, 3).rows())


def test_a_source_that_was_emptied_leaves_the_rows(stage: Stage) -> None:
    stage.give(people(0, 3))
    stage.done(**INCREMENTAL)
    receipt = stage.last
    stage.give(people(0, 0))
    assert stage.run(**INCREMENTAL).receipt is None
    assert stage.rows == unordered(people(0, 3).rows())
    assert stage.last == receipt


def tied(start: int, count: int) -> pl.DataFrame:
    """Rows that all have the same moment."""
    return people(start, count).with_columns(seen=datetime(2024, 1, 1, tzinfo=UTC))


def test_ties_are_not_doubled(stage: Stage) -> None:
    stage.give(tied(0, 3))
    stage.done(**BY_TIME)
    stage.give(tied(0, 3), people(3, 2))
    stage.done(**BY_TIME)
    assert stage.rows == unordered(rows_of([tied(0, 3), people(3, 2)]))
    assert stage.done(**BY_TIME).status is Status.SKIP


def test_a_late_tie_stops_an_append_and_is_named(stage: Stage) -> None:
    stage.give(tied(0, 3))
    stage.done(**BY_TIME)
    stage.give(tied(0, 4), people(4, 2))
    report = stage.run(**BY_TIME)
    assert isinstance(report.error, FlowError)
    assert "appeared or changed after it was read: 1" in str(report.error)
    assert report.error.hint
    assert stage.rows == unordered(tied(0, 3).rows())


@pytest.mark.parametrize("count", [3, 40])
@pytest.mark.parametrize("gone", [1, 2])
def test_a_late_tie_is_seen_though_others_are_gone(stage: Stage, count: int, gone: int) -> None:
    stage.give(tied(0, count))
    stage.done(**BY_TIME)
    stage.give(tied(gone, count - gone), tied(90, 1))
    report = stage.run(**BY_TIME)
    assert isinstance(report.error, FlowError)
    told = "appeared or changed after it was read: 1"
    if count > 24:
        told = f"are not those that were read: {count} then, {count - gone + 1} now"
    assert told in str(report.error)
    assert stage.rows == unordered(tied(0, count).rows())


def test_ties_that_are_gone_are_told(stage: Stage) -> None:
    stage.give(tied(0, 3))
    stage.done(**BY_TIME)
    stage.give(tied(1, 2))
    assert stage.done(**BY_TIME).status is Status.SKIP
    assert "are gone from the source: 1" in stage.told(Notice)[-1].text


def test_a_changed_tie_is_told_from_a_new_one_by_its_keys(stage: Stage) -> None:
    changed = tied(0, 3).with_columns(word=pl.lit("other"))
    for keys, fails in (("id", False), ((), True)):
        stage.give(tied(0, 3))
        stage.done(**{**BY_TIME, "run_type": "full_drop", "keys": keys})
        stage.give(changed)
        report = stage.run(**{**BY_TIME, "keys": keys})
        assert isinstance(report.error, FlowError) is fails
        assert report.status is (Status.FAIL if fails else Status.SKIP)


def test_ties_under_other_keys_are_counted_and_that_is_told(stage: Stage) -> None:
    stage.give(tied(0, 3))
    stage.done(**BY_TIME)
    stage.give(tied(1, 3))
    assert stage.done(**{**BY_TIME, "keys": "id"}).status is Status.SKIP
    assert "counted, not compared" in stage.told(Notice)[-1].text
    stage.give(tied(1, 4))
    assert isinstance(stage.run(**{**BY_TIME, "keys": "id"}).error, FlowError)


def test_a_late_tie_is_merged(stage: Stage) -> None:
    stage.give(tied(0, 3))
    stage.done(**MERGING)
    stage.give(tied(0, 4))
    stage.done(**MERGING)
    assert stage.rows == unordered(tied(0, 4).rows())


def test_late_ties_after_an_upper_row_are_still_counted(stage: Stage) -> None:
    """The watermark's own ties count, not those of a page that did not reach it."""
    stage.give(tied(0, 2), people(7, 1), people(7, 1).with_columns(id=pl.lit(8, pl.Int64)))
    stage.done(**BY_TIME)
    assert stage.last is not None
    assert stage.last.watermark is not None
    assert stage.last.watermark.ties is not None
    assert stage.last.watermark.ties.count == 2
    assert stage.done(**BY_TIME).status is Status.SKIP


@pytest.mark.parametrize("first", [True, False])
def test_a_row_without_a_position_fails_the_flow(stage: Stage, first: bool) -> None:
    if not first:
        stage.give(people(0, 2))
        stage.done(**BY_TIME)
    before = stage.rows
    broken = people(2, 2).with_columns(seen=pl.when(pl.col("id") == 3).then("seen"))
    stage.give(people(0, 2), broken)
    report = stage.run(**BY_TIME)
    assert isinstance(report.error, FlowError)
    assert report.error.where["column"] == "seen"
    assert "nulls: ignore" in str(report.error)
    assert stage.rows == before
    ignoring = {**BY_TIME, "watermark": {"column": "seen", "nulls": "ignore"}}
    stage.done(**ignoring)
    assert not stage.leftovers
    assert stage.rows == unordered(rows_of([people(0, 2), broken.drop_nulls("seen")]))


def test_another_source_is_refused_and_named(stage: Stage) -> None:
    stage.give(people(0, 3))
    stage.done(**INCREMENTAL)
    other = MemoryHomeRig(stage.tmp)
    other.give(people(0, 9))
    report = stage.run(stage.flow(other.home(), **INCREMENTAL))
    assert isinstance(report.error, FlowError)
    assert stage.source.home().identity in str(report.error)
    assert other.home().identity in str(report.error)
    assert stage.rows == unordered(people(0, 3).rows())
    stage.done(stage.flow(other.home(), **{**INCREMENTAL, "run_type": "full_drop"}))
    assert stage.done(stage.flow(other.home(), **INCREMENTAL)).status is Status.SKIP


def test_another_watermark_column_is_refused_and_named(stage: Stage) -> None:
    stage.give(people(0, 3))
    stage.done(**INCREMENTAL)
    stage.give(people(0, 5))
    report = stage.run(**BY_TIME)
    assert isinstance(report.error, FlowError)
    assert "id int64" in str(report.error)
    assert "seen datetime(us, UTC)" in str(report.error)
    assert stage.rows == unordered(people(0, 3).rows())


@pytest.mark.parametrize(("column", "word"), [("sean", "seen"), ("flag", "bool")])
def test_a_column_that_cannot_be_a_watermark_fails_early(
    stage: Stage, column: str, word: str
) -> None:
    stage.give(people(0, 3).with_columns(flag=True))
    report = stage.run(**{**INCREMENTAL, "watermark": column})
    assert isinstance(report.error, ConfigError)
    assert word in str(report.error)
    assert stage.target.look() is None
    assert not stage.leftovers


def test_a_lost_journal_loses_and_doubles_nothing(stage: Stage) -> None:
    stage.give(people(0, 3))
    stage.done(**INCREMENTAL)
    stage.journal = MemoryJournal()
    stage.give(people(0, 3), people(3, 2))
    stage.done(**INCREMENTAL)
    assert stage.rows == unordered(people(0, 5).rows())


def test_incremental_goes_on_after_a_full_drop(stage: Stage) -> None:
    full = {**INCREMENTAL, "run_type": "full_drop"}
    stage.give(people(0, 3))
    stage.done(**full)
    stage.give(people(0, 3), people(3, 2))
    stage.done(**INCREMENTAL)
    assert stage.rows == unordered(people(0, 5).rows())
    stage.done(**full)
    assert stage.rows == unordered(people(0, 5).rows())


def test_a_source_that_went_back_stops_the_flow(stage: Stage) -> None:
    stage.give(people(0, 9))
    stage.done(**INCREMENTAL)
    stage.give(people(0, 4))
    report = stage.run(**INCREMENTAL)
    assert isinstance(report.error, FlowError)
    assert "8" in str(report.error)
    assert stage.rows == unordered(people(0, 9).rows())


def test_another_where_is_refused_until_everything_is_loaded_anew(stage: Stage) -> None:
    stage.give(people(0, 6))
    stage.done(**INCREMENTAL, where="id > 2")
    stage.give(people(0, 9))
    for where, told in ((None, "now without a condition"), ("id > 1", "now where id > 1")):
        report = stage.run(**INCREMENTAL, where=where)
        assert isinstance(report.error, FlowError)
        assert str(report.error).startswith("the last load took the rows where id > 2")
        assert told in str(report.error)
    assert stage.rows == unordered(people(3, 3).rows())
    stage.done(**{**INCREMENTAL, "run_type": "full_drop"}, where="id > 1")
    assert stage.done(**INCREMENTAL, where="id > 1").status is Status.SKIP
    assert stage.rows == unordered(people(2, 7).rows())


def test_other_keys_are_refused_in_a_merge(stage: Stage) -> None:
    stage.give(people(0, 3))
    stage.done(**MERGING)
    report = stage.run(**{**MERGING, "keys": ["id", "word"]})
    assert isinstance(report.error, FlowError)
    assert "the last load's keys were id, now id, word" in str(report.error)


def test_a_full_load_over_another_sources_table_is_told(stage: Stage, tmp_path: Path) -> None:
    stage.give(people(0, 3))
    stage.done()
    stage.done()
    assert not stage.told(Notice)
    other = MemoryHomeRig(tmp_path / "other")
    other.give(people(5, 2))
    stage.done(stage.flow(other.home()))
    told = stage.told(Notice)[-1].text
    assert told.startswith("this replaces a table that flow people loaded from memory:")
    assert stage.source.home().identity in told


def test_an_append_after_a_merge_is_refused(stage: Stage) -> None:
    """It could double rows that lie above the position."""
    stage.give(people(0, 5))
    stage.done(**MERGING)
    stage.give(people(0, 8))
    report = stage.run(**{**MERGING, "write": "append"})
    assert "could double rows" in str(report.error)
    assert stage.rows == unordered(people(0, 5).rows())
