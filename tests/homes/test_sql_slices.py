"""Tables read by many statements, each open for a short time: every row once, as of one moment.

The clock is the test's: by its hands, each statement's time is up after its first batch.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from tests.flow.stage import Stage
from tests.homes.test_sql_parts import Place as FourPlaces
from tests.homes.test_sql_parts import literal
from tests.rigs import mssql
from tests.servers import postgres

from hygge.core.errors import ConfigError, ConnectionFailed, HomeError, SourceChanged
from hygge.core.home import ReadRequest
from hygge.core.schema import Column
from hygge.core.watermark import Watermark
from hygge.databases.database import Field, Session
from hygge.databases.mssql_ranges import MssqlRanges
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
                        told.between()
                        yield rows

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


@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_several_columns(kind: str, tmp_path: Path, batches: Batches) -> None:
    """Texts in the order that the server has for them, and numbers of both signs."""
    words = ["b", "B", "a", "zz", "ß", "ä", "A b", "", "_", "'"]
    text = {
        "mysql": "varchar(9) character set utf8mb4 collate utf8mb4_bin",
        "mssql": "nvarchar(9) collate Latin1_General_100_BIN2",
    }.get(kind, "varchar(9)")
    place = Place(kind, tmp_path)
    rows = [[str(a), literal(b), str(c)] for a in (-1, 0, 3) for b in words for c in (-2, -10, 9)]
    if kind == "mssql":
        rows = [[a, f"N{b}", c] for a, b, c in rows]
    keyed = f"a integer not null, b {text} not null, c integer not null, primary key (a, b, c)"
    place.make(keyed, rows)
    home = place.sliced()
    batches.of(home)
    assert sorted(read(home)) == list(range(len(rows)))
    assert len(batches.statements) > len(rows) // ROWS


LOOSE = {
    "postgres": "text",
    "mysql": "varchar(9) character set utf8mb4 collate utf8mb4_general_ci",
    "sqlite": "text collate nocase",
    "duckdb": "varchar collate nocase",
    "mssql": "nvarchar(9)",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_for_a_key(kind: str, tmp_path: Path, batches: Batches) -> None:
    """In a column that takes small letters and capitals for one, where there are such."""
    place = Place(kind, tmp_path)
    words = [*"aBcDeFgHiJkLmNoPqRsTuVwXyZ", "ä'", "%s", "-1", "09", "漢", "a b"]
    prefix = "N" if kind == "mssql" else ""
    place.make(
        f"k {LOOSE[kind]} not null primary key", [[prefix + literal(word)] for word in words]
    )
    home = place.sliced()
    batches.of(home)
    assert sorted(read(home)) == list(range(len(words)))


@pytest.mark.parametrize(
    ("kind", "index"),
    [
        ("postgres", 'create unique index {0}_u on {0} (k collate "C")'),
        ("duckdb", None),
    ],
)
def test_an_index_that_knows_more_keys_than_the_column(
    kind: str, index: str | None, tmp_path: Path, batches: Batches
) -> None:
    """`a` and `A` are two to the index, and one to the column: none is to be passed by."""
    place = made(kind, tmp_path)
    loose = "text collate loose" if kind == "postgres" else "varchar collate nocase"
    key = "" if index else " primary key"
    words = [letter for pair in zip("abcdefgh", "ABCDEFGH", strict=True) for letter in pair]
    place.make(f"k {loose} not null{key}", [[literal(word)] for word in words])
    home = place.sliced()
    batches.of(home)
    if index:
        place.do(index.format(place.table))
        with pytest.raises(ConfigError, match="no key"):
            asyncio.run(home.schema())
    else:
        assert sorted(read(home)) == list(range(len(words)))


def made(kind: str, tmp: Path) -> Place:
    if kind == "postgres":
        with psycopg.connect(postgres.url(), autocommit=True) as db:
            db.execute(
                "create collation if not exists loose "
                "(provider = icu, locale = 'und-u-ks-level1', deterministic = false)"
            )
    return Place(kind, tmp)


@pytest.mark.parametrize("parts", [None, 1, 3])
def test_a_column_that_is_neither_unique_nor_required(
    place: Place, parts: int | None, batches: Batches
) -> None:
    """Rows without a value in it come by the key; the others by both."""
    values = [None, -1, 0, 0, 5, None, 5, 5, 5, 9]
    rows = [["null" if v is None else str(v), str(n)] for n, v in enumerate(values * 8)]
    place.make("c integer null, k integer not null primary key", rows)
    more = {} if parts is None else {"partitions": parts}
    home = place.sliced(partition_by="c", **more)
    batches.of(home)
    if parts is None and place.kind != "postgres":
        home = place.sliced(partition_by="c", partitions=1)
    assert sorted(read(home)) == list(range(len(rows)))
    assert sum(" is null" in sql and " is not null" not in sql for sql in batches.statements) > 1


def test_an_empty_table(place: Place, batches: Batches) -> None:
    place.make("k integer not null primary key", [])
    home = place.sliced()
    batches.of(home)
    assert read(home) == []
    assert len(batches.statements) == 1


def test_a_unique_index_will_do(place: Place, batches: Batches) -> None:
    """Where none of its columns may be NULL."""
    place.make("k integer not null, unique (k)", [[str(-n)] for n in range(20)])
    home = place.sliced()
    batches.of(home)
    assert sorted(read(home)) == list(range(20))
    assert len(batches.statements) == 20 // ROWS + 2


def test_windows_and_conditions(place: Place, batches: Batches) -> None:
    home = hundred(place, partitions=3)
    batches.of(home)
    low = Watermark("n", "int32", 10, closed=True)
    bound = Watermark("n", "int32", 90, closed=False)
    asked = ReadRequest(("k",), f"{place.table}.n % 2 = 0 -- even", low, bound)
    found = asyncio.run(by_partition(home, asked))
    assert len(found) == 3
    seen = [row[0] for rows in found.values() for row in rows]
    assert sorted(seen) == [10 * n - 300 for n in range(10, 90, 2)]
    assert len(batches.statements) > 5


def test_a_column_that_is_not_read_may_be_the_key(place: Place, batches: Batches) -> None:
    home = hundred(place)
    batches.of(home)
    found = asyncio.run(gathered(home, ReadRequest(columns=("n",))))
    assert {tuple(frame.columns) for frame in found} == {("n",)}


# -- as of one moment ----------------------------------------------------------------------


MOVES = (
    "delete from T where n >= 90",
    "update T set k = k + 5000 where n < 20",
    "insert into T values (100, 5), (101, 455), (102, 9999)",
)


def test_what_others_write_meanwhile_is_not_seen(place: Place, batches: Batches) -> None:
    home = hundred(place)
    batches.of(home)
    moves = iter(MOVES)

    def move() -> None:
        if (sql := next(moves, None)) is not None:
            place.do(sql)

    batches.between = move
    assert read(home) == list(range(100))
    batches.between = lambda: None
    assert sorted(read(home)) == [n for n in range(103) if not 90 <= n < 100]


def test_what_partitions_show_is_of_one_moment_too(place: Place, batches: Batches) -> None:
    home = hundred(place, partitions=3)
    batches.of(home)
    moves = iter(MOVES)

    async def story() -> list[int]:
        found = list[int]()
        async with home.reading(N) as parts:
            assert len(parts) == 3
            for part in parts:
                for sql in moves:
                    await asyncio.to_thread(place.do, sql)
                found += [row[0] for row in rows_of(await gathered(home, N, part))]
        return found

    assert sorted(asyncio.run(story())) == list(range(100))


def test_where_no_moment_can_be_held_it_is_told(tmp_path: Path, batches: Batches) -> None:
    place = Place("mssql", tmp_path, snapshots=False)
    home = hundred(place)
    batches.of(home)
    (note,) = asyncio.run(home.schema()).notes
    assert "allow_snapshot_isolation" in note
    assert read(home) == list(range(100))


def test_a_server_that_ends_the_transaction_is_noticed(tmp_path: Path, batches: Batches) -> None:
    """What came after would be of another moment."""
    place = Place("mssql", tmp_path)
    home = hundred(place)
    batches.of(home)
    give_up = Slices._give_up

    def and_end(self: Slices, session: Session, rows: Any) -> None:
        give_up(self, session, rows)
        session.change("rollback")

    batches.patch.setattr(Slices, "_give_up", and_end)
    with pytest.raises(SourceChanged):
        read(home)


# -- refused, late, stopped ----------------------------------------------------------------


def test_a_table_without_a_key_is_refused(place: Place) -> None:
    place.make("k integer null", [["1"], ["2"]])
    for more in ({}, {"partition_by": "k"}):
        with pytest.raises(ConfigError, match="no key"):
            asyncio.run(place.sliced(**more).schema())


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        *(("postgres", "double precision"), ("mysql", "double"), ("duckdb", "double")),
        *(("mssql", "varchar(9)"), ("sqlite", "double")),
    ],
)
def test_a_key_without_a_sure_order_is_refused(kind: str, column: str, tmp_path: Path) -> None:
    place = Place(kind, tmp_path)
    place.make(f"k {column} not null primary key", [])
    with pytest.raises(ConfigError, match="order") as refused:
        asyncio.run(place.sliced().schema())
    assert refused.value.where["column"] == "k"


def test_a_query_is_refused(place: Place) -> None:
    with pytest.raises(ConfigError, match="query"):
        place.sliced(table=None, query="select 1 as k")


def test_no_row_in_time(tmp_path: Path) -> None:
    """The server is at the first row for ever, and is stopped."""
    place = Place("postgres", tmp_path)
    place.make("k integer not null primary key", [["1"]])
    home = place.home(max_statement_seconds=0.1)
    asked = ReadRequest(columns=("n",), where="pg_sleep(600) is null")
    with no_thread_left(), pytest.raises(HomeError, match="not one row") as late:
        read(home, asked)
    assert "index on" in str(late.value.hint)


def test_no_row_in_time_anywhere(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer is the test's: the time is up before the statement is sent."""
    home = hundred(place)
    monkeypatch.setattr(sql_slices, "_timer", Sooner)
    with pytest.raises(HomeError, match="not one row"):
        read(home)


