"""Many tables through few connections: never more than there may be, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.faults.scene import Named
from tests.rigs import mysql, postgres
from tests.servers import postgres as postgres_server
from tests.servers.proxy import Proxy, Wire

from hygge.cli.checking import check_all
from hygge.connections import loan
from hygge.connections import pool as pool_module
from hygge.connections.pool import Pool, keeping_connections
from hygge.coordinator.coordinator import Coordinator, RunReport
from hygge.core import events
from hygge.core.errors import ConfigError, ConnectionFailed, HomeError, HyggeError
from hygge.core.journal import Status
from hygge.databases.database import Session
from hygge.flow.factory import FlowFactory
from hygge.flow.flow import Flow
from hygge.flow.report import FlowReport
from hygge.flow.terms import Terms
from hygge.flow.undo import undo
from hygge.homes.sql import SqlHome
from hygge.journal.memory import MemoryJournal
from hygge.stores.sql_load import SqlLoad
from hygge.testing.harness import gathered, rows_of

pytestmark = pytest.mark.timeout(240)
KINDS = ["postgres", "mysql"]


class Town:
    """A database whose one user may have so many connections, by the server's own word."""

    def __init__(self, kind: str, allowed: int) -> None:
        self.kind, self.who = kind, f"town_{secrets.token_hex(4)}"
        if kind == "postgres":
            self.ask(f"create role {self.who} login connection limit {allowed}")
            self.ask(f"create schema {self.who} authorization {self.who}")
            self.url = postgres_server.url().replace("//hygge@", f"//{self.who}@")
        else:
            mysql.ask(None, f"create database {self.who}")
            mysql.ask(None, f"create user {self.who} with max_user_connections {allowed}")
            mysql.ask(None, f"create user {self.who}@localhost with max_user_connections {allowed}")
            for place in ("%", "localhost"):
                mysql.ask(None, f"grant all on {self.who}.* to {self.who}@'{place}'")
            self.url = mysql.url(self.who).replace("//root@", f"//{self.who}@")

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """As somebody who may do all."""
        if self.kind == "postgres":
            return postgres.ask(sql)
        return mysql.ask(self.who, sql)

    def table(self, name: str) -> str:
        return f"{self.who}.{name}"

    def fill(self, name: str, count: int, day: str = "2024-02-29") -> None:
        table = self.table(name)
        self.ask(f"create table {table} (id int primary key, word varchar(20), day date)")
        rows = ", ".join(f"({n}, '{name} {n}', '{day}')" for n in range(count))
        self.ask(f"insert into {table} values {rows}")
        if self.kind == "postgres":
            self.ask(f"alter table {table} owner to {self.who}")

    def words(self, name: str) -> list[str]:
        return [str(row[0]) for row in self.ask(f"select word from {self.table(name)} order by id")]

    def there(self) -> list[int]:
        """The server's numbers of the user's connections."""
        if self.kind == "postgres":
            sql = f"select pid from pg_stat_activity where usename = '{self.who}'"
        else:
            sql = f"select id from information_schema.processlist where user = '{self.who}'"
        return [int(row[0]) for row in self.ask(sql)]

    def end_all(self) -> int:
        """As an admin ends them, or a server that restarts."""
        numbers = self.there()
        for number in numbers:
            kill = f"select pg_terminate_backend({number})"
            self.ask(kill if self.kind == "postgres" else f"kill {number}")
        while self.there():
            time.sleep(0.001)
        return len(numbers)

    def flow(self, name: str, journal: MemoryJournal, **more: Any) -> Flow:
        settings = more.pop("connection", {})
        end = {"type": self.kind, "connection": "db"}
        config = {
            "home": {**end, "table": self.table(name), **more.pop("home", {})},
            "store": {**end, "table": self.table(f"{name}_copy")},
            "retries": 0,
            **more,
        }
        known = Named(**{"type": self.kind, "url": self.url, **settings})
        return FlowFactory.from_config(name, config, journal=journal, connections=known)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def pool(flow: Flow) -> Pool:
    assert isinstance(flow.home, SqlHome)
    found = flow.home.database.pool
    assert found is not None
    return found


@contextmanager
def counted(town: Town) -> Iterator[list[int]]:
    """How many connections there were, looked at all the time."""
    seen, over = list[int](), threading.Event()

    def look() -> None:
        while not over.is_set():
            seen.append(len(town.there()))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def run(flows: list[Flow], journal: MemoryJournal, concurrency: int = 8) -> RunReport:
    return asyncio.run(Coordinator(flows, journal=journal, concurrency=concurrency).run())


