"""What databases complain of: a clear error or another try, and the target as it was."""

from __future__ import annotations

import asyncio
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import psycopg
import pytest
from tests.crash.places import Place, place_of
from tests.faults.scene import DATABASES, Named, Scene, scene
from tests.rigs import mssql, mysql, postgres
from tests.servers import postgres as server
from tests.servers.proxy import Wire

from hygge.core.errors import (
    ConfigError,
    ConnectionFailed,
    DatabaseError,
    FlowBusy,
    HyggeError,
    SourceMissing,
    StoreError,
)
from hygge.core.home import HomeConfig, ReadRequest
from hygge.flow.factory import home_of
from hygge.flow.terms import Terms
from hygge.homes.sql import SqlHome
from hygge.journal.memory import MemoryJournal
from hygge.testing.harness import gathered, people, rows_of, unordered

pytestmark = pytest.mark.timeout(240)
GUEST = "guest"
ALL_BUT_MSSQL = pytest.mark.parametrize("database", [x for x in DATABASES if x != "mssql"])
"""What the server has no rights or limits for; or ours has not: see `test_mssql`."""
TURN = (
    "declare @turn int; exec @turn = sp_getapplock @Resource = N'hygge dbo.people', "
    "@LockMode = 'Exclusive', @LockOwner = 'Transaction'; select @turn"
)


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def place(tmp_path: Path, database: str) -> Place:
    made = place_of(database, tmp_path)
    assert made is not None
    made.make()
    return made


def ask(place: Place, *statements: str) -> None:
    """As somebody who may do all, each statement by itself."""
    for sql in statements:
        if isinstance(place, mysql.MysqlStoreRig):
            mysql.ask(place.database, sql)
        elif isinstance(place, mssql.MssqlStoreRig):
            place.ask(sql)
        else:
            postgres.ask(sql)


def give(place: Place, count: int = 3) -> str:
    """A table of a few numbers, by its name."""
    table = f"{place.prefix}numbers"
    ask(place, f"create table {table} (id bigint, word varchar(20))")
    values = ", ".join(f"({n}, 'word {n}')" for n in range(count))
    ask(place, f"insert into {table} values {values}")
    return table


def home(database: str, place: Place, who: str | None = None, **settings: Any) -> SqlHome:
    url = urlsplit(place.url)
    user = who or url.netloc.rpartition("@")[0]
    netloc = f"{user}@{url.hostname}:{url.port}"
    known = {"type": database, "url": url._replace(netloc=netloc).geturl(), "lock_seconds": 2}
    known |= settings.pop("known", {})
    made = home_of(
        HomeConfig.create({"type": database, "connection": "db", **settings}), Named(**known)
    )
    assert isinstance(made, SqlHome)
    return made


def failure(home: SqlHome) -> HyggeError:
    with pytest.raises(HyggeError) as failed:
        asyncio.run(gathered(home))
    return failed.value


@pytest.fixture
def guest(place: Place, database: str) -> str:
    return guest_of(place, database)


def guest_of(place: Place, database: str) -> str:
    """Somebody who may come in and nothing else; who has a password where the server asks."""
    name = f"guest_{place.prefix or place.url[-8:]}".strip(".")
    if database == "mssql":  # ours knows nobody else
        return urlsplit(place.url).netloc.rpartition("@")[0]
    if database == "postgres":
        ask(place, f"create role {name} login password 'right'")
        ask(place, f"grant usage on schema {place.prefix.strip('.')} to {name}")
        return name
    name = name[:30]
    who = f"{name}@localhost"
    ask(place, f"create user {who} identified by 'right' with max_statement_time 0.2")
    ask(place, "create table open_to_all (id int)", f"grant select on open_to_all to {who}")
    ask(place, f"grant create temporary tables on *.* to {who}")  # a query is looked at by one
    return f"{name}:right"


def test_a_wrong_password_is_a_matter_of_settings(place: Place, database: str, guest: str) -> None:
    if database == "postgres":
        guest = "careful"  # the server asks nobody else for a password
        ask(place, f"drop role if exists {guest}", f"create role {guest} login password 'right'")
    who = f"{guest.partition(':')[0]}:wrong"
    failed = failure(home(database, place, who, table="numbers"))
    assert isinstance(failed, ConfigError)
    assert re.search("user(,| and) password", str(failed))
    assert "wrong" not in str(failed)


