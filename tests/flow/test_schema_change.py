"""The source's columns are not those of the last load: let them change, freeze them, or fail."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.flow.stage import INCREMENTAL, Stage
from tests.rigs.files import ParquetFolderRig
from tests.rigs.memory import MemoryStoreRig
from tests.rigs.sqlite import SqliteStoreRig

from hygge.core.errors import FlowError
from hygge.core.events import Notice
from hygge.core.types import parse_type
from hygge.flow.report import FlowReport
from hygge.testing.harness import StoreRig, people

FULL: dict[str, Any] = {"run_type": "full_drop"}
NEW = people(3, 2).with_columns(extra=pl.lit("x"))


def columns(stage: Stage) -> list[str]:
    schema = asyncio.run(stage.target.store().schema())
    assert schema is not None
    return list(schema.names)


def notices(stage: Stage) -> str:
    return "\n".join(notice.text for notice in stage.told(Notice))


@pytest.mark.parametrize("settings", [INCREMENTAL, FULL])
def test_evolve_takes_a_new_column(stage: Stage, settings: dict[str, Any]) -> None:
    stage.give(people(0, 3))
    stage.done(**settings)
    stage.give(people(0, 3).with_columns(extra=pl.lit(None, pl.String())), NEW)
    stage.done(**settings)
    assert columns(stage) == ["id", "word", "born", "seen", "extra"]
    assert "+ extra string" in notices(stage)


@pytest.mark.parametrize("settings", [INCREMENTAL, FULL])
def test_freeze_leaves_it_out_night_after_night(stage: Stage, settings: dict[str, Any]) -> None:
    stage.give(people(0, 3))
    stage.done(**settings, on_schema_change="freeze")
    stage.give(people(0, 3).with_columns(extra=pl.lit(None, pl.String())), NEW)
    for _ in range(2):
        stage.done(**settings, on_schema_change="freeze")
        assert columns(stage) == ["id", "word", "born", "seen"]
        assert "left out, for the columns are frozen: extra" in notices(stage)
    assert [row[0] for row in stage.rows] == [0, 1, 2, 3, 4]


def test_freeze_with_other_names(stage: Stage) -> None:
    polish = {"columns": {"case": "upper"}, "constants": [{"name": "origin", "value": "here"}]}
    more: dict[str, Any] = {"on_schema_change": "freeze", "polish": polish}
    stage.give(people(0, 3))
    stage.done(**FULL, **more)
    stage.give(NEW)
    stage.done(**FULL, **more)
    assert columns(stage) == ["ID", "WORD", "BORN", "SEEN", "origin"]
    assert [(row[0], row[-1]) for row in stage.rows] == [(3, "here"), (4, "here")]


@pytest.mark.parametrize("settings", [INCREMENTAL, FULL])
@pytest.mark.parametrize("policy", ["fail", {"columns": {"extra": "fail"}}])
def test_fail_stops_and_loses_nothing(
    stage: Stage, settings: dict[str, Any], policy: object
) -> None:
    stage.give(people(0, 3))
    stage.done(**settings, on_schema_change=policy)
    before = stage.rows
    stage.give(NEW)
    report = stage.run(**settings, on_schema_change=policy)
    assert isinstance(report.error, FlowError)
    assert "+ extra string" in str(report.error)
    assert "on_schema_change: evolve" in str(report.error.hint)
    assert stage.rows == before
    assert not stage.leftovers


def test_one_column_may_be_frozen_while_others_evolve(stage: Stage) -> None:
    policy = {"columns": {"extra": "freeze"}}
    stage.give(people(0, 3))
    stage.done(**FULL, on_schema_change=policy)
    stage.give(NEW.with_columns(other=pl.lit(1)))
    stage.done(**FULL, on_schema_change=policy)
    assert columns(stage) == ["id", "word", "born", "seen", "other"]


def test_a_frozen_column_that_goes_is_null_in_an_append_and_refused_in_a_full_load(
    stage: Stage,
) -> None:
    stage.give(people(0, 2))
    stage.done(**INCREMENTAL)
    stage.give(people(0, 2).drop("word"), people(2, 1).drop("word"))
    stage.done(**INCREMENTAL, on_schema_change="freeze")
    assert columns(stage) == ["id", "word", "born", "seen"]
    report = stage.run(**FULL, on_schema_change="freeze")
    assert "frozen, and one changed: - word" in str(report.error)


def test_what_looks_like_another_name_is_asked(stage: Stage) -> None:
    stage.give(people(0, 2))
    stage.done(**FULL)
    stage.give(people(0, 2).rename({"word": "text"}))
    report = stage.run(**FULL, on_schema_change="fail")
    assert "was word (string) renamed to text?" in str(report.error)
    stage.done(**FULL)
    assert "was word (string) renamed to text?" in notices(stage)


def scored(start: int, score: list[object], kind: str) -> pl.DataFrame:
    return people(start, len(score)).with_columns(score=pl.Series(score, dtype=parse_type(kind)))


def test_a_column_becomes_wider_and_the_run_says_so(stage: Stage) -> None:
    stage.give(scored(0, [1, None], "int16"))
    stage.done(**INCREMENTAL)
    stage.give(scored(0, [1, None], "int64"), scored(2, [2**40], "int64"))
    report = stage.done(**INCREMENTAL)
    told = ["column changed since the last load: * score int16 → int64"]
    told.append("score: the table's column becomes int64")
    assert report.notes == told
    assert report.run.message == "\n".join(told)
    assert "becomes int64" in notices(stage)
    assert [row[-1] for row in stage.rows] == [1, None, 2**40]
    stage.give(scored(0, [1, None], "int8"), scored(2, [7], "int8"), scored(3, [8], "int8"))
    report = stage.done(**INCREMENTAL)
    assert "score: int8 arrives, and the table keeps int64" in report.notes
    assert [row[-1] for row in stage.rows] == [1, None, 2**40, 8]
    schema = asyncio.run(stage.target.store().schema())
    assert schema is not None
    assert schema["score"].type == pl.Int64()


LOSSY = [
    ("int64", "float64"),
    ("float64", "int64"),
    ("int64", "float32"),
    ("uint64", "int64"),
    ("int64", "uint64"),
    ("decimal(10, 2)", "decimal(10, 4)"),
    ("decimal(10, 4)", "decimal(12, 2)"),
    ("decimal(10, 2)", "float64"),
    ("int64", "decimal(18, 0)"),
    ("string", "int64"),
    ("int64", "string"),
    ("bool", "int8"),
    ("int8", "bool"),
    ("date", "datetime(us)"),
    ("datetime(us)", "date"),
    ("datetime(us)", "datetime(us, UTC)"),
]


@pytest.mark.parametrize(("was", "now"), LOSSY, ids=lambda kind: kind)
def test_what_could_lose_values_is_refused_with_both_types(
    stage: Stage, was: str, now: str
) -> None:
    stage.give(scored(0, [None], was))
    stage.done(**INCREMENTAL)
    before = stage.rows
    stage.give(scored(0, [None], now), scored(1, [None], now))
    report = stage.run(**INCREMENTAL)
    assert isinstance(report.error, FlowError)
    assert f"values could be lost: score {was} → {now}" in str(report.error)
    assert "hygge go --full-drop" in str(report.error.hint)
    assert "`query`" in str(report.error.hint)
    assert stage.rows == before
    assert not stage.leftovers
    stage.done(**FULL)
    schema = asyncio.run(stage.target.store().schema())
    assert schema is not None
    assert schema["score"].type == parse_type(now)


def test_files_take_what_is_narrower_and_do_not_become_wider(stage: Stage, tmp_path: Path) -> None:
    rig = ParquetFolderRig(tmp_path)

    def night(frame: pl.DataFrame) -> FlowReport:
        stage.give(people(0, 1).with_columns(score=pl.lit(1).cast(frame["score"].dtype)), frame)
        return stage.run(stage.flow(store=rig.store(), **INCREMENTAL))

    night(scored(1, [1], "int32"))
    report = night(scored(2, [2], "int64"))
    told = "the column changed its type, and this store cannot change the table's column"
    assert f"{told}: score int32 → int64" in str(report.error)
    assert rig.files()
    report = night(scored(2, [2], "int8"))
    assert "score: int8 arrives, and the table keeps int32" in report.notes
    kinds = {pl.read_parquet_schema(file)["score"] for file in rig.files()}
    assert kinds == {pl.Int32()}


@pytest.mark.parametrize("kind", [MemoryStoreRig, ParquetFolderRig, SqliteStoreRig])
def test_a_column_that_is_gone_is_told_once_and_may_come_back(
    stage: Stage, tmp_path: Path, kind: type[StoreRig]
) -> None:
    rig = kind(tmp_path)

    def night(*frames: pl.DataFrame, policy: str = "evolve") -> Sequence[str]:
        stage.give(*frames)
        flow = stage.flow(store=rig.store(), **INCREMENTAL, on_schema_change=policy)
        return stage.done(flow).notes

    whole, less = people(0, 2), people(0, 4).drop("word")
    night(whole)
    assert "- word string" in str(night(less.head(3)))
    assert night(less, policy="fail") == []
    assert "+ word string" in str(night(people(0, 5)))
    assert night(people(0, 6), policy="fail") == []
    words = {row[0]: row[1] for row in rig.look() or []}
    assert words == {0: "old 0", 1: "old 1", 2: None, 3: None, 4: "old 4", 5: None}