@pytest.mark.parametrize(("kind", "tables"), [("postgres", 50), ("mysql", 12)])
def test_many_tables_and_three_connections(kind: str, tables: int) -> None:
    """Home and store are one database; one table must not be written."""
    town, journal = Town(kind, 3), MemoryJournal()
    names = [f"t{n:02}" for n in range(tables)]
    for number, name in enumerate(names):
        town.fill(name, number + 1)
    town.fill("t07_copy", 2)  # somebody else's rows
    flows = [town.flow(name, journal, connection={"pool_size": 3}) for name in names]
    for flow in flows:
        flow.lease_seconds = 0.2  # renewed while rows are carried
    with counted(town) as seen:
        report = run(flows, journal)
    (failed,) = report.of(Status.FAIL)
    assert failed.name == "t07"
    assert "did not put there" in str(failed.error)
    assert len(report.of(Status.SUCCESS)) == tables - 1
    assert 0 < max(seen) <= 3
    assert pool(flows[0]).peak <= 3
    assert not town.there()
    for number, name in enumerate(names):
        count = 2 if name == "t07" else number + 1
        assert len(town.words(f"{name}_copy")) == count


def test_first_loads_side_by_side(kind: str) -> None:
    """They all want to make the tables of loads and leases, which are not there yet. (MySQL
    may take those who write into an empty table for each other's deadlock: they try again.)"""
    town, journal = Town(kind, 24), MemoryJournal()
    names = [f"t{n}" for n in range(8)]
    for name in names:
        town.fill(name, 1)
    report = run([town.flow(name, journal, retries=2) for name in names], journal)
    assert [str(flow.error) for flow in report.of(Status.FAIL)] == []
    assert not town.there()


def test_a_table_that_breaks_amid_its_rows() -> None:
    town, journal = Town("postgres", 3), MemoryJournal()
    town.fill("good", 3)
    town.fill("bad", 3, day="infinity")
    flows = [town.flow(n, journal, connection={"pool_size": 3}) for n in ("bad", "good")]
    report = run(flows, journal)
    (failed,) = report.of(Status.FAIL)
    assert isinstance(failed.error, HomeError)
    assert town.words("good_copy") == ["good 0", "good 1", "good 2"]
    assert not town.there()


def test_fewer_connections_than_one_flow_needs(kind: str) -> None:
    town = Town(kind, 3)
    with pytest.raises(ConfigError, match=r"needs 3 connections to .* pool_size is 2") as failed:
        town.flow("t", MemoryJournal(), connection={"pool_size": 2})
    assert "pool_size: 3" in str(failed.value)
    assert not town.there()


# several partitions at once


def parted(kind: str, size: int, **more: Any) -> tuple[Town, Flow, list[str]]:
    """A table in ranges, from a database into the same; what people are told."""
    town, told = Town(kind, size), list[str]()
    town.fill("t", 200)
    flow = town.flow("t", MemoryJournal(), connection={"pool_size": size}, **more)
    flow.listen = told_to = lambda event: told.append(str(getattr(event, "text", "")))
    object.__setattr__(flow.route, "listen", told_to)
    return town, flow, told


@pytest.mark.parametrize(
    ("kind", "size", "parallel", "reached"),
    [
        ("postgres", 8, 3, 3),  # 3 and 3, one that holds the state, one for the lease
        ("postgres", 7, 3, 2),
        ("postgres", 3, 3, 1),
        ("mysql", 9, 3, 3),  # 4 and the one that begins them, 3, one for the lease
        ("mysql", 6, 3, 2),
        ("mysql", 3, 3, 1),
    ],
)
def test_partitions_side_by_side(kind: str, size: int, parallel: int, reached: int) -> None:
    """The server would let nobody in who is one too many."""
    town, flow, told = parted(kind, size, parallel=parallel, home={"partitions": 4})
    report = asyncio.run(flow.run())
    assert report.error is None
    assert pool(flow).peak <= size
    assert len(town.words("t_copy")) == 200
    lowered = [text for text in told if text.startswith("parallel is")]
    wanted = [f"parallel is {reached}, not {parallel}"] if reached < parallel else []
    assert [text.partition(":")[0] for text in lowered] == wanted
    assert all("pool_size" in text for text in lowered)
    assert not town.there()


def test_fewer_partitions_than_were_asked_for() -> None:
    """Where all readers begin together, each needs a connection from the beginning."""
    town, flow, told = parted("mysql", 5, home={"partitions": 4})
    assert asyncio.run(flow.run()).error is None
    assert [text for text in told if "partitions" in text] == [
        "read in 2 partitions, not 4: there are too few connections for it (pool_size)"
    ]
    assert len(town.words("t_copy")) == 200


