"""Rows told by the transactions that wrote them: none is passed by, whatever others do."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.flow.stage import Stage
from tests.rigs.sqlite import SqliteStoreRig
from tests.servers import postgres
from tests.servers.postgres import own_server
from tests.workspace.project import refused

from hygge.core.errors import ConfigError, FlowError, Unsupported
from hygge.core.events import Notice, PartitionsPlanned
from hygge.core.home import HomeConfig
from hygge.core.journal import Status
from hygge.databases import postgres_xmin
from hygge.databases.database import Session, Table
from hygge.databases.postgres_xmin import Xmin
from hygge.flow.factory import NoConnections
from hygge.flow.report import FlowReport
from hygge.homes import sql_bound
from hygge.homes.sql import SqlHome
from hygge.homes.sql_config import SqlHomeConfig
from hygge.journal.memory import MemoryJournal
from hygge.testing.harness import Row, unordered

XMIN: dict[str, Any] = {"run_type": "incremental", "incremental": "xmin", "keys": "id"}
Write = Callable[[str], object]


class Shop:
    """A table of a PostgreSQL server that others write to, and a flow that follows it."""

    def __init__(self, tmp: Path, url: str | None = None) -> None:
        self.stage, self.url = Stage(tmp), url or postgres.url()
        self.table = f"orders_{secrets.token_hex(6)}"
        self.do(f"create table {self.table} (id bigint primary key, word text)")

    def do(self, *statements: str) -> list[Row]:
        """Each in a transaction of its own; the rows of the last one."""
        found = list[Row]()
        with psycopg.connect(self.url, autocommit=True) as db:
            for sql in statements:
                cursor = db.execute(sql.encode())
                found = cursor.fetchall() if cursor.description else []
        return found

    @contextmanager
    def writing(self) -> Iterator[Write]:
        """Somebody else's transaction, which ends with the block."""
        with closing(psycopg.connect(self.url)) as db:
            yield lambda sql: db.execute(sql.encode())
            db.commit()

    def add(self, *ids: int, write: Write | None = None, word: str = "new") -> None:
        sql = f"insert into {self.table} values " + ", ".join(f"({n}, '{word}')" for n in ids)
        (write or self.do)(sql)

    def change(self, *ids: int, write: Write | None = None, word: str = "changed") -> None:
        listed = ", ".join(map(str, ids))
        (write or self.do)(f"update {self.table} set word = '{word}' where id in ({listed})")

    def home(self, **more: Any) -> SqlHome:
        told = {"type": "postgres", "connection": self.url, "table": self.table, **more}
        config = HomeConfig.create(told)
        assert isinstance(config, SqlHomeConfig)
        return SqlHome.build(config, NoConnections())

    def run(self, **more: Any) -> FlowReport:
        """How many rows came, or why it failed."""
        self.stage.heard.clear()
        return self.stage.run(self.stage.flow(self.home(), **{**XMIN, **more}))

    def moved(self, **more: Any) -> int:
        report = self.run(**more)
        if report.error is not None:
            raise report.error
        return report.rows

    @property
    def rows(self) -> list[Row]:
        return self.stage.rows

    @property
    def source(self) -> list[Row]:
        return unordered(self.do(f"select id, word from {self.table}"))

    @property
    def notices(self) -> str:
        return "\n".join(notice.text for notice in self.stage.told(Notice))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_bound, "PATIENCE", 0.0)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_only_what_was_written_since_is_read(shop: Shop) -> None:
    shop.add(1, 2, 3)
    assert shop.moved() == 3
    shop.change(2)
    shop.add(4)
    assert shop.moved() == 2
    assert shop.rows == [(1, "new"), (2, "changed"), (3, "new"), (4, "new")]
    assert shop.run().status is Status.SKIP
    assert shop.stage.last is not None
    mark = shop.stage.last.watermark
    assert mark is not None
    assert (mark.column, mark.type) == ("xmin", "int64")
    ((server, database),) = shop.do(
        "select system_identifier::text || '/1/', oid::text from pg_control_system(), pg_database "
        "where datname = current_database()"
    )
    assert (mark.counter or "").startswith(f"{server}{database}/")


