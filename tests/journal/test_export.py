"""The history as a parquet file: typed, whole, or not there."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from pathlib import Path

import polars as pl
import pytest

from hygge.core.errors import JournalError
from hygge.core.journal import EntityRun, Status
from hygge.journal import export as module
from hygge.journal.export import export
from hygge.journal.sqlite import SqliteJournal
from hygge.testing.contracts.journal import run

TEXT, MOMENT = pl.String(), pl.Datetime("us", "UTC")
TYPES = dict.fromkeys(asdict(run("1")), TEXT) | {
    "start_time": MOMENT,
    "finish_time": MOMENT,
    "row_count": pl.Int64(),
    "duration": pl.Float64(),
    "schema_version": pl.Int64(),
}
RUNS = [
    run("1"),
    replace(run("2"), status=Status.FAIL, message="what\n  try: this", row_count=0),
    replace(run("3", "users", "orders"), watermark_column="id", watermark="7", primary_key="id"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    async def story() -> None:
        async with SqliteJournal(tmp_path / "journal.db") as journal:
            for one in RUNS:
                await journal.record(one)

    asyncio.run(story())
    return tmp_path / "journal.db"


def rows(target: Path) -> list[EntityRun]:
    found = pl.read_parquet(target)
    return [EntityRun(**{**row, "status": Status(row["status"])}) for row in found.to_dicts()]


def test_every_run_is_written_with_its_types(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "history.parquet"
    assert export(path, target) == 3
    assert dict(pl.read_parquet_schema(target)) == TYPES
    assert rows(target) == RUNS


def test_many_runs_are_written_in_order(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHUNK", 2)
    assert export(path, tmp_path / "history.parquet") == 3
    assert rows(tmp_path / "history.parquet") == RUNS


def test_it_replaces_the_file_and_leaves_nothing_else(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "history.parquet").write_text("old")
    export(path, folder / "history.parquet")
    assert [file.name for file in folder.iterdir()] == ["history.parquet"]
    assert rows(folder / "history.parquet") == RUNS


def test_no_journal_is_no_runs_and_makes_none(tmp_path: Path) -> None:
    assert export(tmp_path / ".hygge" / "journal.db", tmp_path / "history.parquet") == 0
    assert dict(pl.read_parquet_schema(tmp_path / "history.parquet")) == TYPES
    assert [file.name for file in tmp_path.iterdir()] == ["history.parquet"]


def test_when_it_fails_the_old_file_stays(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "history.parquet").write_text("old")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(JournalError, match="damaged"):
        export(path, folder / "history.parquet")
    assert [file.name for file in folder.iterdir()] == ["history.parquet"]
    assert (folder / "history.parquet").read_text() == "old"


def test_a_target_that_cannot_be_is_told(path: Path, tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="folder") as told:
        export(path, tmp_path)
    assert "history.parquet" in str(told.value)
    for target in (tmp_path / "nowhere" / "a.parquet", path / "a.parquet"):
        with pytest.raises(JournalError, match="cannot be written") as told:
            export(path, target)
        assert str(target) in str(told.value)
