"""`swap: rename` where tables are made in transactions: staging takes the name, or nothing is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.rigs.mssql import MssqlStoreRig
from tests.rigs.postgres import PostgresStoreRig
from tests.stores.choosing import RIGS, asked, chosen

from hygge.core.errors import StoreError
from hygge.core.schema import TableSchema
from hygge.core.store import LoadRequest, Mode, Receipt
from hygge.stores.sql_table import SqlTable
from hygge.testing.harness import StoreRig, people, request, settled, staged, unordered

KEYS = {Mode.REPLACE: (), Mode.APPEND: (), Mode.MERGE: ("id",)}
KINDS = [kind for kind in RIGS if kind != "mysql"]


@pytest.fixture(params=KINDS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> StoreRig:
    return RIGS[request.param](tmp_path)


def asking(base: Receipt | None = None, mode: Mode = Mode.REPLACE) -> LoadRequest:
    return request(mode, base, schema=TableSchema.of(people(0, 1).schema), keys=KEYS[mode])


@pytest.fixture
def dropped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which tables were dropped that were there."""
    told, plain = list[str](), SqlTable.drop

    def telling(self: SqlTable) -> None:
        told.extend([self.table.name] if self.exists() else [])
        plain(self)

    monkeypatch.setattr(SqlTable, "drop", telling)
    return told


def test_each_full_load_is_another_table(rig: StoreRig, dropped: list[str]) -> None:
    first = asyncio.run(settled(rig.store(), asking(), people(0, 3)))
    dropped.clear()
    second = asyncio.run(settled(chosen(rig, swap="rename"), asking(first), people(2, 5)))
    assert "people" in dropped
    assert unordered(rig.look()) == unordered(people(2, 5).rows())
    dropped.clear()
    asyncio.run(settled(chosen(rig, swap="delete"), asking(second), people(4, 2)))
    assert "people" not in dropped
    assert unordered(rig.look()) == unordered(people(4, 2).rows())
    assert not rig.leftovers()


def test_other_loads_do_not_take_the_name(rig: StoreRig, dropped: list[str]) -> None:
    store = chosen(rig, swap="rename")
    first = asyncio.run(settled(store, asking(), people(0, 3)))
    dropped.clear()
    second = asyncio.run(settled(store, asking(first, Mode.MERGE), people(3, 2)))
    asyncio.run(settled(store, asking(second, Mode.APPEND), people(5, 2)))
    assert "people" not in dropped
    assert unordered(rig.look()) == unordered(people(0, 7).rows())


def test_two_tries_at_a_part(rig: StoreRig) -> None:
    """Then what is staged is not the table: its rows are copied into another."""
    first = asyncio.run(settled(rig.store(), asking(), people(0, 3)))

    async def story() -> None:
        async with chosen(rig, swap="rename").load(asking(first)) as load:
            await staged(load, "all", people(0, 9))
            await load.commit([await staged(load, "all", people(2, 5))])

    asyncio.run(story())
    assert unordered(rig.look()) == unordered(people(2, 5).rows())
    assert not rig.leftovers()


HELD: dict[str, tuple[list[str], str]] = {
    "postgres_view": (["create view @seen as select id from @people"], "view .*seen"),
    "postgres_theirs": (
        [
            "alter table @people add unique (id)",
            "create table @pets (owner bigint constraint theirs references @people (id))",
        ],
        "foreign key theirs",
    ),
    "postgres_own": (
        [
            "create table @words (id bigint primary key)",
            "insert into @words select generate_series(0, 9)",
            "alter table @people add constraint own foreign key (id) references @words (id)",
        ],
        "its foreign key own would go",
    ),
    "postgres_children": (["create table @more () inherits (@people)"], "it is one with"),
    "mssql_theirs": (
        [
            "create unique index by_id on @people (id)",
            "create table @pets (owner bigint references @people (id))",
        ],
        "a foreign key of another table refers to it",
    ),
    "mssql_own": (
        [
            "create table @words (id bigint not null primary key)",
            "alter table @people add foreign key (id) references @words (id)",
        ],
        "its foreign keys would go",
    ),
}


@pytest.mark.parametrize("why", HELD)
def test_what_would_be_lost_is_told_before_anything_is_staged(tmp_path: Path, why: str) -> None:
    rig = RIGS[why.partition("_")[0]](tmp_path)
    store = chosen(rig, swap="rename")
    first = asyncio.run(settled(store, asking(), people(0, 3)))
    statements, told = HELD[why]
    for sql in statements:
        asked(rig, sql)
    refuses_and_leaves(rig, store, first, told)
    assert asyncio.run(store.unfinished("people")) == []


def refuses_and_leaves(rig: StoreRig, store: Any, first: Receipt, told: str) -> None:
    before = rig.look()
    with pytest.raises(StoreError, match=told) as refused:
        asyncio.run(settled(store, asking(first), people(3, 3)))
    assert "another table cannot take the place of" in refused.value.what
    assert "leave out `swap`" in str(refused.value.hint)
    assert rig.look() == before


BOUND = {
    "mssql": ["create view @seen with schemabinding as select id from @people"],
    "duckdb": [
        "alter table people add primary key (id)",
        "create table pets (owner bigint references people (id))",
    ],
}


@pytest.mark.parametrize("kind", BOUND)
def test_what_only_the_database_knows_is_told_when_the_table_is_to_go(
    tmp_path: Path, kind: str
) -> None:
    rig = RIGS[kind](tmp_path)
    store = chosen(rig, swap="rename")
    first = asyncio.run(settled(store, asking(), people(0, 3)))
    for one in BOUND[kind]:
        asked(rig, one)
    refuses_and_leaves(rig, store, first, "people")


@pytest.mark.parametrize("kind", ["duckdb", "mssql", "sqlite"])
def test_a_view_that_goes_by_the_name_sees_the_new_rows(tmp_path: Path, kind: str) -> None:
    rig = RIGS[kind](tmp_path)
    store = chosen(rig, swap="rename")
    first = asyncio.run(settled(store, asking(), people(0, 3)))
    asked(rig, "create view @seen as select id from @people")
    asyncio.run(settled(store, asking(first), people(7, 2)))
    assert unordered(asked(rig, "select * from @seen")) == [(7,), (8,)]


@pytest.mark.parametrize("kind", [PostgresStoreRig, MssqlStoreRig])
def test_it_is_looked_at_again_when_it_is_published(tmp_path: Path, kind: type[StoreRig]) -> None:
    rig = kind(tmp_path)
    store = chosen(rig, swap="rename")
    first = asyncio.run(settled(store, asking(), people(0, 2)))

    async def story() -> None:
        async with store.load(asking(first)) as load:
            parts = [await staged(load, "all", people(0, 3))]
            unique = "create unique index by_id on @people (id)"
            await asyncio.to_thread(asked, rig, unique)
            theirs = "create table @pets (owner bigint references @people (id))"
            await asyncio.to_thread(asked, rig, theirs)
            with pytest.raises(StoreError, match="foreign key"):
                await load.commit(parts)

    asyncio.run(story())
    assert unordered(rig.look()) == unordered(people(0, 2).rows())
