"""Tables read in ranges of a key: every row once, whatever the key, and whoever writes meanwhile.

The server alone orders and compares. Rows are told by a number of their own, which no range knows.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.flow.stage import Stage
from tests.rigs import mysql
from tests.servers import postgres

from hygge.core.errors import ConfigError, ConnectionFailed, HyggeError, SourceChanged
from hygge.core.events import PartitionsPlanned, PartReused
from hygge.core.home import HomeConfig, ReadRequest
from hygge.core.partition import WHOLE, Partition
from hygge.core.watermark import Watermark
from hygge.databases import mysql_ranges
from hygge.databases.database import Session
from hygge.flow.factory import NoConnections
from hygge.homes import sql_parts
from hygge.homes.sql import SqlHome
from hygge.homes.sql_config import SqlHomeConfig
from hygge.testing.contracts.home import by_partition
from hygge.testing.faulty_store import FaultyStore
from hygge.testing.harness import gathered, no_thread_left, rows_of

KINDS = ("postgres", "mysql", "sqlite", "duckdb")


class Place:
    """A table `t` of a database, with a number `n` in each row."""

    def __init__(self, kind: str, tmp: Path) -> None:
        self.kind = kind
        name = f"parts_{secrets.token_hex(6)}"
        self.settings: dict[str, Any] = {"type": kind, "table": "t"}
        if kind == "mysql":
            mysql.ask(None, f"create database {name}")
            self.settings["connection"] = mysql.url(name)
        elif kind == "postgres":
            self.settings["connection"] = postgres.url()
            self.settings["table"] = name
        else:
            self.settings["path"] = str(tmp / f"{name}.{kind}")
        self.table = str(self.settings["table"])

    def home(self, **more: Any) -> SqlHome:
        config = HomeConfig.create({**self.settings, **more})
        assert isinstance(config, SqlHomeConfig)
        return SqlHome.build(config, NoConnections())

    def session(self) -> Session:
        return self.home().database.connect(write=True)

    def do(self, *statements: str) -> None:
        with closing(self.session()) as session:
            for sql in statements:
                session.change(sql.replace(" T ", f" {self.table} "))

    def make(self, columns: str, rows: Sequence[Sequence[str]]) -> None:
        """Rows as SQL literals."""
        lines = [f"({n}, {', '.join(row)})" for n, row in enumerate(rows)]
        filled = [f"insert into T values {', '.join(lines)}"] if lines else []
        self.do("drop table if exists T ", f"create table T (n integer, {columns})", *filled)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(request.param, tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Place:
    return Place("postgres", tmp_path)


N = ReadRequest(columns=("n",))


def numbers(home: SqlHome, asked: ReadRequest = N) -> list[list[int]]:
    found = asyncio.run(by_partition(home, asked))
    return [[row[0] for row in rows] for rows in found.values()]


def flat(parts: Sequence[Sequence[int]]) -> list[int]:
    return sorted(n for part in parts for n in part)


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# -- every row once ------------------------------------------------------------------------

WORDS = st.text(
    st.sampled_from(
        [*"aAbBäÄzZßiİIéE \u0301_-%'\"09", "\u017f", "\u0131", "\U0001f375", "\u00a0", "漢"]
    ),
    max_size=4,
)
INTEGERS = st.integers(-(2**31), 2**31 - 1)
_UNICODE = ("bin", "general_ci", "unicode_520_ci", "nopad_bin", "swedish_ci")
COLLATIONS = {
    "postgres": [
        *("text", 'text collate "C"', "text collate loose", 'text collate "de-x-icu"'),
        *("varchar(9)", "character(9)"),
    ],
    "mysql": [
        *(f"varchar(9) character set utf8mb4 collate utf8mb4_{x}" for x in _UNICODE),
        "varbinary(40)",
    ],
    "sqlite": ["text", "text collate nocase", "text collate rtrim", "", "integer"],
    "duckdb": ["varchar", "varchar collate nocase", "varchar collate nocase.noaccent"],
}
OTHERS = {
    "postgres": ["integer", "bigint", "numeric", "numeric(12,2)"],
    "mysql": ["integer", "decimal(12,2)"],
    "sqlite": ["integer", "decimal(12,2)", ""],
    "duckdb": ["integer", "bigint", "decimal(12,2)"],
}
COLUMNS = [(kind, column) for kind in KINDS for column in COLLATIONS[kind]]
NUMBERS = [(kind, column) for kind in KINDS for column in OTHERS[kind]]
MANY = settings(
    max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def made(kind: str, tmp: Path) -> Place:
    if kind == "postgres":
        with psycopg.connect(postgres.url(), autocommit=True) as db:
            db.execute(
                "create collation if not exists loose "
                "(provider = icu, locale = 'und-u-ks-level1', deterministic = false)"
            )
    return Place(kind, tmp)


@pytest.mark.parametrize(("kind", "column"), COLUMNS)
def test_texts_as_the_server_orders_them(kind: str, column: str, tmp_path: Path) -> None:
    place = made(kind, tmp_path)

    @MANY
    @example(words=[*"bAaB_Z zäs", "ss", "ß", "é", "e\u0301", None] * 2, count=7)
    @given(words=st.lists(st.none() | WORDS, max_size=60), count=st.integers(2, 9))
    def story(words: list[str | None], count: int) -> None:
        place.make(f"k {column}", [["null" if w is None else literal(w)] for w in words])
        parts = numbers(place.home(partition_by="k", partitions=count))
        assert flat(parts) == list(range(len(words)))

    story()


@pytest.mark.parametrize(("kind", "column"), NUMBERS)
def test_numbers(kind: str, column: str, tmp_path: Path) -> None:
    place = made(kind, tmp_path)

    @MANY
    @example(values=[1, 9, 10, 100, 11, -2, -10, 20, 3, None] * 2)
    @given(values=st.lists(st.none() | INTEGERS | st.integers(0, 9), max_size=60))
    def story(values: list[int | None]) -> None:
        place.make(f"k {column}", [["null" if v is None else str(v)] for v in values])
        assert flat(numbers(place.home(partition_by="k", partitions=5))) == [*range(len(values))]

    story()


@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_several_columns(kind: str, tmp_path: Path) -> None:
    place = made(kind, tmp_path)
    word = COLLATIONS[kind][1]
    keys = st.tuples(st.integers(0, 2), WORDS, st.integers(0, 3))

    @MANY
    @example(rows=[(a, b, c) for a in (1, 0) for b in "bBa" for c in (2, 0, 1)], count=5)
    @given(rows=st.lists(keys, max_size=60), count=st.integers(2, 9))
    def story(rows: list[tuple[int, str, int]], count: int) -> None:
        place.make(
            f"a integer, b {word}, c integer",
            [[str(a), literal(b), str(c)] for a, b, c in rows],
        )
        home = place.home(partitions=count)
        with pytest.MonkeyPatch.context() as patch:  # rows that are the same in all but n
            patch.setattr(type(home.database), "connect", keyed(home, "a", "b", "c"))
            parts = numbers(home)
        assert flat(parts) == list(range(len(rows)))

    story()


def keyed(home: SqlHome, *names: str) -> Callable[..., Session]:
    """Sessions that take these columns for the key, though values come twice."""
    connect = type(home.database).connect

    def connected(self: Any, **more: Any) -> Session:
        session = connect(self, **more)
        session.keys = lambda table: names  # type: ignore[method-assign]
        return session

    return connected


@pytest.mark.parametrize(
    ("kind", "column", "values"),
    [
        ("postgres", "uuid", [f"'{n * 0x1F3D5B79:032x}'" for n in range(50)]),
        ("postgres", "bytea", [f"'\\x{n * 7919 % 256:02x}00ff'" for n in range(50)]),
        ("postgres", "date", ["'infinity'", "'-infinity'", "'0044-03-15 BC'", "'9999-12-31'"]),
        (
            "postgres",
            "timestamptz",
            [f"to_timestamp({n}00000)" for n in range(9)],
        ),
        ("postgres", "numeric", ["'NaN'", "1", "1.0", "1.00", "-1e100", "1e-100", "0"]),
        ("mysql", "timestamp(6) null", [f"from_unixtime({n}.5)" for n in range(1, 30)]),
        ("mysql", "date", ["'2024-01-01'", "'9999-12-31'", "'1000-01-01'", "null"]),
        ("mysql", "varchar(99) character set latin1", ["'é'", "'E'", "'ß'", "'ss'", "'z'"]),
        (
            "sqlite",
            "blob",
            ["1", "'1'", "2.5", "x'00'", "'a' || char(0)", "'a'", "null", "-3"],
        ),
        ("sqlite", "text", ["'1'", "1", "10", "9", "x'39'", "'a' || char(0)", "''"]),
        ("duckdb", "uuid", [f"'{n * 0x1F3D5B79:032x}'" for n in range(50)]),
        ("duckdb", "timestamptz", [f"to_timestamp({n * 86400})" for n in range(30)]),
        ("duckdb", "varchar", ["'a' || chr(0)", "'a'", "'b'", "'B'", "''"]),
    ],
)
def test_other_keys(kind: str, column: str, values: list[str], tmp_path: Path) -> None:
    place = Place(kind, tmp_path)
    place.make(f"k {column}", [[value] for value in values])
    parts = numbers(place.home(partition_by="k", partitions=4))
    assert flat(parts) == list(range(len(values)))
    assert len(parts) > 1


# -- one state for all ---------------------------------------------------------------------


def hundred(place: Place) -> SqlHome:
    """A table of a hundred keys, and its home, which reads it in four."""
    place.make("k integer primary key", [[str(10 * n)] for n in range(100)])
    return place.home(partitions=4)


MOVES = (
    "update T set k = k + 2000 where n < 40",  # from the first ranges to the last
    "update T set k = -k where n between 60 and 99",  # and back
    "delete from T where n between 40 and 49",
    "insert into T values (100, 5), (101, 455), (102, 9999)",
)


def test_rows_that_move_meanwhile_are_read_once(place: Place) -> None:
    home = hundred(place)

    async def story() -> None:
        async with home.reading(N) as parts:
            assert len(parts) == 4
            found = rows_of(await gathered(home, N, parts[0]))
            await asyncio.to_thread(place.do, *MOVES)
            for part in parts[1:]:
                found += rows_of(await gathered(home, N, part))
        assert sorted(found) == [(n,) for n in range(100)]

    asyncio.run(story())
    left = [n for n in range(103) if not 40 <= n < 50]
    assert flat(numbers(home)) == left


def test_a_writer_who_never_rests(server: Place) -> None:
    """Rows wander between ranges all the time; each reading sees all of one moment."""
    server.make("k integer", [[str(10 * n)] for n in range(100)])
    home, stop = server.home(partition_by="k", partitions=4), asyncio.Event()
    writes = list[int]()

    def wander(session: Session) -> None:
        session.change(f"update {server.table} set k = (k + 333) % 1000")
        writes.append(1)

    async def write() -> None:
        session = await asyncio.to_thread(server.session)
        try:
            while not stop.is_set():
                await asyncio.to_thread(wander, session)
        finally:
            await asyncio.to_thread(session.close)

    async def story() -> None:
        writing = asyncio.create_task(write())
        try:
            for _ in range(15):
                async with home.reading(N) as parts:
                    found = await asyncio.gather(*(gathered(home, N, part) for part in parts))
                seen = [row for frames in found for row in rows_of(frames)]
                assert sorted(seen) == [(n,) for n in range(100)]
        finally:
            stop.set()
            await writing
        assert len(writes) > 15

    asyncio.run(story())


def test_nobody_empties_a_table_that_is_held(server: Place) -> None:
    """To truncate it would empty it under a snapshot, too."""
    home = hundred(server)

    def empty() -> None:
        with psycopg.connect(postgres.url(), autocommit=True) as db:
            db.execute("set lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                db.execute(f"truncate {server.table}".encode())

    async def story() -> None:
        async with home.reading(N) as parts:
            await asyncio.to_thread(empty)
            found = [row for p in parts for row in rows_of(await gathered(home, N, p))]
        assert len(found) == 100

    asyncio.run(story())


@pytest.mark.parametrize(
    "change", ["truncate table T ", "alter table T drop column n", "drop table T "]
)
def test_mysql_tells_of_a_table_that_was_made_anew(change: str, tmp_path: Path) -> None:
    place = Place("mysql", tmp_path)
    home = hundred(place)

    async def story() -> None:
        async with home.reading(N) as parts:
            await asyncio.to_thread(place.do, change)
            with pytest.raises(HyggeError):
                await gathered(home, N, parts[0])

    asyncio.run(story())


def test_mysql_does_not_begin_amid_a_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql_ranges, "_LOCK_SECONDS", 1)
    place = Place("mysql", tmp_path)
    home = hundred(place)
    with closing(place.session()) as writer:
        writer.change("start transaction")
        writer.change(f"update {place.table} set k = k + 1 where n = 1")
        with pytest.raises(ConnectionFailed):
            numbers(home)
        writer.change("commit")
    assert flat(numbers(home)) == list(range(100))


def test_mysql_does_not_begin_amid_what_another_table_does_to_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql_ranges, "_LOCK_SECONDS", 1)
    place = Place("mysql", tmp_path)
    place.do(
        "create table above (k integer primary key)",
        "insert into above values (1), (2), (3)",
        "create table T (n integer, k integer primary key, "
        "foreign key (k) references above (k) on update cascade)",
        "insert into T values (1, 1), (2, 2), (3, 3)",
    )
    with closing(place.session()) as writer:
        writer.change("start transaction")
        writer.change("update above set k = 9 where k = 1")
        with pytest.raises(ConnectionFailed):
            numbers(place.home(partitions=3))


def test_waiting_to_begin_can_be_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place("mysql", tmp_path)
    home = hundred(place)
    monkeypatch.setattr(mysql_ranges, "_LOCK_SECONDS", 600)

    async def story() -> None:
        reading = asyncio.create_task(by_partition(home, N))
        sql = "select 1 from information_schema.processlist where info like 'lock tables%'"
        while not await asyncio.to_thread(mysql.ask, None, sql):
            pass
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    with closing(place.session()) as writer, no_thread_left():
        writer.change("start transaction")
        writer.change(f"update {place.table} set k = k + 1 where n = 1")
        asyncio.run(story())


def test_what_is_no_longer_held_cannot_be_read(place: Place) -> None:
    home = hundred(place)

    async def story() -> Sequence[Partition]:
        async with home.reading(N) as parts:
            return parts

    for part in asyncio.run(story()):
        with pytest.raises(SourceChanged):
            asyncio.run(gathered(home, N, part))


def test_a_snapshot_that_is_lost_is_told(server: Place) -> None:
    home = hundred(server)

    def end() -> None:
        with psycopg.connect(postgres.url(), autocommit=True) as db:
            db.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where query = 'select pg_export_snapshot()'"
            )

    async def story() -> None:
        async with home.reading(N) as parts:
            await asyncio.to_thread(end)
            with pytest.raises(SourceChanged):
                await gathered(home, N, parts[0])

    asyncio.run(story())


# -- how many ------------------------------------------------------------------------------


def filled(server: Place, column: str = "k integer primary key", key: str = "n") -> None:
    server.do(
        f"create table T (n integer, {column})",
        f"insert into T select n, {key} from generate_series(1, 20000) n",
        "analyze T ",
    )


def count(home: SqlHome, asked: ReadRequest = N) -> int:
    async def story() -> int:
        async with home.reading(asked) as parts:
            return len(parts)

    return asyncio.run(story())


def test_large_tables_are_divided_by_their_size(server: Place) -> None:
    filled(server)  # about 0.7 MB
    assert count(server.home()) == 1
    home = server.home(partition_mb=0.1)
    parts = numbers(home)
    assert flat(parts) == list(range(1, 20001))
    assert 6 <= len(parts) <= 10
    assert max(map(len, parts)) < 2 * min(map(len, parts))


def test_a_part_of_a_sample_will_do(server: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_parts, "_SAMPLE", 4000)
    filled(server)
    parts = numbers(server.home(partition_mb=0.1))
    assert flat(parts) == list(range(1, 20001))
    assert 3 <= len(parts) <= 14


def test_a_window_is_divided_by_what_is_in_it(server: Place) -> None:
    filled(server)
    home = server.home(partition_mb=0.1)
    low = Watermark("n", "int32", 15000, closed=False)
    assert 2 <= count(home, ReadRequest(columns=("n",), low=low)) <= 3
    asked = ReadRequest(columns=("n",), low=low, where=f"{server.table}.n % 2 = 0")
    parts = numbers(server.home(partitions=3), asked)
    assert flat(parts) == list(range(15002, 20001, 2))
    assert [len(part) for part in parts] == pytest.approx([833] * 3, abs=5)


def test_a_table_whose_keys_lie_anywhere_is_read_as_a_whole(server: Place) -> None:
    filled(server, "k uuid primary key", "md5(n::text)::uuid")
    assert count(server.home(partition_mb=0.1)) == 1
    assert count(server.home(partition_mb=0.1, partitions=3)) == 3
    assert count(server.home(partition_mb=0.1, partition_by="n")) > 3


def test_a_table_of_tables(server: Place) -> None:
    name = server.table
    server.do(
        "create table T (n integer, k integer primary key) partition by range (k)",
        f"create table {name}_a partition of {name} for values from (0) to (5000)",
        f"create table {name}_b partition of {name} default",
        "insert into T select n, n from generate_series(1, 20000) n",
    )
    parts = numbers(server.home(partition_mb=0.1))
    assert flat(parts) == list(range(1, 20001))
    assert len(parts) > 3


def test_what_has_no_key_is_divided_only_by_a_column(place: Place) -> None:
    place.make("k integer", [[str(n)] for n in range(20)])
    assert count(place.home()) == 1
    with pytest.raises(ConfigError, match="partition_by"):
        count(place.home(partitions=3))
    assert count(place.home(partitions=3, partition_by="k")) == 3


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        *(("postgres", "double precision"), ("mysql", "double"), ("duckdb", "double")),
        *(("mysql", "enum('b', 'a')"), ("postgres", "jsonb")),
    ],
)
def test_what_has_no_sure_order_is_refused(kind: str, column: str, tmp_path: Path) -> None:
    place = Place(kind, tmp_path)
    place.make(f"k {column}", [["null"], ["null"]])
    with pytest.raises(ConfigError, match="order"):
        count(place.home(partition_by="k", partitions=2))


def test_a_view_is_read_as_a_whole(place: Place) -> None:
    view = f"{place.table}_seen"
    place.make("k integer primary key", [[str(n)] for n in range(20)])
    place.do(f"create view {view} as select * from T ")
    assert count(place.home(table=view)) == 1
    with pytest.raises(ConfigError, match="only a table"):
        count(place.home(table=view, partition_by="k", partitions=2))


def test_a_query_is_not_divided(server: Place) -> None:
    for more in ({"partitions": 2}, {"partition_by": "k"}):
        with pytest.raises(ConfigError, match="query"):
            server.home(table=None, query="select 1 as k", **more)


def test_one_value_and_none(place: Place) -> None:
    place.make("k integer", [["7"]] * 9)
    assert numbers(place.home(partitions=3, partition_by="k")) == [list(range(9))]
    place.make("k integer", [["null"]] * 9)
    assert numbers(place.home(partitions=3, partition_by="k")) == [list(range(9))]
    place.make("k integer", [])
    assert flat(numbers(place.home(partitions=3, partition_by="k"))) == []


# -- a whole flow --------------------------------------------------------------------------


def test_a_load_that_broke_off_is_read_anew(place: Place, tmp_path: Path) -> None:
    """What is staged shows another moment: rows have moved since, and none may come twice."""
    home, stage, finished = hundred(place), Stage(tmp_path), 0

    def fail_at_the_third(what: str) -> None:
        nonlocal finished
        if what == "write" and finished == 2:
            raise ConnectionFailed("no more")
        finished += what == "finish"

    store = FaultyStore(stage.target.store(), fail_at_the_third)
    assert stage.run(stage.flow(home, store, retries=0)).error is not None
    place.do(*MOVES)
    stage.done(stage.flow(home, parallel=2))
    assert not stage.told(PartReused)
    assert sorted(row[0] for row in stage.rows) == [n for n in range(103) if not 40 <= n < 50]
    assert not stage.leftovers


def test_partitions_side_by_side(place: Place, tmp_path: Path) -> None:
    home, stage = hundred(place), Stage(tmp_path)
    stage.done(stage.flow(home, parallel=4))
    assert [event.count for event in stage.told(PartitionsPlanned)] == [4]
    assert sorted(row[0] for row in stage.rows) == list(range(100))


def test_a_lost_snapshot_is_tried_again(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, stage, lost = hundred(place), Stage(tmp_path), list[str]()
    session = SqlHome.session

    def once(self: SqlHome, partition: Partition) -> Session:
        if not lost:
            lost.append(partition.name)
            partition = Partition(partition.name, None, ("nothing", "true"))
        return session(self, partition)

    monkeypatch.setattr(SqlHome, "session", once)
    stage.done(stage.flow(home))
    assert lost
    assert sorted(row[0] for row in stage.rows) == list(range(100))


def test_the_whole_can_be_read_without_holding_it(place: Place) -> None:
    home = hundred(place)
    assert asyncio.run(home.partitions(N)) == [WHOLE]
    assert len(rows_of(asyncio.run(gathered(home, N)))) == 100
