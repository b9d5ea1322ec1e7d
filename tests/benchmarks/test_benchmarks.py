"""The benchmark runs, and believes no contestant that lost or changed a row. Nothing is timed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl
import pytest
from benchmarks.data import BIG_TABLE, MANY_TABLES, ONE_GROUP, fingerprint, made
from benchmarks.landing import files_told
from benchmarks.measure import CommandFailed, Run, Spread, rounds, run
from benchmarks.running import WrongRows, compare

from benchmarks import parquet

TINY = BIG_TABLE.scaled(0.00002)


def test_every_job_runs_and_every_contestant_lands_the_same_rows(tmp_path: Path) -> None:
    assert parquet.main(["--quick", "--scale", "0.0002", "--cache", str(tmp_path)]) == 0

    results = json.loads(next((tmp_path / "results").glob("*.json")).read_text())
    assert sorted(results["jobs"]) == ["a", "b", "c", "d"]
    for job in results["jobs"].values():
        assert {"hygge", "bare Polars", "cp"} <= job["runs"].keys()
    assert not (tmp_path / "work").exists()


def test_a_data_set_is_the_same_whenever_it_is_made(tmp_path: Path) -> None:
    first, second = made(TINY, tmp_path / "one"), made(TINY, tmp_path / "two")

    assert fingerprint(TINY.paths(first)) == fingerprint(TINY.paths(second))
    assert fingerprint(TINY.paths(first))["rows"] == TINY.total


def test_one_file_stands_alone_and_several_make_a_folder(tmp_path: Path) -> None:
    assert TINY.paths(tmp_path)[1] == tmp_path / "table_000" / "1.parquet"
    assert MANY_TABLES.paths(tmp_path)[7] == tmp_path / "table_007.parquet"


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda rows: rows.slice(1), id="a row lost"),
        pytest.param(lambda rows: pl.concat([rows, rows.head(1)]), id="a row twice"),
        pytest.param(lambda rows: rows.with_columns(pl.lit("x").alias("name")), id="other values"),
        pytest.param(lambda rows: rows.cast({"kind": pl.Int64}), id="another type"),
    ],
)
def test_wrong_rows_are_found(tmp_path: Path, spoil: object) -> None:
    assert callable(spoil)
    dataset = ONE_GROUP.scaled(0.00002)
    files = dataset.paths(made(dataset, tmp_path))
    wanted = fingerprint(files)
    compare("it", files_told(files, None, whole=True), wanted)

    spoil(pl.read_parquet(files[0])).write_parquet(files[0])

    with pytest.raises(WrongRows, match="it: "):
        compare("it", files_told(files, None, whole=True), wanted)


def test_nothing_landed_is_wrong(tmp_path: Path) -> None:
    wanted = fingerprint(TINY.paths(made(TINY, tmp_path)))

    with pytest.raises(WrongRows, match="rows are 0"):
        compare("it", files_told([], None, whole=True), wanted)


def test_a_command_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('the disk is full')"]

    with pytest.raises(CommandFailed, match="the disk is full"):
        run(command, tmp_path, tmp_path)


def test_peak_memory_is_that_of_the_command_alone(tmp_path: Path) -> None:
    ballast = bytearray(100_000_000)
    small = run(["true"], tmp_path, tmp_path)
    big = run([sys.executable, "-c", "bytearray(b'x') * 60_000_000"], tmp_path, tmp_path)

    assert small.peak < 30_000_000 < len(ballast)
    assert big.peak > 60_000_000


def test_each_round_has_everyone_once_and_begins_with_another() -> None:
    order = []

    def one(name: str) -> Run:
        order.append(name)
        return Run(1, 1, 1, 0)

    runs = rounds(["a", "b"], 3, one)

    assert order == ["a", "b", "b", "a", "a", "b"]
    assert [len(of) for of in runs.values()] == [3, 3]
    assert Spread.of([3.0, 1.0, 9.0]) == Spread(3.0, 1.0, 9.0)


def test_who_takes_part_in_few_rounds_is_left_out_of_the_later_ones() -> None:
    runs = rounds(["a", "b"], 3, lambda name: Run(1, 1, 1, 0), {"b": 2})

    assert [len(of) for of in runs.values()] == [3, 2]