def test_an_unknown_table(place: Place, database: str) -> None:
    failed = failure(home(database, place, table=f"{place.prefix}nowhere"))
    assert isinstance(failed, SourceMissing)
    assert "nowhere" in str(failed)


def test_an_unknown_table_in_a_query(place: Place, database: str) -> None:
    failed = failure(home(database, place, query=f"select * from {place.prefix}nowhere"))
    assert isinstance(failed, SourceMissing)
    assert "nowhere" in str(failed)


def test_an_unknown_database(place: Place, database: str) -> None:
    url = urlsplit(place.url)._replace(path="/nowhere").geturl()
    failed = failure(home(database, place, table="numbers", known={"url": url}))
    assert isinstance(failed, ConfigError)
    assert "nowhere" in str(failed)


@ALL_BUT_MSSQL
def test_what_may_not_be_read(place: Place, database: str, guest: str) -> None:
    table = give(place)
    failed = failure(home(database, place, guest, query=f"select id from {table}"))
    assert isinstance(failed, DatabaseError)
    assert "numbers" in str(failed)
    assert "right to do this" in str(failed)


@ALL_BUT_MSSQL
def test_a_statement_that_takes_too_long(place: Place, database: str, guest: str) -> None:
    if database == "postgres":
        ask(place, f"alter role {guest} set statement_timeout = 200")
    sleep = "pg_sleep(20)::text" if database == "postgres" else "sleep(20)"
    schema = f"select 1 as one from (select {sleep}) s"
    failed = failure(home(database, place, guest, query=schema))
    assert isinstance(failed, DatabaseError)
    assert "give it a longer" in str(failed)


def test_a_table_that_is_dropped_after_a_look(place: Place, database: str) -> None:
    made = home(database, place, table=give(place))
    request = ReadRequest(schema=asyncio.run(made.schema()))
    ask(place, f"drop table {place.prefix}numbers")
    with pytest.raises(SourceMissing, match="numbers"):
        asyncio.run(gathered(made, request))


def test_a_column_that_comes_after_a_look(place: Place, database: str) -> None:
    made = home(database, place, table=give(place))
    request = ReadRequest(schema=asyncio.run(made.schema()))
    word = "" if database == "mssql" else "column "
    ask(place, f"alter table {place.prefix}numbers add {word}more int")
    rows = rows_of(asyncio.run(gathered(made, request)))
    assert unordered(rows) == [(n, f"word {n}") for n in range(3)]


def test_a_connection_that_ends_while_reading(place: Place, database: str) -> None:
    """Rows may have been given by then: the flow publishes none of them."""
    made = home(database, place, query=many(place, database))

    async def story() -> None:
        async for _ in made.read(ReadRequest()):
            end_sessions(place)

    with pytest.raises(ConnectionFailed):
        asyncio.run(story())


def many(place: Place, database: str) -> str:
    """Too many rows to be on their way all at once."""
    if database == "mssql":
        ask(
            place, "create table tens (n int)", f"insert into tens values {', '.join(['(1)'] * 10)}"
        )
        tens = ", ".join(f"tens t{n}" for n in range(5))
        return f"select replicate('x', 1000) as word from {tens}"
    series = "generate_series(1, 100000) g" if database == "postgres" else "seq_1_to_100000"
    return f"select repeat('x', 1000) as word from {series}"


def end_sessions(place: Place) -> None:
    if isinstance(place, mssql.MssqlStoreRig):
        sql = "select session_id from sys.dm_exec_sessions where database_id = db_id(?)"
        for (number,) in mssql.ask(sql, place.database):
            mssql.ask(f"kill {number}")
    elif isinstance(place, mysql.MysqlStoreRig):
        sql = (
            "select id from information_schema.processlist where db = %s and id != connection_id()"
        )
        for (number,) in mysql.ask(None, sql, place.database):
            mysql.ask(None, f"kill {number}")
    else:
        sql = "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1"
        postgres.ask(sql, urlsplit(place.url).username)


# stores


@pytest.fixture
def stage(tmp_path: Path, database: str) -> Iterator[Scene]:
    with scene(tmp_path, database, "append") as made:
        yield made


def target(stage: Scene) -> str:
    return f"{stage.place.prefix}people"


def untouched(stage: Scene) -> bool:
    """The rows of the first load are there, and nothing is left of another."""
    first = unordered(people(0, 12).rows())
    return unordered(stage.place.look()) == first and not stage.place.leftovers()


