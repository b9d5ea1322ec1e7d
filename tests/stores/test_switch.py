"""Full loads of SQL Server's tables by SWITCH, and what has to stay as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.rigs import mssql
from tests.rigs.mssql import MssqlStoreRig
from tests.servers import mssql as mssql_server
from tests.stores.choosing import asked, chosen

from hygge.core.errors import DatabaseError, HyggeError, LoadLost
from hygge.core.schema import TableSchema
from hygge.core.store import Deletes, LoadRequest, Mode, Receipt
from hygge.databases import mssql_switch
from hygge.databases.mssql import Mssql, MssqlSession
from hygge.databases.mssql_switch import why_not
from hygge.stores.sql import SqlStore
from hygge.testing.harness import people, request, settled, staged, unordered

scripted = pytest.mark.skipif(mssql_server.is_real(), reason="faults are scripted on our server")


@pytest.fixture
def rig(tmp_path: Path) -> MssqlStoreRig:
    return MssqlStoreRig(tmp_path)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked and changed, from now on."""
    said, rows, change = list[str](), MssqlSession.rows, MssqlSession.change

    def on_rows(self: MssqlSession, sql: str, *values: Any) -> Any:
        said.append(sql)
        return rows(self, sql, *values)

    def on_change(self: MssqlSession, sql: str, *values: Any) -> None:
        said.append(sql)
        change(self, sql, *values)

    monkeypatch.setattr(MssqlSession, "rows", on_rows)
    monkeypatch.setattr(MssqlSession, "change", on_change)
    return said


def asking(base: Receipt | None = None, **more: Any) -> LoadRequest:
    known = {"schema": TableSchema.of(people(0, 1).schema), "keys": ("id",)}
    return request(base=base, **{**known, **more})


def begun(rig: MssqlStoreRig) -> Receipt:
    return asyncio.run(settled(rig.store(), asking(), people(0, 3)))


def switched(sent: Sequence[str]) -> bool:
    assert any(sql.startswith(("delete from", "truncate table")) for sql in sent)
    return any(" switch to " in sql for sql in sent)


def number(rig: MssqlStoreRig) -> Any:
    return asked(rig, f"select object_id('{rig.schema}.people')")


def names(rig: MssqlStoreRig) -> list[tuple[Any, ...]]:
    """Of its indexes, each with its kind."""
    sql = "select name, type_desc, is_unique, is_primary_key from sys.indexes "
    return asked(rig, f"{sql} where object_id = object_id('{rig.schema}.people') order by name")


INDEXES = {
    "none": [],
    "plain": ["create index by_word on @people (born desc, id) include (seen)"],
    "unique": ["create unique index by_id on @people (id)"],
    "clustered": ["create clustered index by_id on @people (id)"],
    "unique constraint": ["alter table @people add constraint m unique nonclustered (id, born)"],
    "columns": [
        "create clustered columnstore index by_column on @people",
        "create unique index by_id on @people (id)",
    ],
    "collation": [
        "alter table @people alter column word nvarchar(max) collate Latin1_General_BIN2"
    ],
}


@pytest.mark.parametrize("like", INDEXES)
def test_the_table_stays_with_all_that_it_has(
    rig: MssqlStoreRig, sent: list[str], like: str
) -> None:
    first = begun(rig)
    for sql in INDEXES[like]:
        asked(rig, sql)
    before = number(rig), names(rig)
    sent.clear()
    second = asyncio.run(settled(rig.store(), asking(first), people(2, 5)))
    assert switched(sent)
    assert unordered(rig.look()) == unordered(people(2, 5).rows())
    asyncio.run(settled(rig.store(), asking(second), people(0, 0)))
    assert rig.look() == []
    assert (number(rig), names(rig)) == before
    assert not rig.leftovers()
    assert not [name for name in rig.tables() if name.endswith("_new")]


