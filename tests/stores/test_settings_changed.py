"""A folder of files whose settings, or whose record, are not what they were: no row is hidden."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hygge.core.errors import StoreError
from hygge.core.home import HomeConfig, ReadRequest
from hygge.core.partition import WHOLE
from hygge.flow.factory import FlowFactory, NoConnections, home_of, store_of
from hygge.flow.report import FlowReport
from hygge.flow.settings import FlowSettings
from hygge.homes.files import FileHome
from hygge.journal.memory import MemoryJournal
from hygge.stores.file_config import FileStoreConfig
from hygge.stores.files import ParquetStore
from hygge.testing.faulty_store import FaultyStore

INCREMENTAL: dict[str, Any] = {"run_type": "incremental", "watermark": "id"}
FULL = pytest.mark.parametrize("settings", [{}, INCREMENTAL], ids=["full_drop", "incremental"])


class Table:
    """Parquet files on their way into a folder whose settings change from run to run."""

    def __init__(self, tmp: Path) -> None:
        self.source, self.folder, self.own = tmp / "from", tmp / "lake" / "t", tmp / "lake/_hygge"
        self.source.mkdir()
        self.journal = MemoryJournal()

    def give(self, name: str, **columns: list[Any]) -> None:
        pl.DataFrame(columns).write_parquet(self.source / f"{name}.parquet")

    def run(self, settings: dict[str, Any], trigger: Any = None, **store: Any) -> FlowReport:
        config = FileStoreConfig.create({"type": "parquet", "path": str(self.folder), **store})
        home = {"type": "parquet", "path": str(self.source), "partition_mb": 0.000_1}
        flow = FlowFactory.build(
            "t", HomeConfig.create(home), config, FlowSettings(**settings), self.journal
        )
        if trigger is not None:
            flow = type(flow)(
                "t",
                home_of(HomeConfig.create(home), NoConnections()),
                FaultyStore(store_of(config, NoConnections()), trigger),
                self.journal,
                FlowSettings(**settings),
            )
        return asyncio.run(flow.run())

    def ids(self, form: str = "parquet", **options: Any) -> list[int]:
        """The ids that a reader of the folder sees."""
        config = HomeConfig.create({"type": form, "path": str(self.folder), **options})
        home = home_of(config, NoConnections())
        assert isinstance(home, FileHome)
        batches = home.batches(ReadRequest(), WHOLE)
        return sorted(value for batch in batches for value in batch["id"].to_list())


@pytest.fixture
def table(tmp_path: Path) -> Table:
    made = Table(tmp_path)
    made.give("a", id=[1, 2, 3])
    return made


@FULL
def test_a_name_that_a_stranger_has_is_not_taken(table: Table, settings: dict[str, Any]) -> None:
    pattern = "{flow}-{sequence}"
    assert table.run({}, file_pattern=pattern).rows == 3
    shutil.rmtree(table.own)  # the files count as strangers now
    assert table.run(settings, file_pattern=pattern, adopt=True).rows == 3
    assert table.ids() == ([1, 1, 2, 2, 3, 3] if settings else [1, 2, 3])


@pytest.mark.parametrize(("was", "now"), [("versioned", "folder"), ("folder", "versioned")])
def test_a_full_load_may_change_the_layout(table: Table, was: str, now: str) -> None:
    table.run({}, layout=was)
    table.give("b", id=[4])
    for _ in range(2):
        assert table.run({}, layout=now).rows == 4
        assert table.ids() == [1, 2, 3, 4]
    assert (table.folder / "_current.json").exists() == (now == "versioned")


@pytest.mark.parametrize(("was", "now"), [("versioned", "folder"), ("folder", "versioned")])
def test_an_append_in_another_layout_is_refused(table: Table, was: str, now: str) -> None:
    table.run(INCREMENTAL, layout=was)
    table.give("b", id=[4])
    error = table.run(INCREMENTAL, layout=now).error
    assert isinstance(error, StoreError)
    assert f"layout {was}" in str(error)
    assert table.ids() == [1, 2, 3]
    assert table.run(INCREMENTAL, layout=was).rows == 1
    assert table.ids() == [1, 2, 3, 4]


@pytest.mark.parametrize("layout", ["versioned", "folder"])
def test_a_pointer_hides_nothing_that_is_adopted(table: Table, layout: str) -> None:
    table.run(INCREMENTAL, layout="versioned")
    shutil.rmtree(table.own)
    assert isinstance(table.run(INCREMENTAL, layout=layout, adopt=True).error, StoreError)
    assert table.ids() == [1, 2, 3]


def test_an_append_in_another_format_is_refused(table: Table) -> None:
    table.run(INCREMENTAL)
    table.give("b", id=[4])
    error = table.run(INCREMENTAL, type="csv").error
    assert isinstance(error, StoreError)
    assert "are parquet" in str(error)
    assert table.ids() == [1, 2, 3]


def test_an_append_with_another_delimiter_is_refused(table: Table) -> None:
    table.run(INCREMENTAL, type="csv")
    table.give("b", id=[4])
    assert isinstance(table.run(INCREMENTAL, type="csv", delimiter=";").error, StoreError)
    assert table.run(INCREMENTAL, type="csv", schema={"id": "int64"}).rows == 1
    assert table.ids("csv") == [1, 2, 3, 4]


def test_what_was_staged_with_another_delimiter_is_not_kept(table: Table) -> None:
    table.give("a", id=[1], word=["x;y"])
    table.give("b", id=[2], word=["u;v"])
    finished = 0

    def fail_at_the_second(what: str) -> None:
        nonlocal finished
        if what == "write" and finished:
            raise StoreError("no more")
        finished += what == "finish"

    assert table.run({}, fail_at_the_second, type="csv").error is not None
    assert table.run({}, type="csv", delimiter=";").rows == 2
    assert table.ids("csv", delimiter=";") == [1, 2]


def test_a_column_that_was_away_comes_back_with_its_type_only(table: Table) -> None:
    table.give("a", id=[1], more=[1])
    table.run(INCREMENTAL)
    table.give("a", id=[2])
    assert table.run(INCREMENTAL).rows == 1
    table.give("a", id=[3], more=["text"])
    error = table.run(INCREMENTAL).error
    assert error is not None
    assert "int64 → string" in str(error)
    table.give("a", id=[3], more=[3])
    assert table.run(INCREMENTAL).rows == 1
    assert table.ids() == [1, 2, 3]


def test_a_name_that_no_disk_takes_is_refused_before_a_row_is_staged(table: Table) -> None:
    for pattern in ("{flow:_>9}{sequence}", "{flow}" * 300 + "{sequence}"):
        assert table.run({}, file_pattern=pattern).error is not None
    assert not table.folder.exists()
    assert table.run({}).rows == 3


@FULL
def test_a_link_to_the_folder_is_refused(table: Table, settings: dict[str, Any]) -> None:
    """Its record would lie beside the link, and two records would give two files one name."""
    table.run(settings)
    link = table.source.parent / "link"
    link.symlink_to(table.folder)
    error = table.run(settings, path=str(link)).error
    assert isinstance(error, StoreError)
    assert f"is a link to {table.folder.resolve()}" in str(error)
    with pytest.raises(StoreError, match="is a link to"):
        asyncio.run(ParquetStore(str(link)).check())
    assert table.ids() == [1, 2, 3]


def test_a_folder_behind_a_link_is_one_table(table: Table) -> None:
    table.run(INCREMENTAL)
    link = table.source.parent / "link"
    link.symlink_to(table.folder.parent)
    table.give("b", id=[4])
    assert table.run(INCREMENTAL, path=str(link / "t")).rows == 1
    assert table.ids() == [1, 2, 3, 4]
