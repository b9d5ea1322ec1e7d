"""Which staged rows are whose, in databases that number their rows and in those that do not."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from tests.rigs.duckdb import DuckdbStoreRig
from tests.rigs.sqlite import SqliteStoreRig

from hygge.core.partition import Partition
from hygge.core.schema import TableSchema
from hygge.core.store import Mode
from hygge.databases.database import Table
from hygge.testing.harness import people, request, settled, staged

ROWS = people(1, 4)


def test_a_row_lost_and_one_doubled_are_seen_though_the_count_is_right(tmp_path: Path) -> None:
    rig = DuckdbStoreRig(tmp_path)
    what = request()

    async def story() -> None:
        async with rig.store().load(what) as load:
            part = await staged(load, "a", ROWS)
            assert await load.verify([part]) == {"a": 4}
            rig.ask(f"update _hygge_{what.load_id} set _hygge_row = 2 where _hygge_row = 1")
            assert await load.verify([part]) == {"a": 0}

    asyncio.run(story())


def test_rows_that_another_program_stages_between_ours_are_not_ours(tmp_path: Path) -> None:
    rig = SqliteStoreRig(tmp_path)
    what = request()

    async def story() -> None:
        async with rig.store().load(what) as load:
            async with load.part(Partition("a")) as part:
                await part.write(ROWS.head(1))
                await part.write(ROWS.slice(1, 1))
                with closing(rig.store().database.connect(write=True)) as other:
                    other.insert(Table(f"_hygge_{what.load_id}"), people(900, 3))
                await part.write(ROWS.tail(2))
                done = await part.finish()
            assert [piece.rows for piece in done.pieces] == [2, 2]
            assert await load.verify([done]) == {"a": 4}
            await load.commit([done])

    asyncio.run(story())
    assert rig.look() == ROWS.rows()


def test_a_view_outlives_the_table_that_is_made_anew(tmp_path: Path) -> None:
    rig = SqliteStoreRig(tmp_path)
    first = asyncio.run(settled(rig.store(), request(), ROWS))
    rig.ask("create view known as select id, word from people")
    wider = ROWS.with_columns(more=pl.lit("x"))
    schema = TableSchema.of(wider.schema)
    asyncio.run(settled(rig.store(), request(base=first, schema=schema), wider))
    assert rig.look() == wider.rows()
    assert rig.ask("select id from known order by id") == wider.select("id").rows()


@pytest.mark.parametrize("mode", [Mode.REPLACE, Mode.MERGE])
@pytest.mark.parametrize("reverse", [False, True])
def test_thousands_of_parts_in_any_order(tmp_path: Path, mode: Mode, reverse: bool) -> None:
    """SQLite takes no more than a thousand conditions in a row."""
    rig = SqliteStoreRig(tmp_path)

    async def story() -> None:
        async with rig.store().load(request(mode)) as load:
            parts = [await staged(load, f"{n}", people(n % 1100, 1, f"{n}")) for n in range(2200)]
            await load.commit(parts[::-1] if reverse else parts)

    asyncio.run(story())
    rows = rig.look()
    assert rows is not None
    assert len(rows) == (1100 if mode is Mode.MERGE else 2200)
    if mode is Mode.MERGE:
        last = 0 if reverse else 1100
        assert ("word", f"{last} 0") in [("word", row[1]) for row in rows if row[0] == 0]
