"""A full load that fills another table and gives it the name: what hangs on the name stays."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.flow.stage import Stage
from tests.rigs import mysql
from tests.rigs.mysql import MysqlStoreRig, not_renamed_once
from tests.workspace.project import refused

from hygge.core.errors import StoreError
from hygge.core.journal import Status
from hygge.core.schema import TableSchema
from hygge.core.store import StoreConfig
from hygge.databases.mysql import MysqlSession
from hygge.flow.factory import NoConnections
from hygge.stores.sql import SqlStore, SqlStoreConfig
from hygge.stores.sql_table import SqlTable
from hygge.testing.harness import people, request, settled, staged, unordered


class SwapRig(MysqlStoreRig):
    def store(self) -> SqlStore:
        url = mysql.url(self.database)
        told = {"type": "mysql", "connection": url, "table": "people", "swap": "rename"}
        config = StoreConfig.create(told)
        assert isinstance(config, SqlStoreConfig)
        return SqlStore.build(config, NoConnections())

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return mysql.ask(self.database, sql)


class Swapping(Stage):
    """A flow of full loads into a table of MariaDB's."""

    def __init__(self, tmp: Path) -> None:
        super().__init__(tmp)
        self.rig = self.target = SwapRig(tmp)  # type: ignore[assignment]


@pytest.fixture
def stage(tmp_path: Path) -> Swapping:
    return Swapping(tmp_path)


@pytest.fixture
def renamed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which tables gave their place to another."""
    told, plain = list[str](), SqlTable.replaced_by

    def telling(self: SqlTable, successor: SqlTable, old: SqlTable, *, away: bool) -> None:
        nonlocal told
        told += [self.table.name] if self.exists() else []
        plain(self, successor, old, away=away)

    monkeypatch.setattr(SqlTable, "replaced_by", telling)
    return told


def test_what_hangs_on_the_name_or_can_be_copied_stays(stage: Swapping, renamed: list[str]) -> None:
    stage.give(people(0, 3))
    stage.done()
    assert renamed == []  # there was nothing to be replaced
    user = f"reader_{stage.rig.database[-12:]}"
    stage.rig.ask("create index by_word on people (word(20))")
    stage.rig.ask("create view seen as select count(*) as n from people")
    stage.rig.ask(f"create user {user}")
    stage.rig.ask(f"grant select on people to {user}")
    stage.give(people(2, 5))
    stage.done()
    assert renamed == ["people"]
    assert stage.rows == unordered(people(2, 5).rows())
    assert stage.rig.ask("select n from seen") == [(5,)]
    assert "by_word" in [row[2] for row in stage.rig.ask("show index from people")]
    assert any("people" in row[0] for row in stage.rig.ask(f"show grants for {user}"))
    assert not stage.leftovers
    assert not [name for name in stage.rig.tables() if name.endswith(("_new", "_old"))]
    stage.rig.ask(f"drop user {user}")


def test_the_old_rows_are_not_touched(stage: Swapping, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what it is for: no transaction that deletes them all."""
    stage.give(people(0, 3))
    stage.done()
    said, plain = list[str](), MysqlSession.change

    def hearing(self: MysqlSession, sql: str, *values: Any) -> None:
        said.append(sql)
        plain(self, sql, *values)

    monkeypatch.setattr(MysqlSession, "change", hearing)
    stage.done()
    assert any(sql.startswith("rename table `people`") for sql in said)
    assert not [sql for sql in said if sql.startswith(("delete from `people`", "insert into `pe"))]


def test_columns_may_change_and_nothing_may_come(stage: Swapping) -> None:
    stage.give(people(0, 3))
    stage.done()
    stage.give(people(0, 3).drop("seen"))
    stage.done()
    assert stage.rows == unordered(people(0, 3).drop("seen").rows())
    stage.give(people(0, 0).drop("seen"))
    assert stage.done().status is Status.SUCCESS
    assert stage.rows == []


def test_a_table_whose_rows_are_marked_as_deleted(stage: Swapping) -> None:
    stage.give(people(0, 3))
    stage.done()
    known: dict[str, Any] = {"keys": "id", "deletes": "soft"}
    for _ in range(2):
        stage.done(**known)
        assert "_hygge_deleted_at" in [row[0] for row in stage.rig.ask("show columns from people")]
        assert [row[:4] for row in stage.rows] == unordered(people(0, 3).rows())