def test_a_primary_key_that_others_made_is_kept(rig: MssqlStoreRig, sent: list[str]) -> None:
    asked(
        rig,
        "create table @people (id bigint not null, word nvarchar(max) collate "
        "Latin1_General_100_BIN2 null, born date null, seen datetimeoffset(6) null, "
        "constraint mine primary key nonclustered (id desc))",
    )
    before = number(rig), names(rig)
    store, base = chosen(rig, create="rowstore_pk"), None
    for n in range(2):
        base = asyncio.run(settled(store, asking(base), people(n, 4)))
    assert switched(sent)
    assert (number(rig), names(rig)) == before
    assert unordered(rig.look()) == unordered(people(1, 4).rows())


def test_rows_that_are_marked_as_deleted(rig: MssqlStoreRig, sent: list[str]) -> None:
    first = begun(rig)
    sent.clear()
    asyncio.run(settled(rig.store(), asking(first, deletes=Deletes.SOFT), people(1, 3)))
    assert switched(sent)
    assert unordered(rig.look()) == unordered([(*row, None) for row in people(1, 3).rows()])


def test_several_parts_and_two_tries(rig: MssqlStoreRig, sent: list[str]) -> None:
    first = begun(rig)
    sent.clear()

    async def story() -> None:
        async with rig.store().load(asking(first)) as load:
            await staged(load, "one", people(0, 9))
            parts = [await staged(load, f"{n}", people(3 * n, 3)) for n in range(3)]
            await load.commit(parts)

    asyncio.run(story())
    assert switched(sent)
    assert unordered(rig.look()) == unordered(people(0, 9).rows())


def test_rows_can_be_deleted_and_inserted_always(rig: MssqlStoreRig, sent: list[str]) -> None:
    first = begun(rig)
    sent.clear()
    asyncio.run(settled(chosen(rig, swap="delete"), asking(first), people(2, 5)))
    assert not switched(sent)
    assert unordered(rig.look()) == unordered(people(2, 5).rows())


HINDRANCES: dict[str, list[str]] = {
    "it has a foreign key, or another table has one to it": [
        "create table @words (id bigint not null primary key)",
        "alter table @people add foreign key (id) references @words (id)",
        "insert into @words values (0), (1), (2), (3), (4), (5), (6)",
    ],
    "it has a foreign key, or another table has one": [
        "create unique index by_id on @people (id)",
        "create table @pets (owner bigint null references @people (id))",
    ],
    "it has a trigger": ["create trigger @watch on @people after delete as select 1"],
    "it has a check constraint": ["alter table @people add constraint low check (id < 100)"],
    "a view or a function is bound to it": [
        "create view @seen with schemabinding as select id from @people"
    ],
    "its changes are captured or tracked": [
        "alter database current set change_tracking = on",
        "alter table @people alter column id bigint not null",
        "alter table @people add primary key (id)",
        "alter table @people enable change_tracking",
    ],
    "an index is filtered, disabled": [
        "create nonclustered columnstore index by_column on @people (id)"
    ],
}


@pytest.mark.parametrize("why", HINDRANCES)
def test_what_a_switch_would_pass_by_is_loaded_row_by_row(
    rig: MssqlStoreRig, sent: list[str], why: str
) -> None:
    first = begun(rig)
    for sql in HINDRANCES[why]:
        asked(rig, sql)
    kept, store = asked(rig, f"select count(*) from {rig.schema}.people"), rig.store()
    assert kept == [(3,)]
    with closing(store.database.connect()) as session:
        assert str(why_not(session, f"[{rig.schema}].[people]")).startswith(why)
    sent.clear()
    more = {"create": "rowstore_pk"} if "tracked" in why else {}
    asyncio.run(settled(chosen(rig, **more), asking(first), people(2, 5)))
    assert not switched(sent)
    assert unordered(rig.look()) == unordered(people(2, 5).rows())


def test_a_view_is_no_table(rig: MssqlStoreRig) -> None:
    begun(rig)
    asked(rig, "create view @seen as select id from @people")
    with closing(rig.store().database.connect()) as session:
        assert why_not(session, f"[{rig.schema}].[seen]") == "it is no table"
        assert why_not(session, f"[{rig.schema}].[people]") is None


