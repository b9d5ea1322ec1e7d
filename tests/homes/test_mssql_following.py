"""SQL Server's own accounts of what is new: rowversion, and Change Tracking with its deletes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.rigs import mssql
from tests.rigs.sqlite import SqliteStoreRig

from hygge.core.errors import HomeError, HyggeError, Unsupported
from hygge.core.home import HomeConfig
from hygge.core.store import Deletes
from hygge.databases.mssql_changes import ChangeTracking
from hygge.flow.factory import FlowFactory, NoConnections
from hygge.flow.report import FlowReport
from hygge.flow.settings import FlowSettings
from hygge.flow.terms import Terms
from hygge.homes import sql_slices
from hygge.journal.memory import MemoryJournal
from hygge.stores.sql import SqlStoreConfig
from hygge.testing.harness import unordered

BY_VERSION: dict[str, Any] = {"watermark": "rv"}
BY_CHANGES: dict[str, Any] = {"incremental": "change_tracking"}


class Shop:
    """A table of people in a database of its own, and a table in SQLite that follows it."""

    def __init__(self, tmp: Path) -> None:
        self.database, self.rig = f"shop_{secrets.token_hex(6)}", SqliteStoreRig(tmp)
        self.journal = MemoryJournal()
        mssql.ask(f"create database {self.database}")
        self.ask(f"alter database {self.database} set allow_snapshot_isolation on")
        self.ask(
            "create table people (id int not null primary key, name nvarchar(20) not null, "
            "age int null, rv rowversion)"
        )

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return mssql.ask(sql, database=self.database)

    def track(self) -> None:
        self.ask(
            f"alter database {self.database} set change_tracking = on "
            "(change_retention = 2 days, auto_cleanup = on)"
        )
        self.ask("alter table people enable change_tracking")

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """Somebody's transaction, which is open until the block ends."""
        with closing(mssql.connected(self.database)) as db:
            db.autocommit = False
            yield db.cursor().execute
            db.commit()

    def run(self, **settings: Any) -> FlowReport:
        home = {"type": "mssql", "connection": mssql.url(self.database), "table": "people"}
        store = self.rig.store().config
        assert isinstance(store, SqlStoreConfig)
        flow = FlowFactory.build(
            "people",
            HomeConfig.create({**home, **settings.pop("home", {})}),
            store,
            FlowSettings(**{"run_type": "incremental", "keys": ["id"], "retries": 0, **settings}),
            self.journal,
            connections=NoConnections(),
        )
        return asyncio.run(flow.run(Terms(pause=lambda _: asyncio.sleep(0))))

    def done(self, **settings: Any) -> FlowReport:
        report = self.run(**settings)
        if report.error is not None:
            raise report.error
        return report

    def rows(self, words: str = "id, name, age") -> list[tuple[Any, ...]]:
        return unordered(self.rig.ask(f"select {words} from people"))

    def source(self) -> list[tuple[Any, ...]]:
        return unordered(self.ask("select id, name, age from people"))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_late_commit_is_not_passed_by_and_an_update_is_seen(shop: Shop) -> None:
    shop.ask("insert into people (id, name) values (1, 'ann'), (2, 'bob')")
    assert shop.done(**BY_VERSION).rows == 2
    with shop.writing() as slow:
        slow("insert into people (id, name) values (3, 'cid')")
        shop.ask("insert into people (id, name) values (4, 'dee')")
        shop.done(**BY_VERSION)
        assert [row[0] for row in shop.rows()] == [1, 2]
    shop.done(**BY_VERSION)
    assert shop.rows() == shop.source()
    shop.ask("update people set age = 7 where id = 1")
    shop.done(**BY_VERSION)
    assert shop.rows() == shop.source()


def test_changes_and_deletes_are_followed(shop: Shop) -> None:
    shop.track()
    shop.ask(
        "insert into people (id, name, age) values (1, 'ann', 1), (2, 'bob', 2), (3, 'cid', 3)"
    )
    assert shop.done(**BY_CHANGES).rows == 3
    shop.ask("update people set age = 22 where id = 2")
    shop.ask("delete from people where id = 3")
    shop.ask("insert into people (id, name) values (4, 'dee')")
    shop.ask("insert into people (id, name) values (5, 'eve')")
    shop.ask("delete from people where id = 5")
    report = shop.done(**BY_CHANGES)
    assert report.error is None
    assert shop.rows() == shop.source()
    assert shop.done(**BY_CHANGES).rows == 0
    shop.ask("delete from people")
    shop.done(**BY_CHANGES)
    assert shop.rows() == []


def test_what_is_not_committed_yet_comes_later(shop: Shop) -> None:
    shop.track()
    shop.ask("insert into people (id, name) values (1, 'ann')")
    shop.done(**BY_CHANGES)
    with shop.writing() as slow:
        slow("insert into people (id, name) values (2, 'bob')")
        shop.ask("insert into people (id, name) values (3, 'cid')")
        shop.done(**BY_CHANGES)
        assert [row[0] for row in shop.rows()] == [1, 3]
    shop.done(**BY_CHANGES)
    assert shop.rows() == shop.source()


