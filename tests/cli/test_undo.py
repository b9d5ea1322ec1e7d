"""`hygge undo`: what a run appended is taken back, or it is said why not."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.projects import landed, table
from tests.cli.shell import hygge, written

HEAD = "flows:\n  visits:\n    home: data/visits\n"
APPEND = "    run_type: incremental\n    watermark: id\n"
FILES = "    store: lake/visits\n"
SQLITE = "    store: {type: sqlite, path: shop.db, table: visits}\n    write: append\n"


def twice(folder: Path, store: str, how: str = APPEND) -> Path:
    """A workspace after two runs, of three rows and of two."""
    written(folder, {"hygge.yml": f"{HEAD}{store}{how}"})
    table(folder / "data/visits/1.parquet", 3)
    assert hygge(folder, "go").returncode == 0
    table(folder / "data/visits/2.parquet", 2, start=4)
    assert hygge(folder, "go").returncode == 0
    return folder


def rows(folder: Path) -> int:
    if not (folder / "shop.db").exists():
        return landed(folder / "lake" / "visits")
    with closing(sqlite3.connect(folder / "shop.db")) as db:
        return int(db.execute("select count(*) from visits").fetchone()[0])


def runs(folder: Path) -> list[dict[str, object]]:
    return [json.loads(x) for x in hygge(folder, "history", "--json").stdout.splitlines()]


@pytest.mark.parametrize("store", [FILES, SQLITE], ids=["files", "sqlite"])
def test_what_the_last_run_appended_is_taken_back_and_comes_again(
    tmp_path: Path, store: str
) -> None:
    twice(tmp_path, store)
    run = str(runs(tmp_path)[0]["coordinator_run_id"])
    done = hygge(tmp_path, "undo", run[:8])
    assert (done.returncode, done.stdout) == (0, "visits: took 2 rows back\n")
    assert rows(tmp_path) == 3
    newest = runs(tmp_path)[0]
    assert (newest["run_type"], newest["row_count"], newest["watermark"]) == ("undo", 2, "3")
    assert hygge(tmp_path, "go").returncode == 0
    assert rows(tmp_path) == 5
    assert hygge(tmp_path, "undo", "last").returncode == 0
    assert rows(tmp_path) == 3


def test_only_the_last_load_is_taken_back(tmp_path: Path) -> None:
    twice(tmp_path, FILES)
    first = str(runs(tmp_path)[1]["coordinator_run_id"])
    done = hygge(tmp_path, "undo", first)
    assert done.returncode == 1
    assert "another load came since" in done.stderr
    assert rows(tmp_path) == 5


def test_the_load_that_began_a_table_stays(tmp_path: Path) -> None:
    twice(tmp_path, FILES)
    hygge(tmp_path, "undo", "last")
    first = str(runs(tmp_path)[2]["coordinator_run_id"])
    done = hygge(tmp_path, "undo", first)
    assert done.returncode == 2
    assert "this load began the table" in done.stderr
    assert rows(tmp_path) == 3


def test_a_full_load_is_not_taken_back(tmp_path: Path) -> None:
    twice(tmp_path, FILES, "")
    done = hygge(tmp_path, "undo", "last")
    assert done.returncode == 2
    assert "this load replaced the table" in done.stderr
    assert "try: load everything anew" in done.stderr
    assert rows(tmp_path) == 5


def test_rows_that_cannot_be_told_apart_stay(tmp_path: Path) -> None:
    twice(tmp_path, SQLITE)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as db:
        db.execute("insert into visits values (5, 'by hand')")
        db.commit()
    done = hygge(tmp_path, "undo", "last")
    assert done.returncode == 1
    assert "3 rows lie where this load put 2" in done.stderr
    assert rows(tmp_path) == 6


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ("abc", "'abc' is too short for a run's id"),
        ("zzzzzz", "no run zzzzzz is remembered"),
        ("last", "no run last is remembered"),
    ],
)
def test_a_run_that_is_not_known(tmp_path: Path, run: str, told: str) -> None:
    written(tmp_path, {"hygge.yml": f"{HEAD}{FILES}"})
    done = hygge(tmp_path, "undo", run)
    assert done.returncode == 2
    assert told in done.stderr
