"""Tables read by many statements, each open for a short time: every row once, as of one moment.

The clock is the test's: by its hands, each statement's time is up after its first batch.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.flow.stage import Stage
from tests.homes.test_sql_parts import Place as FourPlaces
from tests.homes.test_sql_parts import literal
from tests.rigs import mssql, mysql
from tests.servers import postgres

from hygge.core.errors import ConfigError, HomeError
from hygge.core.events import Notice
from hygge.core.home import ReadRequest
from hygge.core.watermark import Watermark
from hygge.databases.database import Field, Session
from hygge.homes import sql_slices
from hygge.homes.sql import SqlHome
from hygge.homes.sql_slices import Slices
from hygge.testing.contracts.home import by_partition
from hygge.testing.harness import gathered, no_thread_left, rows_of

KINDS = ("postgres", "mysql", "sqlite", "duckdb", "mssql")
ROWS = 7
"""Of a batch, and so of a statement."""


class Place(FourPlaces):
    """A table `t` of a database, with a number `n` in each row; SQL Server's, too."""

    def __init__(self, kind: str, tmp: Path, *, snapshots: bool = True) -> None:
        if kind != "mssql":
            super().__init__(kind, tmp)
            return
        self.kind, name = kind, f"slices_{secrets.token_hex(6)}"
        mssql.ask(f"create database {name}")
        if snapshots:
            mssql.ask(f"alter database {name} set allow_snapshot_isolation on")
        self.settings = {"type": kind, "table": "t", "connection": mssql.url(name)}
        self.table = "t"

    def sliced(self, **more: Any) -> SqlHome:
        return self.home(max_statement_seconds=5, **more)


class Batches:
    """Each batch has few rows, and is told of: the statement it came from, and how many there
    were."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch, self.statements = patch, list[str]()
        self.between: Callable[[], None] = lambda: None

    def of(self, home: SqlHome) -> None:
        with closing(home.database.connect()) as session:
            kind = type(session)
        plain, told = kind.batches, self

        def few(
            self: Session, sql: str, values: Sequence[Any], fields: Sequence[Field]
        ) -> Generator[pl.DataFrame, None, None]:
            told.statements.append(sql)
            with closing(plain(self, sql, values, fields)) as batches:
                for batch in batches:
                    for rows in batch.iter_slices(ROWS):
                        yield rows
                        told.between()

        self.patch.setattr(kind, "batches", few)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(request.param, tmp_path)


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> Batches:
    """And the time of each statement is up at once."""
    hours = iter(range(0, 10**9, 3600))
    monkeypatch.setattr(sql_slices, "_clock", lambda: next(hours))
    return Batches(monkeypatch)


N = ReadRequest(columns=("n",))
_TEN = " union all ".join(f"select {n} as d" for n in range(10))
TENS = " cross join ".join(f"({_TEN}) t{n}" for n in range(5))
DIGITS = " + ".join(f"{10**n} * t{n}.d" for n in range(5))
"""A hundred thousand numbers."""


def read(home: SqlHome, asked: ReadRequest = N) -> list[int]:
    found = asyncio.run(by_partition(home, asked))
    return [row[0] for rows in found.values() for row in rows]


def hundred(place: Place, **more: Any) -> SqlHome:
    place.make("k integer not null primary key", [[str(10 * n - 300)] for n in range(100)])
    return place.sliced(**more)


# -- every row once ------------------------------------------------------------------------


def test_each_batch_is_a_statement(place: Place, batches: Batches) -> None:
    home = hundred(place)
    batches.of(home)
    assert read(home) == list(range(100))
    assert len(batches.statements) == 100 // ROWS + 2
    assert len(set(batches.statements)) == len(batches.statements)


def test_a_statement_whose_time_is_not_up_reads_it_all(place: Place, monkeypatch: Any) -> None:
    told = Batches(monkeypatch)
    home = hundred(place)
    told.of(home)
    assert read(home) == list(range(100))
    assert len(told.statements) == 1


def test_what_is_on_its_way_is_given_up(
    place: Place, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More rows than a driver has at hand, in its own batches."""
    place.make("k integer not null primary key", [])
    place.do(f"insert into T select {DIGITS}, {DIGITS} from {TENS}")
    home, given_up = place.sliced(), list[bool]()
    plain = Slices._give_up

    def noted(self: Slices, session: Session, rows: Any) -> None:
        given_up.append(True)
        plain(self, session, rows)

    monkeypatch.setattr(Slices, "_give_up", noted)
    assert read(home) == list(range(100_000))
    assert given_up
