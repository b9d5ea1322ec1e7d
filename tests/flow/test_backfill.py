"""Reading a range again, which leaves the watermark where it is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.flow.stage import Stage
from tests.workspace.project import plan, refused

from hygge.core.errors import ConfigError
from hygge.core.journal import Status
from hygge.core.schema import TableSchema
from hygge.flow.backfill import backfill
from hygge.flow.settings import FlowSettings, Range, RunType
from hygge.testing.harness import people, unordered
from hygge.workspace.plan import Backfill

MAY = datetime(2024, 5, 31, tzinfo=UTC)
NIGHTLY: dict[str, Any] = {"run_type": "incremental", "watermark": "id", "keys": "id"}


def repair(start: object = None, end: object = None, **more: Any) -> dict[str, Any]:
    return {**NIGHTLY, **more, "run_type": "backfill", "range": {"from": start, "to": end}}


def corrected(start: int, count: int) -> pl.DataFrame:
    return people(start, count).with_columns(word=pl.lit("corrected"))


def test_a_range_is_merged_and_the_watermark_stays(stage: Stage) -> None:
    stage.give(people(0, 10))
    stage.done(**NIGHTLY)
    assert stage.last is not None
    before = stage.last.watermark
    stage.give(corrected(0, 10), people(10, 2))
    report = stage.done(**repair(3, 6))
    assert report.rows == 3
    assert stage.rows == unordered(
        [*people(0, 3).rows(), *corrected(3, 3).rows(), *people(6, 4).rows()]
    )
    assert stage.last.watermark == before
    stage.done(**NIGHTLY)  # goes on where it was
    assert {row[0] for row in stage.rows} == set(range(12))


@pytest.mark.parametrize(("start", "end", "rows"), [(8, None, 4), (None, 2, 2), (90, None, 0)])
def test_either_end_may_be_missing(
    stage: Stage, start: int | None, end: int | None, rows: int
) -> None:
    stage.give(people(0, 10))
    stage.done(**NIGHTLY)
    stage.give(people(0, 12))
    report = stage.done(**repair(start, end))
    assert report.rows == rows
    assert report.status is (Status.SUCCESS if rows else Status.SKIP)


def test_a_table_that_was_begun_by_a_backfill_is_completed_by_the_next_run(stage: Stage) -> None:
    stage.give(people(0, 10))
    stage.done(**repair(3, 6))
    assert stage.rows == unordered(people(3, 3).rows())
    assert stage.last is not None
    assert stage.last.watermark is None
    stage.done(**NIGHTLY)
    assert stage.rows == unordered(people(0, 10).rows())


def test_the_history_calls_it_a_backfill(stage: Stage) -> None:
    stage.give(people(0, 4))
    assert stage.done(**repair(1)).run.run_type == "backfill"


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        (pl.Int64(), "-7", -7),
        (pl.Decimal(9, 2), "1.25", Decimal("1.25")),
        (pl.String(), "b", "b"),
        (pl.Date(), "2024-05-31", date(2024, 5, 31)),
        (pl.Datetime("us"), "2024-05-31", datetime(2024, 5, 31)),
        (
            pl.Datetime("us", "Europe/Oslo"),
            "2024-05-31T02:00+02:00",
            datetime(2024, 5, 31, tzinfo=UTC),
        ),
        (pl.Datetime("us", "UTC"), "2024-05-31 00:00", datetime(2024, 5, 31, tzinfo=UTC)),
        (pl.Datetime("ns"), "1970-01-01T00:00:01", 10**9),
    ],
    ids=str,
)
def test_an_end_is_of_the_columns_type(kind: pl.DataType, written: str, value: object) -> None:
    settings = FlowSettings(**repair(written))
    window = backfill(settings, TableSchema.of(pl.Schema({"id": kind})))
    assert window.bound is None
    assert window.low is not None
    assert window.low.value == value


@pytest.mark.parametrize(
    ("kind", "start", "end", "told"),
    [
        (pl.Int64(), "x", None, "from: 'x' is no int64"),
        (pl.Date(), None, "2024-13-01", "to: '2024-13-01' is no date"),
        (pl.Datetime("us"), "2024-01-01T00:00Z", None, "is no datetime"),
        (pl.Decimal(9, 2), "one", None, "is no decimal"),
        (pl.Int64(), "7", "7", "no row lies from 7 to 7"),
    ],
)
def test_an_end_that_cannot_be_is_refused(
    kind: pl.DataType, start: str | None, end: str | None, told: str
) -> None:
    settings = FlowSettings(**repair(start, end))
    with pytest.raises(ConfigError, match=told) as failed:
        backfill(settings, TableSchema.of(pl.Schema({"id": kind})))
    assert failed.value.hint


FLOW = "home: source\nstore: {type: sqlite, path: shop.db, table: t}\n"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("keys: id", "a backfill needs a `watermark`"),
        ("watermark: id", "it needs `keys` to merge them by"),
        ("watermark: id\nkeys: id\nwrite: append", "it needs `keys` to merge them by"),
    ],
)
def test_a_flow_that_cannot_be_repaired_is_refused(tmp_path: Path, written: str, told: str) -> None:
    files = {"flows/f/flow.yml": f"{FLOW}{written}\n"}
    assert told in refused(tmp_path, files, backfill=("1", None)).what


def test_the_command_line_asks_for_it(tmp_path: Path) -> None:
    files = {"flows/f/flow.yml": f"{FLOW}watermark: id\nkeys: id\n"}
    (made,) = plan(tmp_path, files, backfill=("1", None)).flows
    assert made.settings.run_type is RunType.BACKFILL
    assert made.settings.range is not None
    assert (made.settings.range.start, made.settings.range.end) == ("1", None)


WRITTEN = f"{FLOW}watermark: id\nkeys: id\nrun_type: backfill\nrange: {{from: 3, to: 6}}\n"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        (None, "3", "6"),
        (("1", None), "1", None),
        ((None, "9"), None, "9"),
        (("1", "9"), "1", "9"),
    ],
)
def test_the_command_lines_range_takes_the_place_of_a_written_one(
    tmp_path: Path, asked: Backfill | None, start: str | None, end: str | None
) -> None:
    (made,) = plan(tmp_path, {"flows/f/flow.yml": WRITTEN}, backfill=asked).flows
    assert made.settings.range is not None
    assert (made.settings.range.start, made.settings.range.end) == (start, end)


def test_it_takes_the_place_of_one_by_var_and_of_an_entitys(tmp_path: Path) -> None:
    flow = (
        WRITTEN.replace("table: t}", "table: '{entity}'}") + "entities: [{name: e, range: {to: 4}}]"
    )
    files = {"flows/f/flow.yml": flow}
    by_var = {"flow.f.range.to": "5"}
    (made,) = plan(tmp_path, files, overrides=by_var).flows
    assert made.settings.range == Range.model_validate({"from": 3, "to": 5})
    (made,) = plan(tmp_path, files, overrides=by_var, backfill=("1", None)).flows
    assert made.settings.range == Range.model_validate({"from": 1})


@pytest.mark.parametrize("run_type", [RunType.INCREMENTAL, RunType.FULL_DROP])
def test_another_run_type_of_the_command_line_leaves_a_written_range_alone(
    tmp_path: Path, run_type: RunType
) -> None:
    (made,) = plan(tmp_path, {"flows/f/flow.yml": WRITTEN}, run_type=run_type).flows
    assert made.settings.run_type is run_type
    assert made.settings.range is None


@pytest.mark.parametrize("run_type", ["incremental", "full_drop"])
def test_a_range_of_another_run_type_is_refused_where_it_stands(
    tmp_path: Path, run_type: str
) -> None:
    files = {"flows/f/flow.yml": WRITTEN.replace("backfill", run_type)}
    failed = refused(tmp_path, files)
    assert failed.place == "flows/f/flow.yml:6, flow f"
    assert failed.what.endswith(f"run_type: {run_type}")
    assert "hygge go --from" in str(failed.hint)
    (made,) = plan(tmp_path, files, backfill=("1", None)).flows
    assert made.settings.run_type is RunType.BACKFILL


def test_two_run_types_at_once_are_refused(tmp_path: Path) -> None:
    files = {"flows/f/flow.yml": WRITTEN}
    asked = {"backfill": ("1", None), "run_type": RunType.FULL_DROP}
    assert "run type of its own" in refused(tmp_path, files, **asked).what
