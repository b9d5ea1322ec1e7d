"""A COPY that stays open keeps nobody from ending the load, and ends with whoever fails."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from tests.rigs.postgres import ask
from tests.servers import postgres
from tests.stores.choosing import RIGS

from hygge.core.partition import Partition
from hygge.core.schema import TableSchema
from hygge.core.store import Load, Mode
from hygge.stores.sql import SqlStore
from hygge.testing.harness import request

ROWS = pl.DataFrame({"id": [1, 2], "v": [2, 3]})
WHAT = request(Mode.REPLACE, schema=TableSchema.of(ROWS.schema))


def patient(tmp_path: Path, seconds: int) -> tuple[Any, SqlStore]:
    rig = RIGS["postgres"](tmp_path)
    plain = rig.store()
    assert isinstance(plain, SqlStore)
    database = type(plain.database).build({"url": postgres.url(), "lock_seconds": seconds})
    return rig, SqlStore(plain.config, database)


def test_what_is_erased_while_it_is_written_is_erased_and_cleared_later(tmp_path: Path) -> None:
    rig, store = patient(tmp_path, 1)
    taken = (
        "select 1 from pg_locks l join pg_class c on c.oid = l.relation "
        f"where l.mode = 'RowExclusiveLock' and c.relname = '_hygge_{WHAT.load_id}'"
    )

    async def story() -> None:
        async with store.load(WHAT) as load, load.part(Partition("all")) as part:
            await part.write(ROWS)
            while not await asyncio.to_thread(ask, taken):
                """It has not begun yet."""
            assert await store.recover("people", WHAT.load_id) is None
            assert await store.unfinished("people") == [WHAT.load_id]
        assert await store.recover("people", WHAT.load_id) is None
        assert await store.unfinished("people") == []

    asyncio.run(story())
    assert rig.look() is None
    assert not rig.leftovers()


def test_a_part_that_fails_does_not_wait_for_the_server(tmp_path: Path) -> None:
    rig, store = patient(tmp_path, 30)
    tables = (
        f"select tablename from pg_tables where schemaname = '{rig.schema}' "
        "and tablename like '\\_hygge\\_%' and tablename not in ('_hygge_loads', '_hygge_leases')"
    )

    async def fails(load: Load) -> None:
        async with load.part(Partition("all")) as part:
            await part.write(ROWS)
            raise ValueError("the source failed")

    async def story() -> float:
        async with store.load(WHAT) as load:
            ((staging,),) = await asyncio.to_thread(ask, tables)
            with psycopg.connect(postgres.url()) as db:
                db.execute(f'lock table {rig.schema}."{staging}" in access exclusive mode')
                begun = time.monotonic()
                with pytest.raises(ValueError, match="the source failed"):
                    await fails(load)
                return time.monotonic() - begun

    assert asyncio.run(story()) < 20, "not as long as a lock is waited for"
