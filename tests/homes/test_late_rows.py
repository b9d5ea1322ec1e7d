"""Rows that are written before others and seen after them: no run may pass them by for good.

Other connections write to real servers, open and close their transactions, and runs come between.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import psycopg
import pytest
from tests.flow.stage import Stage
from tests.rigs import mssql, mysql
from tests.servers import postgres

from hygge.core.events import Notice
from hygge.core.home import HomeConfig
from hygge.core.journal import Status
from hygge.core.schema import Column
from hygge.core.watermark import Watermark
from hygge.databases.database import Field, Session, Writer
from hygge.flow.factory import NoConnections
from hygge.flow.report import FlowReport
from hygge.homes import sql_bound
from hygge.homes.sql import SqlHome
from hygge.homes.sql_config import SqlHomeConfig

Row = tuple[Any, ...]
APPEND: dict[str, Any] = {"run_type": "incremental", "write": "append"}
STAMPS = {"postgres": "timestamptz", "mysql": "timestamp(6)", "mssql": "datetime2(6)"}
MERGE: dict[str, Any] = {"run_type": "incremental", "keys": "id"}


class Shop:
    """A table of orders in a database that others write to, and a flow that follows it."""

    def __init__(self, kind: str, tmp: Path, patch: pytest.MonkeyPatch) -> None:
        self.kind, self.stage = kind, Stage(tmp)
        self.table = f"orders_{secrets.token_hex(6)}"
        if kind == "mysql":
            mysql.ask(None, f"create database {self.table}")
        urls: dict[str, Callable[[], str]] = {
            "postgres": postgres.url,
            "mysql": partial(mysql.url, self.table),
            "mssql": mssql.url,
        }
        self.url = urls[kind]()
        patch.setattr(sql_bound, "PATIENCE", 0.0)
        with self.writing() as write:
            write(f"create table {self.table} (id bigint, at {STAMPS[kind]} null)")

    def connected(self) -> Any:
        if self.kind == "postgres":
            return psycopg.connect(postgres.url())
        if self.kind == "mssql":
            db = mssql.connected()
            db.autocommit = False
            return db
        db = mysql.connected(self.table)
        db.autocommit(False)
        return db

    @contextmanager
    def writing(self) -> Iterator[Callable[[str], None]]:
        """Somebody else's transaction, which ends with the block."""
        with closing(self.connected()) as db:
            cursor = db.cursor()
            yield cursor.execute
            db.commit()

    def add(self, write: Callable[[str], None], *ids: int, at: str | None = None) -> None:
        now = "sysdatetime()" if self.kind == "mssql" else "now()"
        for n in ids:
            write(f"insert into {self.table} values ({n}, {at or now})")

    def home(self, **more: Any) -> SqlHome:
        config = HomeConfig.create(
            {"type": self.kind, "connection": self.url, "table": self.table, **more}
        )
        assert isinstance(config, SqlHomeConfig)
        return SqlHome.build(config, NoConnections())

    def run(self, settings: dict[str, Any], watermark: Any = "id") -> FlowReport:
        self.stage.heard.clear()
        flow = self.stage.flow(self.home(), **settings, watermark=watermark)
        return self.stage.done(flow)

    @property
    def ids(self) -> list[int]:
        return [row[0] for row in self.stage.rows]

    @property
    def notices(self) -> str:
        return "\n".join(notice.text for notice in self.stage.told(Notice))