class Sooner:
    def __init__(self, seconds: float, call: Callable[[], None]) -> None:
        self.call, self.daemon = call, False

    def start(self) -> None:
        self.call()

    def cancel(self) -> None:
        """It was too late for that."""


def test_a_reading_is_stopped_between_two_statements(place: Place, batches: Batches) -> None:
    home = hundred(place)
    batches.of(home)

    async def everything(rows: AsyncGenerator[pl.DataFrame, None]) -> None:
        async for _ in rows:
            pass

    async def story() -> None:
        rows, loop = home.read(N), asyncio.get_running_loop()
        await anext(rows)
        rest = asyncio.create_task(everything(rows))

        def stop() -> None:
            loop.call_soon_threadsafe(rest.cancel)

        batches.between = stop
        with pytest.raises(asyncio.CancelledError):
            await rest
        await rows.aclose()

    with no_thread_left():
        asyncio.run(story())
    batches.between = lambda: None
    assert read(home) == list(range(100))


def test_a_load_that_broke_off_is_tried_again(
    place: Place, tmp_path: Path, batches: Batches
) -> None:
    home, stage = hundred(place), Stage(tmp_path)
    batches.of(home)
    broken = list[bool]()

    def once() -> None:
        if len(batches.statements) == 3 and not broken:
            broken.append(True)
            raise ConnectionFailed("the line is dead")

    batches.between = once
    stage.done(stage.flow(home))
    assert broken
    assert sorted(row[0] for row in stage.rows) == list(range(100))
    assert not stage.leftovers


def test_one_holds_the_moment_and_one_reads(tmp_path: Path) -> None:
    home = hundred(Place("postgres", tmp_path))
    (need,) = home.needs(1).values()
    assert need.least == 2


def test_an_interrupted_statement_that_ends_quietly_is_not_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver may take a cancel for the end of the rows."""
    home = hundred(Place("sqlite", tmp_path))
    monkeypatch.setattr(sql_slices, "_timer", Sooner)
    with closing(home.database.connect()) as session:
        monkeypatch.setattr(type(session), "batches", lambda *_: (row for row in list[Any]()))
    with pytest.raises(HomeError, match="not one row"):
        read(home)


@pytest.mark.parametrize("told", ["a\\\nb", "a\\\r\nb"])
def test_a_literal_that_tsql_reads_otherwise_is_not_written(told: str) -> None:
    field = Field(Column("k", pl.String(), False), "nvarchar(20)", "[k]")
    ranges: Any = MssqlRanges(None)  # type: ignore[arg-type]
    assert ranges.cut(field, "[k]").written(told) is None
    assert ranges.cut(field, "[k]").written("a\\b") == "N'a\\b'"