def test_loads_that_go_on_where_the_last_one_ended(kind: str) -> None:
    """Asking for the end of what is safe to read, and renewing, need no more."""
    town, journal = Town(kind, 3), MemoryJournal()
    town.fill("t", 20)
    more = {"run_type": "incremental", "watermark": "id", "keys": ["id"]}
    flow = town.flow("t", journal, connection={"pool_size": 3}, **more)
    flow.lease_seconds = 0.05
    assert asyncio.run(flow.run()).error is None
    town.ask(f"insert into {town.table('t')} values (20, 'late', null)")
    assert asyncio.run(flow.run()).rows >= 1
    assert len(town.words("t_copy")) == 21
    assert pool(flow).peak <= 3
    assert not town.there()


def test_undoing_takes_no_more(kind: str) -> None:
    town, journal = Town(kind, 3), MemoryJournal()
    town.fill("t", 20)
    more = {"run_type": "incremental", "watermark": "id", "write": "append"}
    flow = town.flow("t", journal, connection={"pool_size": 3}, **more)
    flow.lease_seconds = 0.05
    assert asyncio.run(flow.run()).error is None
    town.ask(f"insert into {town.table('t')} values (20, 'late', null)")
    receipt = asyncio.run(flow.run()).receipt
    assert receipt is not None
    assert asyncio.run(undo(flow, receipt.load_id, Terms())).error is None
    assert len(town.words("t_copy")) == 20
    assert pool(flow).peak <= 3
    assert not town.there()


def test_checking_takes_no_more(kind: str, tmp_path: Path) -> None:
    """`hygge debug` asks all ends at once; each waits for its turn."""
    town, journal = Town(kind, 3), MemoryJournal()
    names = [f"t{n}" for n in range(6)]
    for name in names:
        town.fill(name, 1)
    flows = [town.flow(name, journal, connection={"pool_size": 3}) for name in names]
    checks = check_all(Coordinator(flows, journal=journal), tmp_path / "journal.db")
    assert [str(check.error) for check in checks if check.error] == []
    assert len(checks) == 1 + 3 * len(flows) + 1  # who we are
    assert pool(flows[0]).peak <= 3
    assert not town.there()


# one connection after the other


def home_of(town: Town, **settings: Any) -> SqlHome:
    home = town.flow("t", MemoryJournal(), connection=settings).home
    assert isinstance(home, SqlHome)
    return home


async def asked(home: SqlHome, *sql: str) -> list[Any]:
    """The first value of each answer, all in one session, which is then given back."""

    def ask() -> list[Any]:
        with closing(home.database.connect()) as session:
            return [_value(session, each) for each in sql]

    return await asyncio.to_thread(ask)


def _value(session: Session, sql: str) -> Any:
    if sql.startswith(("select", "show")):
        return session.rows(sql)[0][0]
    return session.change(sql)


ME = {"postgres": "select pg_backend_pid()", "mysql": "select connection_id()"}


def test_a_connection_is_used_again_while_a_run_goes_on(kind: str) -> None:
    town = Town(kind, 3)
    home = home_of(town)

    async def story() -> None:
        async with keeping_connections():
            first, second = [await asked(home, ME[kind]) for _ in range(2)]
            assert first == second
            assert len(town.there()) == 1
        assert not town.there()
        assert await asked(home, ME[kind]) != first
        assert not town.there()  # nobody keeps any, once the run is over

    asyncio.run(story())


def test_what_died_while_nobody_used_it_is_replaced(kind: str) -> None:
    town = Town(kind, 3)
    home = home_of(town)

    async def story() -> None:
        async with keeping_connections():
            first = await asked(home, ME[kind])
            assert await asyncio.to_thread(town.end_all) == 1
            assert await asked(home, ME[kind]) != first

    asyncio.run(story())


def test_rows_come_by_a_new_connection_if_the_old_one_died(kind: str) -> None:
    """The one for rows is another where a database has two kinds."""
    town = Town(kind, 4)
    town.fill("t", 5)
    home = home_of(town)

    async def story() -> None:
        async with keeping_connections():
            for _ in range(2):
                assert len(rows_of(await gathered(home))) == 5
                assert await asyncio.to_thread(town.end_all) > 0

    asyncio.run(story())