@pytest.fixture(params=["postgres", "mysql", "mssql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(request.param, tmp_path, monkeypatch)


@pytest.mark.parametrize("settings", [APPEND, MERGE])
@pytest.mark.parametrize("watermark", ["id", "at"])
def test_a_late_commit_is_not_passed_by(
    shop: Shop, settings: dict[str, Any], watermark: str
) -> None:
    with shop.writing() as write:
        shop.add(write, 1, 2, at="'2024-01-01'")
    shop.run(settings, watermark)
    with shop.writing() as slow:
        shop.add(slow, 3)
        with shop.writing() as quick:
            shop.add(quick, 4)
        shop.run(settings, watermark)
        assert "have been writing since" in shop.notices
        assert 3 not in shop.ids
    shop.run(settings, watermark)
    assert shop.ids == [1, 2, 3, 4]
    assert shop.run(settings, watermark).error is None
    assert shop.ids == [1, 2, 3, 4]
    assert shop.notices == ""


@pytest.mark.parametrize("settings", [APPEND, MERGE])
@pytest.mark.parametrize("watermark", ["id", "at"])
def test_a_full_load_while_others_write_is_gone_on_from(
    shop: Shop, settings: dict[str, Any], watermark: str
) -> None:
    with shop.writing() as write:
        shop.add(write, 1, at="'2024-01-01'")
    with shop.writing() as slow:
        shop.add(slow, 2)
        with shop.writing() as quick:
            shop.add(quick, 3)
        shop.run({**settings, "run_type": "full_drop"}, watermark)
        assert "have been writing since" in shop.notices
    if shop.kind != "postgres" and watermark == "id" and settings is APPEND:
        assert "best effort" in shop.notices  # nothing tells which rows are below
        return
    assert "best effort" not in shop.notices
    shop.run(settings, watermark)
    assert shop.ids == [1, 2, 3]


@pytest.mark.parametrize("watermark", ["id", "at"])
def test_a_first_merge_while_others_write_is_gone_on_from(shop: Shop, watermark: str) -> None:
    with shop.writing() as slow:
        shop.add(slow, 1)
        with shop.writing() as quick:
            shop.add(quick, 2)
        shop.run(MERGE, watermark)
        assert "best effort" not in shop.notices
    shop.run(MERGE, watermark)
    assert shop.ids == [1, 2]


def test_what_others_write_below_a_source_that_went_back_is_not_passed_by(shop: Shop) -> None:
    finds = {**MERGE, "detect_deletes": "by_key_compare", "max_delete_fraction": 1}
    with shop.writing() as write:
        shop.add(write, 5)
    shop.run(finds)
    with shop.writing() as write:
        write(f"delete from {shop.table}")
    with shop.writing() as slow:
        shop.add(slow, 2)
        with shop.writing() as quick:
            shop.add(quick, 3)
        shop.run(finds)
    shop.run(finds)
    assert shop.ids == [2, 3]


def test_what_is_rolled_back_was_never_there(shop: Shop) -> None:
    with shop.writing() as write:
        shop.add(write, 1)
    shop.run(APPEND)
    with shop.writing() as slow:
        shop.add(slow, 2)
        with shop.writing() as quick:
            shop.add(quick, 3)
        shop.run(APPEND)
        slow("rollback")
    shop.run(APPEND)
    assert shop.ids == [1, 3]


def test_whoever_only_reads_holds_nobody_up(shop: Shop) -> None:
    with shop.writing() as reader:
        reader(f"select * from {shop.table}")
        with shop.writing() as write:
            shop.add(write, 1, 2)
        shop.run(APPEND)
        assert shop.ids == [1, 2]
        assert "writing" not in shop.notices


def test_a_short_transaction_is_waited_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_bound, "PATIENCE", 60.0)
    with shop.writing() as write:
        shop.add(write, 1)
    with closing(shop.connected()) as slow:
        shop.add(slow.cursor().execute, 2)
        monkeypatch.setattr("hygge.homes.sql_bound.time.sleep", lambda _: slow.commit())
        with shop.writing() as quick:
            shop.add(quick, 3)
        shop.run(APPEND)
    assert shop.ids == [1, 2, 3]


def test_those_who_are_still_at_work_leave_all_for_later(shop: Shop) -> None:
    with shop.writing() as write:
        shop.add(write, 1, at="'2024-01-01'")
    shop.run(APPEND, "at")
    with shop.writing() as slow:
        shop.add(slow, 2)
        with shop.writing() as quick:
            shop.add(quick, 3)
        assert shop.run(APPEND, "at").status is Status.SKIP


def test_lag_leaves_the_newest_rows_for_later(shop: Shop) -> None:
    with shop.writing() as write:
        shop.add(write, 1, at="'2024-01-01'")
        shop.add(write, 2)
    shop.run(APPEND, {"column": "at", "lag": "1h"})
    assert shop.ids == [1]
    shop.run(APPEND, "at")
    assert shop.ids == [1, 2]


def test_overlap_reads_back_again(shop: Shop) -> None:
    with shop.writing() as write:
        shop.add(write, 1, at="'2024-01-02'")
    shop.run(MERGE, "at")
    with shop.writing() as write:
        shop.add(write, 2, at="'2024-01-01 12:00'")
        shop.add(write, 3, at="'2023-12-31'")
    shop.run(MERGE, {"column": "at", "overlap": "1d"})
    assert shop.ids == [1, 2]


def test_rows_without_a_position_can_be_merged_each_time(shop: Shop) -> None:
    with shop.writing() as write:
        shop.add(write, 1)
        shop.add(write, 2, at="null")
    for _ in range(2):
        shop.run(MERGE, {"column": "at", "nulls": "include"})
        assert shop.ids == [1, 2]


def test_a_user_who_may_not_know_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop("postgres", tmp_path, monkeypatch)
    with shop.writing() as write:
        shop.add(write, 1, at="'2024-01-01'")
        write(f"do $$ begin create role {shop.table}_reader login; end $$")
        write(f"grant select on {shop.table} to {shop.table}_reader")
    url = postgres.url().replace("//hygge@", f"//{shop.table}_reader@")
    with shop.writing() as slow:
        shop.add(slow, 2)
        with shop.writing() as quick:
            shop.add(quick, 3)
        flow = shop.stage.flow(shop.home(connection=url), **APPEND, watermark="at")
        shop.stage.done(flow)
        assert "best effort: rows may have been missed" in shop.notices


def test_positions_of_hands_without_a_zone(shop: Shop) -> None:
    """Whether they are the server's or UTC nobody knows: the earlier counts."""
    kind = {"postgres": "timestamp", "mysql": "datetime(6)", "mssql": "datetime2(6)"}[shop.kind]
    add = "add" if shop.kind == "mssql" else "add column"
    with shop.writing() as write:
        write(f"alter table {shop.table} drop column at")
        write(f"alter table {shop.table} {add} at {kind}")
        shop.add(write, 1, at="'2024-01-01'")
    with shop.writing() as slow:
        shop.add(slow, 2)
        with shop.writing() as quick:
            ahead = datetime.now(UTC) + timedelta(days=2)
            shop.add(quick, 3, at=f"'{ahead:%Y-%m-%d}'")
        shop.run(APPEND, "at")
        assert shop.ids == [1]
    shop.run(APPEND, "at")
    assert shop.ids == [1, 2, 3]


def test_several_rows_of_one_key_and_moment_are_refused_unless_any_will_do(shop: Shop) -> None:
    with shop.writing() as write:
        shop.add(write, 1, at="'2024-01-01'")
        add = "add" if shop.kind == "mssql" else "add column"
        write(f"alter table {shop.table} {add} note varchar(9)")
        write(f"insert into {shop.table} values (1, '2024-01-01', 'other')")
        shop.add(write, 2, at="'2024-01-01', 'x'")
    flow = shop.stage.flow(shop.home(), **MERGE, watermark="at")
    report = shop.stage.run(flow)
    assert "id = 1" in str(report.error)
    assert "on_tie: any" in str(report.error)
    shop.run({**MERGE, "on_tie": "any"}, "at")
    assert shop.ids == [1, 2]


def test_a_row_of_the_same_second_is_not_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """What began at 10.7 may have written 10.0, into a column without fractions."""
    monkeypatch.setattr(sql_bound, "PATIENCE", 0.0)
    second = datetime(2024, 1, 1, 0, 0, 10, tzinfo=UTC)
    began = second.replace(microsecond=700_000)
    session = SimpleNamespace(clock=lambda: (began, began), writers=lambda: [Writer("19", began)])
    field = Field(Column("at", pl.Datetime("us", "UTC")), "timestamp", "at")
    top = Watermark("at", "datetime(us, UTC)", second)
    bound = sql_bound.settled(cast(Session, session), field, top, None)
    assert bound.watermark == Watermark("at", "datetime(us, UTC)", second, closed=False)
    assert "left for the next run" in bound.why


def test_an_append_does_not_double_what_a_full_load_read_above_its_position(shop: Shop) -> None:
    with shop.writing() as write:
        shop.add(write, 1, at="'2024-01-01'")
        shop.add(write, 2)
    late = {"column": "at", "lag": "1h"}
    shop.run({**MERGE, "run_type": "full_drop"}, late)
    assert shop.ids == [1, 2]
    flow = shop.stage.flow(shop.home(), **{**MERGE, "write": "append"}, watermark="at")
    assert "could double rows" in str(shop.stage.run(flow).error)
    shop.run(MERGE, "at")
    assert shop.ids == [1, 2]
