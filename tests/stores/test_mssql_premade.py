"""Tables of SQL Server that others made, with texts and moments that are not as ours."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.faults.test_mssql import Named, Shop

from hygge.core.errors import DatabaseError, StoreError
from hygge.core.home import HomeConfig, ReadRequest
from hygge.core.watermark import Watermark
from hygge.databases.database import Table
from hygge.databases.mssql import Mssql
from hygge.databases.mssql_widening import widen
from hygge.databases.wider import Wider
from hygge.flow.factory import home_of
from hygge.testing.harness import gathered, rows_of

APPEND: dict[str, Any] = {"run_type": "incremental", "watermark": "n", "write": "append"}
WORDS: dict[str, Any] = {"run_type": "incremental", "watermark": "n", "keys": ["id"]}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def rows(*found: tuple[str, int]) -> pl.DataFrame:
    return pl.DataFrame(found, schema={"id": pl.String, "n": pl.Int64}, orient="row")


@pytest.mark.parametrize("kind", ["varchar(20)", "nvarchar(20)", "char(9)"])
def test_keys_of_other_types_are_found_again(shop: Shop, kind: str) -> None:
    """A letter has one byte there and two with us: lengths are counted in letters."""
    exact = "collate Latin1_General_100_BIN2"
    shop.ask(f"create table people (id {kind} {exact} not null, n bigint null)")
    for frame in (rows(("ab", 1), ("cd", 2)), rows(("cd", 3), ("ef", 4))):
        report = shop.run(frame, **WORDS)
        assert report.error is None, report.error
    found = shop.ask("select n, count(*) from people group by n order by n")
    assert found == [(1, 1), (3, 1), (4, 1)]


def test_keys_that_are_ordered_otherwise_are_told_of(shop: Shop) -> None:
    shop.ask("create table people (id varchar(20) not null, n bigint null)")
    report = shop.run(rows(("ab", 1)), **WORDS)
    assert isinstance(report.error, DatabaseError)
    assert "Latin1_General_100_BIN2" in str(report.error.hint)


@pytest.mark.parametrize("word", ["Ωmega", "日本", "naïve ☃"])
def test_a_text_that_a_code_page_has_not_is_refused(shop: Shop, word: str) -> None:
    """The server would put a question mark, or the nearest letter."""
    shop.ask("create table people (id varchar(20) collate Latin1_General_CI_AS null, n bigint)")
    report = shop.run(rows(("naïve", 1), (word, 2)), **APPEND)
    assert isinstance(report.error, StoreError)
    assert "would change values" in str(report.error)
    assert shop.rows() == []
    report = shop.run(rows(("naïve", 1)), **APPEND)
    assert report.error is None, report.error
    assert shop.rows() == [("naïve", 1)]


def test_a_column_that_becomes_another_keeps_its_collation(shop: Shop) -> None:
    """`alter column` gives the database's to one that is not told."""
    shop.ask("create table people (id nvarchar(9) collate Latin1_General_100_CS_AS not null)")
    text = pl.String()
    freed = Wider("id", text, text, "nvarchar(9)", None, freed=True)
    longer = Wider("id", text, text, "nvarchar(9)", "nvarchar(max)", freed=False)
    for column in (freed, longer):
        with closing(Mssql.build(shop.settings).connect()) as session:
            widen(session, Table("people"), [column])
        ((collation, null),) = shop.ask(
            "select collation_name, is_nullable from sys.columns "
            "where object_id = object_id('people')"
        )
        assert (collation, bool(null)) == ("Latin1_General_100_CS_AS", True)


@pytest.mark.parametrize("kind", ["datetime", "smalldatetime"])
def test_marks_of_coarse_moments_can_be_said(shop: Shop, kind: str) -> None:
    """A text of more digits than the type has cannot be cast to it."""
    shop.ask(f"create table seen (id bigint not null, at {kind} null)")
    shop.ask("insert into seen values (1, '2024-01-01T10:00:00'), (2, '2024-01-01T12:30:00')")
    place = {"type": "mssql", "connection": "db", "table": "seen"}
    home = home_of(HomeConfig.create(place), Named(type="mssql", **shop.settings))
    low = Watermark("at", "datetime(ms)", datetime(2024, 1, 1, 10, 0, 0, 123_000), closed=False)
    request = ReadRequest(schema=asyncio.run(home.schema()), low=low)
    assert [row[0] for row in rows_of(asyncio.run(gathered(home, request)))] == [2]
