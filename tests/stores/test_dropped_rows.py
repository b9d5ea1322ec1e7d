"""Rows that a table drops, changes, or gets from others meanwhile are noticed in time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pymysql
import pytest
from tests.rigs import mysql
from tests.servers import postgres
from tests.stores.choosing import RIGS, asked, chosen
from tests.stores.test_premade_tables import ROWS, keyed, made

from hygge.core.errors import StoreError
from hygge.core.schema import TableSchema
from hygge.core.store import Mode
from hygge.databases.mysql import Mysql
from hygge.testing.harness import request, settled, staged

MOMENTS = pl.DataFrame(
    {"k": pl.Series([1_000, 1_001, 1_002], dtype=pl.Int64).cast(pl.Time), "v": [1, 2, 3]}
)


@pytest.mark.parametrize("kind", ["duckdb", "postgres", "mysql"])
def test_a_key_is_not_changed_into_another(tmp_path: Path, kind: str) -> None:
    store = chosen(RIGS[kind](tmp_path), allow_lossy=True)
    what = request(Mode.MERGE, schema=TableSchema.of(MOMENTS.schema), keys=("k",))
    with pytest.raises(StoreError, match="tells rows apart"):
        asyncio.run(settled(store, what, MOMENTS))


DEAF = {
    "sqlite": ["create table @people (id bigint unique on conflict ignore, v bigint)"],
    "sqlite-trigger": [
        "create table @people (id bigint, v bigint)",
        "create trigger x before insert on people begin select raise(ignore); end",
    ],
    "postgres": [
        "create table @people (id bigint, v bigint)",
        "create function @none() returns trigger language plpgsql as 'begin return null; end'",
        "create trigger x before insert on @people for each row execute function @none()",
    ],
    "postgres-rule": [
        "create table @people (id bigint, v bigint)",
        "create rule x as on insert to @people do instead nothing",
    ],
}
SWALLOWING = ["create table @people (id bigint unique on conflict replace, v bigint)"]


def loaded(tmp_path: Path, kind: str, definition: list[str], mode: Mode) -> None:
    rig = RIGS[kind](tmp_path)
    for sql in definition:
        asked(rig, sql)
    rows = pl.DataFrame({"id": [1, 1, 2], "v": [2, 3, 4]})
    rows = rows.tail(2) if mode is Mode.MERGE else rows
    store = chosen(rig, if_exists="replace" if mode is Mode.REPLACE else "append")
    what = request(mode, schema=TableSchema.of(rows.schema), keys=("id",))
    try:
        asyncio.run(settled(store, what, rows))
    finally:
        seen = len(rig.look() or ())
    assert seen == rows.height


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("which", DEAF)
def test_a_table_that_drops_rows_is_told_of(tmp_path: Path, which: str, mode: Mode) -> None:
    if which == "sqlite" and mode is Mode.MERGE:
        loaded(tmp_path, "sqlite", DEAF[which], mode)  # a merge gives it no key twice
        return
    with pytest.raises(StoreError, match=r"of its own drops some|changed or dropped them"):
        loaded(tmp_path, which.partition("-")[0], DEAF[which], mode)


def test_a_table_that_swallows_rows_is_told_of_by_a_full_load(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="has 2 rows after 3 were put in"):
        loaded(tmp_path, "sqlite", SWALLOWING, Mode.REPLACE)


def other(kind: str, rig: Any, where: str) -> Any:
    if kind == "postgres":
        return psycopg.connect(where)
    found = Mysql.build({"url": mysql.url(rig.database)})
    return pymysql.connect(**found.settings.entry())


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_rows_that_others_are_about_to_commit_are_waited_for(tmp_path: Path, kind: str) -> None:
    rig: Any = made(kind, tmp_path, "bigint")
    where, table = postgres.url(), f"{rig.schema}.people" if kind == "postgres" else "people"

    async def story() -> None:
        async with rig.store().load(keyed(Mode.REPLACE)) as load:
            parts = [await staged(load, "all", ROWS)]
            db = await asyncio.to_thread(other, kind, rig, where)
            cursor = db.cursor()
            await asyncio.to_thread(cursor.execute, f"insert into {table} values (7, 7)")
            committing = asyncio.create_task(load.commit(parts))
            await asyncio.sleep(1)  # it waits, or has looked: either way it is to see the row
            await asyncio.to_thread(db.commit)
            try:
                with pytest.raises(StoreError, match="did not put there"):
                    await committing
            finally:
                await asyncio.to_thread(db.close)

    asyncio.run(story())
    assert (7, 7) in (rig.look() or ())