@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_a_late_transaction_is_not_passed_by(shop: Shop, ends: str) -> None:
    shop.add(1, 2)
    shop.moved()
    with shop.writing() as slow:
        shop.add(3, write=slow)
        slow("savepoint s")
        shop.change(1, write=slow, word="slow")
        slow("release savepoint s")
        shop.add(4)
        shop.moved()
        assert "rows since then are left for the next run" in shop.notices
        assert 3 not in [row[0] for row in shop.rows]
        slow(ends)
    shop.moved()
    assert shop.rows == shop.source
    assert shop.notices == ""


def test_a_full_load_while_others_write_is_gone_on_from(shop: Shop) -> None:
    shop.add(1)
    with shop.writing() as slow:
        shop.add(2, write=slow)
        shop.add(3)
        assert shop.moved(run_type="full_drop") == 2
    assert shop.moved() == 2  # that which came late, and that which was above
    assert shop.rows == shop.source


def test_a_prepared_transaction_is_an_open_one(tmp_path: Path) -> None:
    with own_server("max_prepared_transactions = 2\n") as url:
        shop = Shop(tmp_path, url)
        shop.add(1)
        shop.moved()
        with closing(psycopg.connect(url, autocommit=True)) as db:
            db.execute("begin")
            db.execute(f"insert into {shop.table} values (2, 'late')".encode())
            db.execute("prepare transaction 'late'")
            shop.add(3)
            shop.run()
            db.execute("commit prepared 'late'")
        shop.moved()
        assert shop.rows == shop.source


def test_short_ones_are_waited_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_bound, "PATIENCE", 60.0)
    shop.add(1)
    with closing(psycopg.connect(shop.url)) as slow:
        shop.add(2, write=lambda sql: slow.execute(sql.encode()))
        shop.add(3)
        monkeypatch.setattr("hygge.homes.sql_bound.time.sleep", lambda _: slow.commit())
        shop.moved()
    assert shop.rows == shop.source
    assert "writing" not in shop.notices


def test_frozen_rows_are_known_by_the_number_they_had(shop: Shop) -> None:
    shop.add(1, 2)
    shop.moved()
    shop.change(2)
    shop.do(f"vacuum freeze {shop.table}")
    assert shop.moved() == 1
    shop.do(f"vacuum freeze {shop.table}")
    assert shop.run().status is Status.SKIP
    assert shop.rows == shop.source


@pytest.mark.parametrize("deletes", ["hard", "soft"])
def test_deleted_rows_are_found_by_their_keys(shop: Shop, tmp_path: Path, deletes: str) -> None:
    rig = SqliteStoreRig(tmp_path)
    known = {**XMIN, "detect_deletes": "by_key_compare", "max_delete_fraction": 1}

    def moved() -> FlowReport:
        flow = shop.stage.flow(shop.home(), rig.store(), deletes=deletes, **known)
        return shop.stage.done(flow)

    def there() -> list[Row]:
        return [row[:2] for row in rig.look() or [] if row[2:] in ((), (None,))]

    shop.add(1, 2, 3)
    moved()
    shop.do(f"delete from {shop.table} where id = 1")
    moved()
    assert unordered(there()) == shop.source
    shop.add(1, word="again")
    shop.do(f"delete from {shop.table} where id = 2")
    assert moved().rows == 1
    assert unordered(there()) == shop.source
    assert moved().status is Status.SKIP


