"""A table that a load makes anew: its rows, and the index of its keys, however it came about."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import pytest
from tests.rigs import mysql, postgres
from tests.rigs.duckdb import DuckdbStoreRig
from tests.rigs.mysql import MysqlStoreRig
from tests.rigs.postgres import PostgresStoreRig
from tests.rigs.sqlite import SqliteStoreRig

from hygge.core.errors import DatabaseError
from hygge.core.schema import TableSchema
from hygge.core.store import Deletes, Mode, Receipt
from hygge.flow.factory import NoConnections
from hygge.stores.sql import SqlStore
from hygge.testing.harness import StoreRig, people, request, settled, staged, unordered

RIGS = [DuckdbStoreRig, MysqlStoreRig, PostgresStoreRig, SqliteStoreRig]


@pytest.fixture(params=RIGS, ids=lambda rig: rig.__name__)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> StoreRig:
    made: StoreRig = request.param(tmp_path)
    return made


def indexed(rig: StoreRig) -> list[str]:
    """The columns that indexes of the table have, in order."""
    match rig:
        case DuckdbStoreRig():
            found = rig.ask("select expressions from duckdb_indexes() where table_name = 'people'")
            return [name for (names,) in found for name in str(names).strip("[]").split(", ")]
        case SqliteStoreRig():
            sql = "select i.name from pragma_index_list('people') l, pragma_index_info(l.name) i"
            return [str(name) for (name,) in rig.ask(sql)]
        case PostgresStoreRig():
            sql = (
                "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indexrelid "
                "where i.indrelid = to_regclass($1) order by a.attnum"
            )
            return [str(name) for (name,) in postgres.ask(sql, f"{rig.schema}.people")]
        case MysqlStoreRig():
            sql = (
                "select column_name from information_schema.statistics where table_name = 'people' "
                "and table_schema = %s order by seq_in_index"
            )
            return [str(name) for (name,) in mysql.ask(None, sql, rig.database)]
    raise AssertionError(rig)


def loaded(
    rig: StoreRig, rows: pl.DataFrame, base: Receipt | None, *, given_up: bool, **more: Any
) -> Receipt:
    """A load of one part, beside which there may be another try at it."""
    what = request(**{"base": base, "schema": TableSchema.of(rows.schema), **more})
    store = rig.store()

    async def story() -> Receipt:
        async with store.load(what) as load:
            if given_up:
                await staged(load, "all", rows.reverse())
            return await load.commit([await staged(load, "all", rows)])

    return asyncio.run(story())


GIVEN_UP = pytest.mark.parametrize("given_up", [False, True], ids=["one_try", "two_tries"])
KEYS = pytest.mark.parametrize("keys", [("id",), ("word", "id")], ids="-".join)
TWICE = pl.concat([people(0, 4), people(2, 4)])


@GIVEN_UP
@KEYS
def test_a_full_load_indexes_its_keys_and_keeps_every_row(
    rig: StoreRig, keys: tuple[str, ...], given_up: bool
) -> None:
    first = loaded(rig, TWICE, None, given_up=given_up, keys=keys)
    assert rig.look() == TWICE.rows()
    assert indexed(rig) == list(keys)
    other = TWICE.drop("seen").with_columns(more=pl.lit("x"))
    second = loaded(rig, other, first, given_up=given_up, keys=keys)
    assert rig.look() == other.rows()
    assert indexed(rig) == list(keys)
    loaded(rig, other.head(3), second, given_up=given_up, keys=keys)
    assert rig.look() == other.head(3).rows()
    assert not rig.leftovers()


@GIVEN_UP
def test_merges_find_their_rows_in_a_table_made_by_a_full_load(
    rig: StoreRig, given_up: bool
) -> None:
    keyed: dict[str, Any] = {"keys": ("id",), "given_up": given_up}
    first = loaded(rig, people(0, 4), None, **keyed)
    wider = people(2, 4, "new").with_columns(more=pl.lit("x"))
    loaded(rig, wider, first, mode=Mode.MERGE, **keyed)
    old = people(0, 2).with_columns(more=pl.lit(None, pl.String))
    assert unordered(rig.look()) == unordered(pl.concat([old, wider]).rows())


def test_a_merge_indexes_its_keys_where_no_load_before_knew_any(rig: StoreRig) -> None:
    first = loaded(rig, people(0, 4), None, given_up=False)
    assert indexed(rig) == []
    second = loaded(rig, people(2, 4), first, mode=Mode.MERGE, given_up=False)
    assert indexed(rig) == ["id"]
    loaded(rig, people(3, 4), second, mode=Mode.MERGE, given_up=False)
    assert indexed(rig) == ["id"]
    assert unordered(rig.look()) == unordered(people(0, 7).rows())


@GIVEN_UP
def test_a_merge_of_one_part_into_nothing_keeps_one_row_a_key(
    rig: StoreRig, given_up: bool
) -> None:
    twice = pl.concat([people(0, 3), people(1, 3, "new")])
    loaded(rig, twice, None, mode=Mode.MERGE, keys=("id",), given_up=given_up)
    assert unordered(rig.look()) == unordered([*people(0, 1).rows(), *people(1, 3, "new").rows()])


@GIVEN_UP
def test_an_append_into_nothing(rig: StoreRig, given_up: bool) -> None:
    first = loaded(rig, TWICE, None, mode=Mode.APPEND, given_up=given_up)
    loaded(rig, people(9, 2), first, mode=Mode.APPEND, given_up=given_up)
    assert rig.look() == [*TWICE.rows(), *people(9, 2).rows()]
    assert indexed(rig) == []


def test_rows_that_lie_in_a_new_table_of_one_part_are_not_written_again(tmp_path: Path) -> None:
    rig, what = PostgresStoreRig(tmp_path), request(keys=("id",))
    store = rig.store()

    def number(table: str) -> Any:
        return postgres.ask("select to_regclass($1)::oid", f"{rig.schema}.{table}")

    async def story() -> tuple[Any, Receipt]:
        async with store.load(what) as load:
            part = await staged(load, "all", people(0, 5))
            there = await asyncio.to_thread(number, f"_hygge_{what.load_id}")
            return there, await load.commit([part])

    there, first = asyncio.run(story())
    assert number("people") == there
    asyncio.run(settled(store, request(base=first), people(5, 1), people(6, 1)))
    assert rig.look() == people(5, 2).rows()


def test_a_full_load_keeps_a_table_that_marks_deleted_rows(tmp_path: Path) -> None:
    """With its indexes, grants and views, whether the flow still marks them or not."""
    rig, base, seen = PostgresStoreRig(tmp_path), None, set[Any]()
    for deletes in (Deletes.SOFT, Deletes.SOFT, Deletes.HARD):
        what = request(base=base, keys=("id",), deletes=deletes)
        base = asyncio.run(settled(rig.store(), what, people(0, 3)))
        seen.update(postgres.ask("select to_regclass($1)::oid", f"{rig.schema}.people"))
        assert rig.look() == [(*row, None) for row in people(0, 3).rows()]
    assert len(seen) == 1


@pytest.mark.parametrize("kind", [DuckdbStoreRig, MysqlStoreRig, PostgresStoreRig])
def test_a_schema_that_is_not_there_is_made(kind: type[StoreRig], tmp_path: Path) -> None:
    rig, schema = kind(tmp_path), f"made_{secrets.token_hex(6)}"
    store = rig.store()
    assert isinstance(store, SqlStore)
    config = store.config.model_copy(update={"table": f"{schema}.people"})
    for mode in (Mode.REPLACE, Mode.APPEND):
        made = SqlStore(config, store.database)
        base = asyncio.run(made.last("users"))
        rows = people(0, 3)
        what = request(mode, base=base, schema=TableSchema.of(rows.schema))
        asyncio.run(settled(made, what, rows))
    with closing(store.database.connect()) as session:
        assert session.rows(f"select count(*) from {schema}.people") == [(6,)]


def test_a_schema_that_may_not_be_made_is_told_of(tmp_path: Path) -> None:
    rig, role = PostgresStoreRig(tmp_path), f"guest_{secrets.token_hex(6)}"
    postgres.ask(f"create role {role} login")
    store = rig.store()
    parts = urlsplit(store.config.connection or "")
    url = parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}").geturl()
    update = {"table": "nowhere.people", "connection": url}
    made = SqlStore.build(store.config.model_copy(update=update), NoConnections())
    with pytest.raises(DatabaseError, match="permission denied"):
        asyncio.run(settled(made, request(), people(0, 1)))