def test_who_may_not_see_all_does_not_switch(
    rig: MssqlStoreRig, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begun(rig)
    monkeypatch.setattr(mssql_switch, "_RIGHTS", "select 1, 1, nullif(len(?), len(N'x')) * 0")
    sent.clear()
    asyncio.run(settled(rig.store(), asking(first), people(2, 5)))
    assert not switched(sent)
    assert not [sql for sql in sent if "sys.sql_expression_dependencies" in sql]
    assert unordered(rig.look()) == unordered(people(2, 5).rows())


@scripted
@pytest.mark.parametrize("number", [1205, 229])
@pytest.mark.parametrize("when", ["truncate table", "switch to", "_new] with (tablock)"])
def test_a_switch_that_fails_leaves_the_table(rig: MssqlStoreRig, number: int, when: str) -> None:
    first = begun(rig)
    before = rig.look()
    asked(rig, f"exec hygge_fault @number = {number}, @when = N'{when}', @times = 1")
    with pytest.raises(HyggeError):
        asyncio.run(settled(rig.store(), asking(first), people(2, 5)))
    assert rig.look() == before
    assert not [name for name in rig.tables() if name.endswith("_new")]


@scripted
def test_a_table_that_is_not_like_it_is_refused_by_the_server(
    rig: MssqlStoreRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that is forgotten: the table has its rows, for the transaction is undone."""
    first = begun(rig)
    monkeypatch.setattr(mssql_switch, "_index", lambda table, columns: "declare @nothing int")
    with pytest.raises(DatabaseError, match="There is no identical index in source table"):
        asyncio.run(settled(rig.store(), asking(first), people(2, 5)))
    assert unordered(rig.look()) == unordered(people(0, 3).rows())


# whose turn it is


def test_dead_staging_is_taken_away_at_the_turn_of_the_table(
    rig: MssqlStoreRig, sent: list[str]
) -> None:
    """Once its load is recovered; a load that is at it has the turn meanwhile."""
    store, what = rig.store(), asking()

    async def dead() -> None:
        async with store.load(what) as load:
            await staged(load, "all", people(0, 3))

    asyncio.run(dead())
    assert rig.leftovers()
    sent.clear()
    assert asyncio.run(store.recover("people", what.load_id)) is None
    assert rig.leftovers() == []
    told = [word for sql in sent for word in _KINDS if word in sql]
    turn = ["begin transaction", "sp_getapplock"]
    drops = ["drop table"] * 3
    assert told == [*turn, "set fate", "commit", *turn, *drops, "set staged = 0", "commit"]
    with pytest.raises(LoadLost):
        asyncio.run(settled(store, what, people(0, 3)))


_KINDS = (
    "begin transaction",
    "sp_getapplock",
    "set fate",
    "drop table",
    "set staged = 0",
    "commit",
)


def test_it_is_not_taken_away_while_another_has_the_turn(tmp_path: Path) -> None:
    rig = MssqlStoreRig(tmp_path)
    impatient = Mssql.build({"url": mssql.url(), "lock_seconds": 1})
    store, what = SqlStore(rig.store().config, impatient), asking()

    async def dead() -> None:
        async with rig.store().load(what) as load:
            await staged(load, "all", people(0, 3))

    asyncio.run(dead())
    with mssql.connected() as db, db.cursor() as other:
        other.execute("begin transaction")
        other.execute(
            f"declare @r int; exec @r = sp_getapplock @Resource = N'hygge {rig.schema}.people', "
            "@LockMode = 'Exclusive', @LockOwner = 'Transaction'; select @r"
        )
        other.fetchall()
        with pytest.raises(HyggeError, match="another run has been publishing"):
            asyncio.run(store.recover("people", what.load_id))
        assert rig.leftovers()
        other.execute("rollback")
    assert asyncio.run(rig.store().recover("people", what.load_id)) is None
    assert not rig.leftovers()


@pytest.mark.parametrize("mode", Mode)
def test_a_name_that_is_too_long_is_refused(rig: MssqlStoreRig, mode: Mode) -> None:
    store = chosen(rig, table=f"{rig.schema}.{'x' * 129}")
    with pytest.raises(HyggeError, match="longer than 128 letters"):
        store.refuse(asking(mode=mode).schema)