def test_a_key_that_is_there_already(stage: Scene) -> None:
    ask(stage.place, f"create unique index one_word on {target(stage)} (id)")
    stage.source.give(people(0, 6), people(12, 6), people(12, 1))
    report = stage.run(retries=2)
    assert isinstance(report.error, DatabaseError)
    assert "one_word" in str(report.error)
    assert untouched(stage)


def test_a_value_that_does_not_fit(stage: Scene) -> None:
    alter = {"postgres": "alter column word type varchar(9)", "mysql": "modify word varchar(9)"}
    alter["mssql"] = "alter column word nvarchar(9)"
    ask(stage.place, f"alter table {target(stage)} {alter[stage.database]}")
    stage.source.give(people(0, 12), people(12, 1).with_columns(word=pl.lit("much too long")))
    report = stage.run(retries=2)
    assert isinstance(report.error, DatabaseError | StoreError)
    assert re.search("too long|would change values", str(report.error).lower())
    assert untouched(stage)


def test_a_target_that_may_not_be_written(stage: Scene) -> None:
    trigger(stage)
    report = stage.run(retries=2)
    assert isinstance(report.error, DatabaseError)
    assert "not_today" in str(report.error)
    assert untouched(stage)


def trigger(stage: Scene) -> None:
    """The table refuses its third row."""
    if stage.database == "mssql":
        known = ", ".join(f"({n})" for n in range(15))
        ask(stage.place, "create table allowed (id bigint not null primary key)")
        ask(stage.place, f"insert into allowed values {known}")
        words = "constraint not_today foreign key (id) references allowed (id)"
        ask(stage.place, f"alter table people add {words}")
        return
    if stage.database == "mysql":
        no = "signal sqlstate '45000' set message_text = 'not_today'"
        body = f"for each row if new.id = 15 then {no}; end if"
        ask(stage.place, f"create trigger refuse before insert on people {body}")
        return
    name = f"{stage.place.prefix}refuse"
    body = "begin if new.id = 15 then raise 'not_today'; end if; return new; end"
    ask(stage.place, f"create function {name}() returns trigger language plpgsql as $f${body}$f$")
    when = f"before insert on {target(stage)} for each row execute function {name}()"
    ask(stage.place, f"create trigger refuse {when}")


@contextmanager
def busy(stage: Scene) -> Iterator[Any]:
    """Somebody else's connection, in a transaction of its own."""
    if stage.database == "mysql":
        with mysql.connected(stage.place.database) as db, db.cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute("start transaction")
            yield cursor
    elif stage.database == "mssql":
        with (
            mssql.connected(stage.place.url.split("/")[-1].split("?")[0]) as db,
            db.cursor() as cursor,
        ):
            cursor.execute("set deadlock_priority high; begin transaction")
            yield cursor
            cursor.execute("if @@trancount > 0 rollback")
    else:
        with psycopg.connect(stage.place.url) as db, db.cursor() as cursor:
            yield cursor


def run(stage: Scene, pause: Callable[[], None], **settings: Any) -> HyggeError | None:
    """One run that tries again once; what is done meanwhile."""

    async def paused(seconds: float) -> None:
        await asyncio.to_thread(pause)

    flow = stage.flow(retries=3, **settings)
    return asyncio.run(flow.run(Terms(pause=paused))).error


def replacing(stage: Scene) -> None:
    stage.mode = "full_drop"
    ask(stage.place, f"create index by_id on {target(stage)} (id)")


def test_a_table_that_another_has_locked_for_a_while(stage: Scene) -> None:
    replacing(stage)
    pauses = list[bool]()
    with busy(stage) as other:
        other.execute(f"update {target(stage)} set word = 'x' where id = 11")

        def let_go() -> None:
            pauses.append(True)
            other.execute("rollback")

        assert run(stage, let_go) is None
    assert pauses
    assert not stage.complaints()


def test_a_deadlock_is_tried_again(stage: Scene) -> None:
    replacing(stage)
    pauses = list[bool]()
    with busy(stage) as other:
        if stage.database != "mssql":  # there, who did less is the victim
            other.execute("create temporary table weight (id int, word varchar(20))")
            for _ in range(20):
                other.execute("insert into weight values " + ", ".join(["(1, 'heavy')"] * 50))
        other.execute(f"update {target(stage)} set word = 'x' where id = 11")
        meeting = threading.Thread(target=meet, args=(stage, other))
        meeting.start()
        assert run(stage, lambda: pauses.append(True)) is None
        meeting.join()
    assert not stage.complaints()
    assert pauses, "nobody had to try again"


