"""`hygge history`, `hygge journal export` and `hygge go --abandon`: what is remembered."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, fields, replace
from pathlib import Path

import polars as pl
import pyarrow.parquet
import pytest
from tests.cli.projects import landed, shop
from tests.cli.shell import everything, hygge, story, written
from tests.golden.compare import golden

from hygge.cli.history import table
from hygge.core.home import ReadRequest
from hygge.core.journal import EntityRun, Intent
from hygge.core.names import new_load_id
from hygge.core.schema import TableSchema
from hygge.core.store import LoadRequest, Mode
from hygge.journal.sqlite import SqliteJournal
from hygge.testing.contracts.journal import run

MISSING = "  missing: {home: data/none.parquet, store: lake/missing}\n"
COLUMNS = [field.name for field in fields(EntityRun)]


def ran(folder: Path) -> Path:
    """A workspace with three runs in its history, the newest one failed."""
    hygge(shop(folder, more=MISSING), "go", "--concurrency=1")  # one after the other
    return folder


def test_history_the_newest_first(tmp_path: Path) -> None:
    done = hygge(ran(tmp_path), "history")
    golden("cli/history.txt", story(done, tmp_path))
    assert [line.split()[3] for line in done.stdout.splitlines()[1:]] == [
        "missing",
        "shop.orders",
        "shop.users",
    ]


@pytest.mark.parametrize("width", [80, 90, 120])
def test_where_it_is_narrow_notes_and_names_are_cut_and_numbers_never(width: int) -> None:
    failed = replace(run("1", "shop", "orders_of_the_year"), message="no such file " * 9)
    runs = [failed, replace(run("2"), row_count=12_345_678)]
    header, *lines = table([asdict(one) for one in runs], width)
    assert max(map(len, (header, *lines))) <= width
    assert lines[0].endswith("…")
    assert ["1,099,511,627,776" in lines[0], "12,345,678" in lines[1]] == [True, True]
    assert all("  1.5 s" in line for line in lines)


def test_history_of_some(tmp_path: Path) -> None:
    ran(tmp_path)
    assert len(hygge(tmp_path, "history", "--limit", "1").stdout.splitlines()) == 2
    assert len(hygge(tmp_path, "history", "--flow", "shop").stdout.splitlines()) == 3
    one = hygge(tmp_path, "history", "--flow", "shop.users", "--json").stdout.splitlines()
    assert [json.loads(line)["entity"] for line in one] == ["users"]
    assert list(json.loads(one[0])) == COLUMNS
    none = hygge(tmp_path, "history", "--flow", "nobody")
    assert (none.returncode, none.stdout) == (0, "")
    assert none.stderr == "no run of nobody is remembered\n"


def test_history_and_debug_say_what_was_decided_about_columns(tmp_path: Path) -> None:
    def night(kind: type[pl.DataType], *ids: int) -> None:
        frame = pl.DataFrame({"id": ids, "score": pl.Series(ids, dtype=kind)})
        frame.write_parquet(tmp_path / "people.parquet")

    store = "{type: sqlite, path: shop.db, table: people}"
    more = f"home: people.parquet, store: {store}, run_type: incremental, watermark: id, keys: id"
    written(tmp_path, {"hygge.yml": f"flows: {{people: {{{more}}}}}\n"})
    night(pl.Int16, 1)
    assert hygge(tmp_path, "go").returncode == 0
    night(pl.Int64, 1, 2**40)
    told = ["* score int16 → int64", "score: the table's column becomes int64"]
    before = hygge(tmp_path, "debug").stdout
    done = hygge(tmp_path, "go")
    after = hygge(tmp_path, "history", "--limit=1").stdout
    for said in (before, done.stderr, after):
        assert [words for words in told if words not in said] == []
    assert hygge(tmp_path, "debug").stdout.count("score") == 0


def test_asking_for_history_makes_none(tmp_path: Path) -> None:
    shop(tmp_path)
    before = everything(tmp_path)
    done = hygge(tmp_path, "history")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "nothing has run here yet\n"
    assert everything(tmp_path) == before


def test_export_writes_every_run_the_oldest_first(tmp_path: Path) -> None:
    target = ran(tmp_path) / "history.parquet"
    done = hygge(tmp_path, "journal", "export", "history.parquet")
    assert (done.returncode, done.stdout) == (0, "3 runs written to history.parquet\n")
    found = pyarrow.parquet.ParquetFile(target).read()
    assert found.column_names == COLUMNS
    assert found["entity"].to_pylist() == ["users", "orders", "missing"]
    assert found["row_count"].to_pylist() == [3, 3, 0]
    assert not list(tmp_path.glob(".*.part"))


def test_export_of_nothing_has_the_same_columns(tmp_path: Path) -> None:
    done = hygge(shop(tmp_path), "journal", "export", "empty.parquet")
    assert done.returncode == 0
    schema = pl.read_parquet(tmp_path / "empty.parquet").schema
    assert list(schema) == COLUMNS
    assert schema["start_time"] == pl.Datetime("us", "UTC")


def test_export_replaces_only_when_told(tmp_path: Path) -> None:
    target = ran(tmp_path) / "history.parquet"
    target.write_text("mine")
    refused = hygge(tmp_path, "journal", "export", "history.parquet")
    assert refused.returncode == 1
    assert refused.stderr == (
        "error: history.parquet exists\n  try: another name, or --force to replace it\n"
    )
    assert target.read_text() == "mine"
    assert hygge(tmp_path, "journal", "export", "history.parquet", "--force").returncode == 0
    assert pl.read_parquet(target).height == 3


def test_export_writes_no_parquet_into_what_is_called_otherwise(tmp_path: Path) -> None:
    done = hygge(ran(tmp_path), "journal", "export", "history.csv")
    assert (done.returncode, done.stderr) == (
        2,
        "error: the history is written as parquet, not as .csv\n"
        "  try: hygge journal export history.parquet\n",
    )
    assert not (tmp_path / "history.csv").exists()


def test_export_says_where_it_cannot_write(tmp_path: Path) -> None:
    ran(tmp_path)
    for target in ("data", "nowhere/history.parquet"):
        done = hygge(tmp_path, "journal", "export", target)
        assert done.returncode == 1
        assert "  try: " in done.stderr
    assert "  try: mkdir -p nowhere\n" in done.stderr


def leave_unfinished(folder: Path) -> str:
    """A load of shop.users, begun and never finished, in a store that is no more."""
    load_id = new_load_id()
    schema = TableSchema.of(pl.Schema({"id": pl.Int64()}))
    load = LoadRequest(load_id, "shop.users", Mode.REPLACE, schema)
    intent = Intent(load, ReadRequest(), "s3://gone/users", "fingerprint")

    async def begin() -> None:
        async with SqliteJournal(folder / ".hygge" / "journal.db") as journal:
            lease = await journal.lease("shop.users", 60)
            await journal.begin(lease, intent)
            await journal.release(lease)

    asyncio.run(begin())
    return load_id


def test_a_load_of_a_store_that_is_no_more_can_be_abandoned(tmp_path: Path) -> None:
    load_id = leave_unfinished(shop(tmp_path))
    refused = hygge(tmp_path, "go", "--entity", "shop.users")
    assert refused.returncode == 1
    assert "left unfinished in another store: s3://gone/users" in refused.stdout
    assert f"hygge go --abandon {load_id}" in refused.stdout
    assert landed(tmp_path / "lake") == 0
    done = hygge(tmp_path, "go", "--abandon", load_id)
    assert done.returncode == 0, done.stderr
    assert f"forgot the unfinished load {load_id} of shop.users" in done.stderr
    assert landed(tmp_path / "lake") == 6


def test_only_what_is_unfinished_can_be_abandoned(tmp_path: Path) -> None:
    load_id = leave_unfinished(shop(tmp_path))
    done = hygge(tmp_path, "go", "--abandon", load_id, "--abandon", "nonsense")
    assert done.returncode == 2
    assert "there is no unfinished load nonsense" in done.stderr
    assert f"unfinished: {load_id} (shop.users)" in done.stderr
    assert not (tmp_path / "lake").exists()
    assert hygge(tmp_path, "go", "--abandon", load_id).returncode == 0, "it was not forgotten"
