"""The benchmark of databases runs, and tells which contestants are not to be believed."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from benchmarks.contestants import Contestant
from benchmarks.data import SQL_TABLE, Dataset, made
from benchmarks.jobs import Job
from benchmarks.running import WrongRows, measured

from benchmarks import report, sql

TINY = 0.0002


@pytest.mark.long
def test_databases_in_files_are_read_and_written_and_values_compared(tmp_path: Path) -> None:
    words = ["--quick", "--scale", str(TINY), "--no-peers", "--jobs", "efgh"]
    assert sql.main([*words, "--cache", str(tmp_path)]) == 0

    results = json.loads(next((tmp_path / "results").glob("*.json")).read_text())
    assert sorted(results["jobs"]) == ["e", "f", "g", "h"]
    assert results["jobs"]["h"]["runs"].keys() == {"hygge", "bare DuckDB"}


@pytest.mark.long
def test_servers_are_read_and_written_and_values_compared(tmp_path: Path) -> None:
    words = ["--quick", "--scale", str(TINY), "--no-peers", "--jobs", "abcdi"]
    assert sql.main([*words, "--cache", str(tmp_path)]) == 0


def _with(contestant: Contestant) -> Job:
    job = next(sql.jobs("g", None)).scaled(TINY)
    return replace(job, contestants=(*job.contestants, contestant))


def _spoilt(dataset: Dataset, source: Path, folder: Path) -> list[str]:
    rows = pl.read_parquet(dataset.paths(source)[0]).with_columns(amount=pl.col("amount") + 1)
    (folder / "spoilt.parquet").parent.mkdir(exist_ok=True)
    rows.write_parquet(folder / "spoilt.parquet")
    copy = "import pathlib; p = pathlib.Path('lake'); p.mkdir(); "
    return [sys.executable, "-c", copy + "pathlib.Path('spoilt.parquet').rename('lake/0.parquet')"]


def test_a_peer_with_other_values_is_told_and_not_timed(tmp_path: Path) -> None:
    result = measured(_with(Contestant("cheat", _spoilt, peer=True)), tmp_path)

    assert "cheat" not in result.runs
    note = next(line for line in report.lines(result) if "cheat" in line)
    assert "is not timed" in note
    assert "amount" in note


def test_a_peer_that_fails_is_told_in_its_own_words(tmp_path: Path) -> None:
    def broken(dataset: Dataset, source: Path, folder: Path) -> list[str]:
        return [sys.executable, "-c", "raise SystemExit('no such binary')"]

    result = measured(_with(Contestant("broken", broken, peer=True)), tmp_path)

    assert result.notes == ("broken is not timed: no such binary",)


def test_other_values_of_those_who_are_no_peers_end_the_benchmark(tmp_path: Path) -> None:
    with pytest.raises(WrongRows, match="amount"):
        measured(_with(Contestant("hygge?", _spoilt)), tmp_path)


def test_money_has_more_digits_than_a_float(tmp_path: Path) -> None:
    dataset = SQL_TABLE.scaled(TINY)
    money = pl.read_parquet(dataset.paths(made(dataset, tmp_path)))["amount"].drop_nulls()

    assert (money.cast(pl.Float64).cast(pl.Decimal(18, 4)) != money).any()