def test_a_silent_connection_is_asked_before_it_is_used(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A firewall forgets it, and tells nobody."""
    town = Town(kind, 3)
    url = urlsplit(town.url)
    monkeypatch.setattr(loan, "TRUSTED_SECONDS", -1.0)
    with Proxy(str(url.hostname), int(url.port or 0)) as wire:
        at = url._replace(netloc=f"{url.username}@127.0.0.1:{wire.port}").geturl()
        home = home_of(town, url=at)

        async def story() -> None:
            async with keeping_connections():
                first = await asked(home, ME[kind])
                wire.arm(Wire.RESET, 1)
                assert await asked(home, ME[kind]) != first

        asyncio.run(story())
    assert wire.met


def test_what_dies_in_use_is_tried_again(kind: str) -> None:
    town, journal = Town(kind, 9), MemoryJournal()
    town.fill("t", 5)
    flow = town.flow("t", journal, retries=2)
    ended, retried = list[int](), list[int]()

    async def story() -> FlowReport:
        async with keeping_connections():
            return await flow.run(Terms(pause=lambda _: asyncio.sleep(0)))

    def listen(event: object) -> None:
        if isinstance(event, events.FlowRetrying):
            retried.append(event.attempt)

    flow.listen = listen
    original = SqlLoad.open

    def dying(load: SqlLoad) -> None:
        original(load)
        if not ended:
            ended.append(1)
            with closing(load.database.connect()) as session:
                session.rows("select 1")
                town.end_all()
                session.rows("select 1")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SqlLoad, "open", dying)
        report = asyncio.run(story())
    assert report.error is None
    assert retried == [1]
    assert len(town.words("t_copy")) == 5


LEAVES = {
    "postgres": [
        "set work_mem = '1MB'",
        "set role none",
        "create temporary table left_over (n int)",
        "select pg_advisory_lock(77)",
        "set timezone = 'Asia/Tokyo'",
        "set default_transaction_isolation = 'serializable'",
    ],
    "mysql": [
        "set session wait_timeout = 7",
        "create temporary table left_over (n int)",
        "select get_lock('left_over', 1)",
        "set time_zone = '+09:00'",
        "set session transaction isolation level serializable",
        "set names latin1",
        "set autocommit = 0",
    ],
}
LOOKS = {
    "postgres": [
        "show work_mem",
        "show timezone",
        "show default_transaction_isolation",
        "select count(*) from pg_locks where locktype = 'advisory' and objid = 77",
        "select to_regclass('left_over')::text",
        "show lock_timeout",
        "show idle_in_transaction_session_timeout",
        "show intervalstyle",
    ],
    "mysql": [
        "select @@session.wait_timeout > 7",
        "select @@session.time_zone",
        "select @@session.sql_mode",
        "select @@session.innodb_lock_wait_timeout",
        "select @@session.lock_wait_timeout",
        "select @@session.autocommit",
        "select @@session.tx_isolation",
        "select is_free_lock('left_over')",
        "select @@session.character_set_client",
        "select @@session.character_set_results",
        "select @@session.collation_connection",
        "create temporary table left_over (n int)",
    ],
}


def test_what_a_use_left_does_not_reach_the_next(kind: str) -> None:
    town = Town(kind, 3)
    home = home_of(town)

    async def story() -> None:
        fresh = await asked(home, *LOOKS[kind])
        async with keeping_connections():
            (me, *_) = await asked(home, ME[kind], *LEAVES[kind])
            again, *left = await asked(home, ME[kind], *LOOKS[kind])
            assert again == me
            assert left == fresh

    asyncio.run(story())


@pytest.mark.parametrize("left", ["begin", "select no_such_column"])
def test_what_is_left_in_a_transaction_or_failed_is_not_used_again(kind: str, left: str) -> None:
    town = Town(kind, 3)
    home = home_of(town)

    async def story() -> None:
        async with keeping_connections():
            me, *_ = await asked(home, ME[kind])
            with suppress(HyggeError):
                await asked(home, left)
            (again,) = await asked(home, ME[kind])
            assert (again == me) is (kind == "mysql" and left == "begin")  # which a reset ends

    asyncio.run(story())


def test_what_was_interrupted_is_not_used_again(kind: str) -> None:
    town = Town(kind, 3)
    home = home_of(town)
    sleep = "select pg_sleep(60)" if kind == "postgres" else "select sleep(60)"

    async def story() -> None:
        async with keeping_connections():
            me, *_ = await asked(home, ME[kind])
            session = home.database.connect()
            sleeping = asyncio.create_task(asyncio.to_thread(session.rows, sleep))
            while not await asyncio.to_thread(asleep, town):
                pass
            await asyncio.to_thread(session.interrupt)
            with pytest.raises(HyggeError):
                await sleeping
            await asyncio.to_thread(session.close)
            assert await asked(home, ME[kind]) != [me]

    asyncio.run(story())


def asleep(town: Town) -> bool:
    if town.kind == "postgres":
        return bool(postgres.ask("select 1 from pg_stat_activity where wait_event = 'PgSleep'"))
    sql = "select 1 from information_schema.processlist where state = 'User sleep'"
    return bool(mysql.ask(None, sql))


def test_all_connections_in_use_for_too_long(kind: str) -> None:
    home = home_of(Town(kind, 9), pool_size=3, acquire_timeout=0.05)
    held = [home.database.connect() for _ in range(4)]
    with ExitStack() as stack:
        for session in held:
            stack.callback(session.close)
        for session in held[:3]:
            session.rows("select 1")
        with pytest.raises(ConnectionFailed) as failed:
            held[3].rows("select 1")
    told = str(failed.value)
    assert "came free within 0.05 s for MainThread: all 3 (pool_size) are with MainThread" in told
    assert "hygge" not in told.partition("try:")[0].replace("127.0.0.1", "")
    assert "`acquire_timeout`" in told


def test_a_server_that_is_full_for_a_moment(kind: str) -> None:
    """Somebody else has all there are; once one is gone, we come in."""
    town = Town(kind, 2)
    home, other = home_of(town), home_of(town, pool_size=3)
    there = [other.database.connect() for _ in range(2)]
    late = home.database.connect()
    pool = home.database.pool
    assert pool is not None
    with ExitStack() as stack, ThreadPoolExecutor(1) as thread:
        for session in (*there, late):
            stack.callback(session.close)
        for session in there:
            session.rows("select 1")
        coming = thread.submit(late.rows, "select 1")
        while not pool.refused:
            pass
        there[0].close()
        assert coming.result(20) == [(1,)]


def test_a_server_that_stays_full(kind: str) -> None:
    town = Town(kind, 1)
    home, other = home_of(town, acquire_timeout=0.01), home_of(town, pool_size=3)
    with closing(other.database.connect()) as there, closing(home.database.connect()) as late:
        there.rows("select 1")
        with pytest.raises(ConnectionFailed, match="smaller `pool_size`"):
            late.rows("select 1")


def test_waiting_for_a_connection_can_be_stopped(kind: str) -> None:
    home = home_of(Town(kind, 9), pool_size=3, acquire_timeout=600)

    def wait_in(session: Session) -> str:
        try:
            session.rows("select 1")
        except ConnectionFailed as failed:
            return failed.what
        return ""

    held = [home.database.connect() for _ in range(4)]
    with ExitStack() as stack, ThreadPoolExecutor(1) as thread:
        for session in held:
            stack.callback(session.close)
        for session in held[:3]:
            session.rows("select 1")
        waiting = thread.submit(wait_in, held[3])
        held[3].interrupt()
        assert "stopped" in waiting.result(20)


def test_a_pool_shows_no_password(kind: str) -> None:
    town = Town(kind, 3)
    home = home_of(town, url=town.url.replace("@", ":hunter2@", 1))
    assert home.database.pool is not None
    told = f"{vars(home.database.pool)} {home.database.pool.supply!r} {pool_module._POOLS!r}"
    assert "hunter2" not in told


def test_other_settings_are_another_pool(kind: str) -> None:
    town = Town(kind, 3)
    one, same, other = (home_of(town, pool_size=size).database.pool for size in (3, 3, 4))
    assert one is same
    assert one is not other


def test_a_lease_is_renewed_while_the_load_is_published(kind: str) -> None:
    """However long that takes: who renews does not wait for who publishes."""
    town = Town(kind, 3)
    town.fill("t", 1)
    flow = town.flow("t", MemoryJournal(), connection={"pool_size": 3, "lock_seconds": 1})
    flow.lease_seconds = 0.3
    assert asyncio.run(flow.run()).error is None
    copy = town.table("t_copy")
    if kind == "postgres":
        slow, body = town.table("slow"), "begin perform pg_sleep(3); return null; end"
        town.ask(f"create function {slow}() returns trigger language plpgsql as $f${body}$f$")
        when = f"after insert on {copy} for each statement execute function {slow}()"
        town.ask(f"create trigger slow {when}")
    else:
        town.ask(f"create trigger slow after insert on {copy} for each row set @slow = sleep(3)")
    assert asyncio.run(flow.run()).error is None