def test_rows_that_are_gone_may_be_marked(shop: Shop) -> None:
    shop.track()
    shop.ask("insert into people (id, name) values (1, 'ann'), (2, 'bob')")
    shop.done(**BY_CHANGES, deletes=Deletes.SOFT)
    shop.ask("delete from people where id = 1")
    shop.done(**BY_CHANGES, deletes=Deletes.SOFT)
    marked = shop.rows("id, _hygge_deleted_at is not null")
    assert marked == [(1, 1), (2, 0)]


def test_a_condition_keeps_no_delete_away(shop: Shop) -> None:
    shop.track()
    shop.ask("insert into people (id, name, age) values (1, 'ann', 1), (2, 'bob', 2)")
    shop.done(**BY_CHANGES, where="age > 0 -- all of them")
    shop.ask("delete from people where id = 2")
    shop.done(**BY_CHANGES, where="age > 0 -- all of them")
    assert shop.rows() == shop.source()


def test_a_row_that_is_not_meant_any_more_is_gone(shop: Shop) -> None:
    shop.track()
    shop.ask("insert into people (id, name, age) values (1, 'ann', 1), (2, 'bob', 2)")
    shop.done(**BY_CHANGES, where="age > 0")
    shop.ask("update people set age = -1 where id = 2")
    shop.ask("insert into people (id, name, age) values (3, 'cid', 3), (4, 'dee', -4)")
    shop.done(**BY_CHANGES, where="age > 0")
    assert [row[0] for row in shop.rows()] == [1, 3]
    shop.ask("update people set age = 2 where id = 2")
    shop.done(**BY_CHANGES, where="age > 0")
    assert [row[0] for row in shop.rows()] == [1, 2, 3]


def test_without_tracking_it_is_told_how_to_begin(shop: Shop) -> None:
    report = shop.run(**BY_CHANGES)
    assert isinstance(report.error, Unsupported)
    assert "enable change_tracking" in str(report.error.hint)


def test_changes_that_are_no_longer_kept_need_a_full_load(shop: Shop) -> None:
    shop.track()
    shop.ask("insert into people (id, name) values (1, 'ann')")
    shop.done(**BY_CHANGES)
    shop.ask("alter table people disable change_tracking")
    shop.ask("insert into people (id, name) values (2, 'bob')")
    shop.ask("alter table people enable change_tracking")
    shop.ask("insert into people (id, name) values (3, 'cid')")
    report = shop.run(**BY_CHANGES)
    assert isinstance(report.error, HyggeError)
    assert "hygge go --full-drop --flow people" in str(report.error)
    shop.done(**BY_CHANGES, run_type="full_drop")
    assert shop.rows() == shop.source()
    shop.ask("delete from people where id = 1")
    shop.done(**BY_CHANGES)
    assert shop.rows() == shop.source()


def test_what_is_forgotten_while_it_is_read_is_not_passed_by(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cleanup comes between the look at what is kept and the rows."""
    shop.track()
    shop.ask("insert into people (id, name) values (1, 'ann'), (2, 'bob')")
    shop.done(**BY_CHANGES)
    shop.ask("delete from people where id = 2")
    source = ChangeTracking.source

    def cleaned_up(self: ChangeTracking, *asked: Any) -> str:
        told = source(self, *asked)
        shop.ask("alter table people disable change_tracking")
        shop.ask("alter table people enable change_tracking")
        return told

    with monkeypatch.context() as patch:
        patch.setattr(ChangeTracking, "source", cleaned_up)
        report = shop.run(**BY_CHANGES)
    assert isinstance(report.error, HomeError)
    assert "no longer kept" in str(report.error)
    assert [row[0] for row in shop.rows()] == [1, 2]
    shop.done(**BY_CHANGES, run_type="full_drop")
    assert shop.rows() == shop.source()


def test_changes_may_be_read_by_many_statements(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is over after its first batch, by the clock."""
    hours = iter(range(0, 10**9, 3600))
    monkeypatch.setattr(sql_slices, "_clock", lambda: next(hours))
    sliced: dict[str, Any] = {**BY_CHANGES, "home": {"max_statement_seconds": 5}}
    shop.track()
    shop.ask("insert into people (id, name) values (1, 'ann'), (2, 'bob'), (3, 'cid')")
    shop.done(**sliced)
    assert shop.rows() == shop.source()
    shop.ask("update people set age = 22 where id = 2")
    shop.ask("delete from people where id = 3")
    shop.ask("insert into people (id, name) values (4, 'dee')")
    shop.done(**sliced)
    assert shop.rows() == shop.source()