def test_a_counter_that_went_back_is_no_sign_of_deletes(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = SqliteStoreRig(tmp_path)
    known = {**XMIN, "detect_deletes": "by_key_compare"}
    shop.add(1)
    shop.stage.done(shop.stage.flow(shop.home(), rig.store(), **known))
    now = Xmin.now
    monkeypatch.setattr(Xmin, "now", lambda *asked: replace(now(*asked), finished=500))
    report = shop.stage.run(shop.stage.flow(shop.home(), rig.store(), **known))
    assert "the source went back" in str(report.error)


def test_a_database_remembers_the_position(shop: Shop, tmp_path: Path) -> None:
    rig = SqliteStoreRig(tmp_path)

    def moved() -> FlowReport:
        return shop.stage.done(shop.stage.flow(shop.home(), rig.store(), **XMIN))

    shop.add(1, 2)
    assert moved().rows == 2
    shop.stage.journal = MemoryJournal()  # which has nothing to do with it
    shop.change(2)
    assert moved().rows == 1
    assert moved().status is Status.SKIP
    assert unordered(rig.look()) == shop.source
    last = asyncio.run(rig.store().last("people"))
    assert last is not None
    assert last.watermark is not None
    assert (last.watermark.counter or "").split("/")[1] == "1"


# -- what the numbers do not tell ----------------------------------------------------------


def test_rows_of_a_partition_that_was_attached_are_read(shop: Shop) -> None:
    """They were written long before, and came just now."""
    table = shop.table
    shop.do(
        f"drop table {table}",
        f"create table {table} (id bigint primary key, word text) partition by range (id)",
        f"create table {table}_a partition of {table} for values from (0) to (10)",
        f"create table {table}_b (id bigint primary key, word text)",
        f"insert into {table}_b values (11, 'old')",
    )
    shop.add(1)
    assert shop.moved() == 1
    shop.do(f"alter table {table} attach partition {table}_b for values from (10) to (20)")
    assert shop.moved() == 2
    assert shop.rows == shop.source
    assert shop.run().status is Status.SKIP


def test_rows_of_another_table_that_took_the_name_are_read(shop: Shop) -> None:
    table = shop.table
    shop.do(f"create table {table}_other (id bigint primary key, word text)")
    shop.do(f"insert into {table}_other values (1, 'old'), (2, 'old')")
    shop.add(1)
    shop.moved()
    shop.do(
        f"begin; alter table {table} rename to {table}_old; "
        f"alter table {table}_other rename to {table}; commit"
    )
    assert shop.moved() == 2
    assert shop.rows == shop.source


def test_a_copy_that_is_frozen_at_once_is_read(shop: Shop) -> None:
    shop.add(1)
    shop.moved()
    with closing(psycopg.connect(shop.url)) as db, db.cursor() as cursor:
        cursor.execute(f"truncate {shop.table}".encode())
        with cursor.copy(f"copy {shop.table} from stdin with (freeze)".encode()) as copy:
            copy.write_row((1, "copied"))
        db.commit()
    shop.moved()
    assert shop.rows == shop.source


def test_all_is_read_where_ages_no_longer_tell(shop: Shop) -> None:
    account, table = Xmin(), Table(shop.table)
    with closing(shop.home().database.connect()) as session:
        last = account.now(session, table).last
        assert account.between(session, table, last, last) is not None
        assert account.between(session, table, last - 2**31, last) is None


def test_numbers_that_are_never_given_are_not_asked_for() -> None:
    """Their age is that of the oldest row there could be."""
    assert [postgres_xmin._given(2**32 + n) for n in (-1, 0, 1, 2, 3)] == [
        *(2**32 - 1,) * 4,
        2**32 + 3,
    ]


def test_nothing_is_lost_where_the_counter_begins_anew(tmp_path: Path) -> None:
    """Rows have the lower half of it, which turns from its last number to its first."""
    with own_server(next_number=3 * 2**32 - 400) as url:
        shop = Shop(tmp_path, url)
        burn = "do $$ begin for n in 1..60 loop perform txid_current(); commit; end loop; end $$"
        for n in range(12):
            shop.add(n)
            shop.change(n // 2, word=f"changed {n}")
            shop.do(burn)
            with shop.writing() as slow:
                shop.add(100 + n, write=slow)
                shop.do(burn)
                shop.moved()
            assert shop.moved() <= 3
            assert shop.rows == shop.source
        assert shop.stage.last is not None
        assert shop.stage.last.watermark is not None
        assert shop.stage.last.watermark.value > 3 * 2**32


def test_a_standby_is_read_as_exactly(tmp_path: Path) -> None:
    with own_server("wal_level = replica\n") as url, own_server(standby_of=url) as standby:
        shop = Shop(tmp_path, url)

        def caught_up() -> None:
            ((here,),) = shop.do("select pg_current_wal_insert_lsn()::text")
            with psycopg.connect(standby, autocommit=True) as db:
                sql = f"select pg_last_wal_replay_lsn() >= '{here}'"
                while not db.execute(sql.encode()).fetchall()[0][0]:
                    pass

        def moved() -> int:
            caught_up()
            flow = shop.stage.flow(shop.home(connection=standby), **XMIN)
            return shop.stage.done(flow).rows

        shop.add(1, 2)
        assert moved() == 2
        with shop.writing() as slow:
            shop.add(3, write=slow)
            shop.change(1)
            moved()
        shop.change(2)
        assert moved() == 3
        assert shop.rows == shop.source
        assert moved() == 0


# -- which server --------------------------------------------------------------------------


def test_another_server_of_the_same_name_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.add(1)
    shop.moved()
    monkeypatch.setattr(postgres_xmin, "_counter", lambda session, name: "4711/1/5/6")
    failed = shop.run().error
    assert isinstance(failed, FlowError)
    assert "xmin is counted by 4711/1/5/6 now" in failed.what
    assert "--full-drop" in str(failed.hint)
    assert shop.moved(run_type="full_drop") == 1
    shop.add(2)
    assert shop.moved() >= 1
    assert shop.rows == shop.source


def test_a_counter_that_went_back_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.add(1)
    shop.moved()
    now = Xmin.now

    def restored(self: Xmin, session: Session, table: Table) -> Any:
        point = now(self, session, table)
        return type(point)(500, 500, point.counter)

    monkeypatch.setattr(Xmin, "now", restored)
    failed = shop.run().error
    assert "the source went back: its greatest xmin is 500" in str(failed)
    assert "--full-drop" in str(failed)


def test_a_server_that_does_not_say_who_it_is_is_told(tmp_path: Path) -> None:
    name = f"shop_{secrets.token_hex(6)}"
    Shop(tmp_path / "a").do(f"create database {name}", f"create role {name} login")
    shop = Shop(tmp_path / "b", postgres.url().replace("/postgres", f"/{name}"))
    shop.add(1)
    shop.do(
        "revoke execute on function pg_control_system() from public",
        f"grant select on {shop.table} to {name}",
    )
    shop.url = shop.url.replace("//hygge@", f"//{name}@")
    assert shop.moved() == 1
    assert "best effort: who the server is, is not told" in shop.notices
    assert shop.run().status is Status.SKIP


# -- where it fits -------------------------------------------------------------------------


def test_partitions_share_one_window(shop: Shop) -> None:
    shop.add(*range(100))
    home = shop.home(partitions=3)
    shop.stage.done(shop.stage.flow(home, parallel=3, **XMIN))
    shop.change(*range(0, 100, 10))
    shop.stage.heard.clear()
    assert shop.stage.done(shop.stage.flow(home, parallel=3, **XMIN)).rows == 10
    assert [event.count for event in shop.stage.told(PartitionsPlanned)] == [3]
    assert shop.rows == shop.source


def test_it_goes_with_a_condition_and_with_chosen_columns(shop: Shop) -> None:
    shop.add(1, 2, 3, 4)
    narrow = {"where": "id % 2 = 0 or id = 1", "columns": ("id",)}
    assert shop.moved(**narrow) == 3
    shop.change(2, 3)
    assert shop.moved(**narrow) == 1
    assert shop.rows == [(1,), (2,), (4,)]


def test_a_load_by_a_column_is_not_gone_on_from(shop: Shop) -> None:
    shop.add(1)
    shop.moved(incremental=None, watermark="id")
    failed = shop.run().error
    assert "watermark was id int64, now xmin int64" in str(failed)


def test_a_table_without_a_primary_key_is_refused(shop: Shop) -> None:
    """Of two rows of one key, nothing would tell which is the latest."""
    shop.do(f"alter table {shop.table} drop constraint {shop.table}_pkey")
    failed = shop.run().error
    assert isinstance(failed, ConfigError)
    assert "the table has none" in failed.what


def test_other_keys_than_the_primary_one_are_refused(shop: Shop) -> None:
    assert "the primary key, of id" in str(shop.run(keys="word").error)


def test_keys_are_known_by_either_name(shop: Shop) -> None:
    shop.add(1)
    assert shop.moved(polish={"columns": {"case": "upper"}}, keys="ID") == 1


def test_a_view_is_refused(shop: Shop) -> None:
    shop.do(f"create view {shop.table}_seen as select * from {shop.table}")
    with closing(shop.home().database.connect()) as session, pytest.raises(Unsupported) as failed:
        Xmin().now(session, Table(f"{shop.table}_seen"))
    assert "only a table's own rows" in failed.value.what


FLOW = "store: {type: sqlite, path: out.db, table: t}\nincremental: xmin\nkeys: id\n"
URL = "connection: 'postgresql://a@b/c'"
TABLE = f"home: {{type: postgres, {URL}, table: t}}\n"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (f"home: {{type: sqlite, path: in.db, table: t}}\n{FLOW}", "cannot tell new rows by"),
        (f"home: {{type: postgres, {URL}, query: select 1}}\n{FLOW}", "cannot tell new rows"),
        (f"{TABLE}{FLOW}watermark: id\n", "both tell what is new"),
        (f"{TABLE}{FLOW}".replace("keys: id\n", ""), "it needs `keys` to merge them by"),
        (f"{TABLE}{FLOW}write: append\n", "needs `keys`"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(
    tmp_path: Path, written: str, told: str
) -> None:
    failed = refused(tmp_path, {"flows/f/flow.yml": f"run_type: incremental\n{written}"})
    assert told in failed.what
    assert failed.hint


def test_a_range_of_it_cannot_be_asked_for(tmp_path: Path) -> None:
    failed = refused(tmp_path, {"flows/f/flow.yml": TABLE + FLOW}, backfill=("1", None))
    assert "a backfill needs a `watermark`" in failed.what


# -- whatever others do --------------------------------------------------------------------


class Following(RuleBasedStateMachine):
    """Three others write, each to rows of its own; runs come between. Nothing is deleted."""

    tmp: Path

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop(self.tmp / secrets.token_hex(6))
        self.others = [psycopg.connect(self.shop.url) for _ in range(3)]
        self.count, self.saved = 0, [False] * 3

    @initialize(filled=st.booleans())
    def begin(self, filled: bool) -> None:
        if filled:
            self.shop.add(*range(3))

    def write(self, who: int) -> Write:
        return lambda sql: self.others[who].execute(sql.encode())

    @rule(who=st.integers(0, 2), row=st.integers(0, 60), at_once=st.booleans())
    def put(self, who: int, row: int, at_once: bool) -> None:
        self.count += 1
        self.write(who)(
            f"insert into {self.shop.table} values ({3 * row + who}, '{self.count}') "
            "on conflict (id) do update set word = excluded.word"
        )
        if at_once:
            self.end(who, "commit")

    @rule(who=st.integers(0, 2), release=st.booleans())
    def savepoint(self, who: int, release: bool) -> None:
        """Begun; or else ended in one way or the other."""
        if not self.saved[who]:
            self.write(who)("savepoint s")
        else:
            self.write(who)("release savepoint s" if release else "rollback to savepoint s")
        self.saved[who] = not (self.saved[who] and release)

    @rule(who=st.integers(0, 2), ends=st.sampled_from(["commit", "rollback"]))
    def end(self, who: int, ends: str) -> None:
        self.write(who)(ends)
        self.saved[who] = False

    @rule()
    def freeze(self) -> None:
        self.shop.do(f"vacuum freeze {self.shop.table}")

    @rule()
    def follow(self) -> None:
        self.shop.moved()

    @rule()
    def begin_anew(self) -> None:
        self.shop.moved(run_type="full_drop")

    def teardown(self) -> None:
        for other in self.others:
            other.commit()
            other.close()
        self.shop.moved()
        assert self.shop.rows == self.shop.source
        assert self.shop.run().status is Status.SKIP
        self.shop.do(f"drop table {self.shop.table}")


def test_nothing_is_lost_whatever_others_do(tmp_path: Path) -> None:
    class Here(Following):
        tmp = tmp_path

    many = settings(
        max_examples=4,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run = cast(Any, Here).TestCase
    run.settings = many
    run().runTest()


def test_columns_that_take_each_others_names(shop: Shop) -> None:
    """The rows are as they were, and mean something else."""
    shop.do(f"alter table {shop.table} add column other text")
    shop.add(1, 2)
    shop.do(f"update {shop.table} set other = 'other'")
    shop.moved()
    shop.do(
        f"alter table {shop.table} rename column word to x",
        f"alter table {shop.table} rename column other to word",
        f"alter table {shop.table} rename column x to other",
    )
    assert shop.run().rows == 2
    assert sorted(row[1] for row in shop.rows) == ["other", "other"]