def test_what_is_new_is_added_to_it_then(stage: Swapping, renamed: list[str]) -> None:
    known: dict[str, Any] = {"watermark": "id", "write": "append"}
    stage.give(people(0, 3))
    stage.done(**known)
    stage.done(**known)
    stage.give(people(0, 5))
    assert stage.done(run_type="incremental", **known).rows == 2
    assert stage.rows == unordered(people(0, 5).rows())
    assert renamed == ["people"]


HELD = {
    "its trigger watch": ["create trigger watch before delete on people for each row set @n = 1"],
    "its foreign key": [
        "create table words (n bigint primary key)",
        "alter table people add column n bigint, add foreign key (n) references words (n)",
    ],
    "the foreign key": [
        "create unique index by_id on people (id)",
        "create table others (id bigint, constraint theirs foreign key (id) "
        "references people (id))",
    ],
    "its history": ["alter table people add system versioning"],
}


@pytest.mark.parametrize("why", HELD)
def test_what_would_be_lost_is_told_before_anything_is_staged(stage: Swapping, why: str) -> None:
    stage.give(people(0, 3))
    stage.done()
    for sql in HELD[why]:
        stage.rig.ask(sql)
    before = stage.rig.look()
    stage.give(people(1, 3))
    report = stage.run()
    assert isinstance(report.error, StoreError)
    assert f"another table cannot take the place of people: {why}" in report.error.what
    assert "leave out `swap`" in str(report.error.hint)
    assert stage.rig.look() == before
    assert not stage.leftovers


@pytest.mark.parametrize("rig", [SwapRig, MysqlStoreRig])
@pytest.mark.parametrize("append", [False, True])
def test_a_table_without_transactions_is_refused(
    tmp_path: Path, rig: type[MysqlStoreRig], append: bool
) -> None:
    """Killed within, a load would be there by half."""
    stage, made = Stage(tmp_path), rig(tmp_path)
    stage.target = made  # type: ignore[assignment]
    known: dict[str, Any] = {"watermark": "id", "write": "append"}
    stage.give(people(0, 3))
    stage.done(**known)
    mysql.ask(made.database, "alter table people engine = MyISAM")
    stage.give(people(0, 5))
    report = stage.run(run_type="incremental" if append else "full_drop", **known)
    assert isinstance(report.error, StoreError)
    assert "its engine is MyISAM" in report.error.what
    assert report.error.hint == "alter table people engine = InnoDB"
    assert stage.rows == unordered(people(0, 3).rows())
    assert not stage.leftovers


def test_it_is_looked_at_again_when_it_is_published(stage: Swapping) -> None:
    rig = stage.rig
    first = asyncio.run(settled(rig.store(), request(), people(0, 2)))

    async def story() -> None:
        async with rig.store().load(request(base=first)) as load:
            parts = [await staged(load, "all", people(0, 3))]
            await asyncio.to_thread(rig.ask, HELD["its trigger watch"][0])
            with pytest.raises(StoreError, match="its trigger watch"):
                await load.commit(parts)

    asyncio.run(story())
    assert unordered(rig.look()) == unordered(people(0, 2).rows())


def test_a_name_that_could_not_be_taken_at_once(
    stage: Swapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = stage.rig
    schema = TableSchema.of(people(0, 1).schema)
    first = asyncio.run(settled(rig.store(), request(schema=schema), people(0, 2)))

    not_renamed_once(monkeypatch)

    async def story() -> None:
        asked = request(base=first)
        async with rig.store().load(asked) as load:
            parts = [await staged(load, "all", people(0, 3))]
            with pytest.raises(StoreError, match="somebody reads it"):
                await load.commit(parts)
        receipt = await rig.store().recover("people", asked.load_id)
        assert receipt is not None
        assert receipt.rows == 3

    asyncio.run(story())
    assert unordered(rig.look()) == unordered(people(0, 3).rows())


def test_there_is_no_other_way_to_swap(tmp_path: Path) -> None:
    store = "store: {type: sqlite, path: a.db, table: t, swap: exchange}"
    assert "swap" in refused(tmp_path, {"flows/f/flow.yml": f"home: in\n{store}\n"}).what


def test_types_stay_as_they_were(stage: Swapping) -> None:
    stage.give(pl.DataFrame({"id": [1], "price": ["1.50"]}, schema_overrides={"id": pl.Int32}))
    for _ in range(2):
        stage.done()
    kinds = stage.rig.ask("show columns from people")
    assert [str(row[1]).partition("(")[0] for row in kinds] == ["int", "longtext"]