def meet(stage: Scene, other: Any) -> None:
    """Once the run waits for us, want what it has."""
    while not waiting(stage):
        pass
    wanted = f"update {target(stage)} set word = 'y' where id = 0"
    other.execute(TURN if stage.database == "mssql" else wanted)
    other.execute("rollback")


def waiting(stage: Scene) -> bool:
    if stage.database == "mysql":
        sql = "show global status like 'Innodb_row_lock_current_waits'"
        return str(mysql.ask(None, sql)[0][1]) != "0"
    if stage.database == "mssql":
        return bool(mssql.ask("select 1 from sys.dm_os_waiting_tasks where wait_type like 'LCK%'"))
    sql = "select 1 from pg_stat_activity where usename = $1 and wait_event_type = 'Lock'"
    return bool(postgres.ask(sql, urlsplit(stage.place.url).username))


def test_two_runs_into_one_table(stage: Scene) -> None:
    async def story() -> tuple[Any, Any]:
        one = stage.flow()
        stage.journal = MemoryJournal()
        two = stage.flow()
        return await asyncio.gather(one.run(), two.run())

    errors = [report.error for report in asyncio.run(story()) if report.error is not None]
    assert all(isinstance(error, FlowBusy) for error in errors)
    assert len(errors) < 2
    assert not stage.settled()


@pytest.mark.parametrize("at", [3, 20, 60, 100, 140])
def test_a_server_that_is_down_for_a_while(stage: Scene, at: int) -> None:
    stage.wire.arm(Wire.DOWN, at)
    report = stage.run(retries=2)
    assert isinstance(report.error, ConnectionFailed)
    assert unordered(stage.place.look()) in (
        unordered(people(0, 12).rows()),
        unordered(people(0, 18).rows()),
    )
    stage.wire.up()
    stage.wire.arm(Wire.DOWN, at)
    assert run(stage, stage.wire.up) is None
    stage.wire.arm(Wire.DOWN, 10**9)  # it may not have come to that
    assert not stage.settled()


def test_a_url_that_cannot_be_understood_is_not_repeated() -> None:
    known = {"type": "postgres", "url": "postgresql://me:sec%ret@localhost/db"}
    made = home_of(
        HomeConfig.create({"type": "postgres", "connection": "db", "table": "t"}), Named(**known)
    )
    with pytest.raises(ConfigError, match="cannot be understood") as failed:
        asyncio.run(gathered(made))
    assert "ret" not in str(failed.value).replace("percent", "").replace("secret", "")
    assert failed.value.__cause__ is None


def test_texts_of_a_database_without_an_encoding() -> None:
    name = f"bytes_{secrets.token_hex(4)}"
    ask_all = psycopg.connect(server.url(), autocommit=True)
    with ask_all as db:
        db.execute(f"create database {name} encoding 'SQL_ASCII' locale 'C' template template0")
    url = urlsplit(server.url())._replace(path=f"/{name}").geturl()
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("create table words (id int, word text)")
        db.execute(rb"insert into words values (1, E'caf\xe9'), (2, E'caf\xc3\xa9')")

    def reading(**table: str) -> list[Any]:
        config = HomeConfig.create({"type": "postgres", "connection": "db", **table})
        return rows_of(asyncio.run(gathered(home_of(config, Named(type="postgres", url=url)))))

    with pytest.raises(DatabaseError, match="invalid byte sequence"):
        reading(table="words")
    assert reading(query="select word from words where id = 2") == [("café",)]
    sql = "select convert_to(word, 'SQL_ASCII') as word from words where id = 1"
    assert reading(query=sql) == [(b"caf\xe9",)]


@ALL_BUT_MSSQL
def test_a_store_where_we_may_make_nothing(stage: Scene) -> None:
    guest = guest_of(stage.place, stage.database)
    if stage.database == "postgres":
        schema = stage.place.prefix.strip(".")
        ask(stage.place, f"grant all on all tables in schema {schema} to {guest}")
    report = asyncio.run(stage.flow(guest).run())
    assert isinstance(report.error, DatabaseError)
    assert "right to do this" in str(report.error)
    assert untouched(stage)
