"""What is published stays, whatever is tried again; what cannot be told apart is not taken back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from tests.rigs.mysql import MysqlStoreRig, not_renamed_once
from tests.rigs.sqlite import SqliteStoreRig

from hygge.core.errors import LoadLost, StoreError, Unsupported
from hygge.core.names import new_load_id
from hygge.core.schema import TableSchema
from hygge.core.store import Mode, Receipt
from hygge.core.watermark import Watermark
from hygge.testing.harness import people, request, settled, staged, unordered


def test_a_commit_whose_table_could_not_take_its_place_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows lie in the successor by then: it is not made anew."""
    rig = MysqlStoreRig(tmp_path)
    fewer = people(0, 2).drop("word")
    first = asyncio.run(settled(rig.store(), request(schema=TableSchema.of(fewer.schema)), fewer))
    not_renamed_once(monkeypatch)

    async def story() -> None:
        async with rig.store().load(request(base=first)) as load:
            parts = [await staged(load, "all", people(0, 3))]
            with pytest.raises(StoreError, match="somebody reads it"):
                await load.commit(parts)
            assert (await load.commit(parts)).rows == 3

    asyncio.run(story())
    assert unordered(rig.look()) == unordered(people(0, 3).rows())


def test_a_load_waits_for_the_table_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows would go into the old table, and be gone with it."""
    rig = MysqlStoreRig(tmp_path)
    fewer = people(0, 2).drop("word")
    first = asyncio.run(settled(rig.store(), request(schema=TableSchema.of(fewer.schema)), fewer))
    not_renamed_once(monkeypatch)
    second = request(base=first)

    async def story() -> None:
        with pytest.raises(StoreError, match="somebody reads it"):
            await settled(rig.store(), second, people(0, 3))
        base = await rig.store().last("people")
        assert base is not None
        third = request(Mode.APPEND, base)
        with pytest.raises(LoadLost, match="not taken its place"):
            await settled(rig.store(), third, people(3, 1))
        await rig.store().recover("people", second.load_id)
        await settled(rig.store(), third, people(3, 1))

    asyncio.run(story())
    assert unordered(rig.look()) == unordered(people(0, 4).rows())


def test_days_that_sqlite_cannot_compare_are_not_taken_back(tmp_path: Path) -> None:
    rig = SqliteStoreRig(tmp_path)
    schema = TableSchema.of(pl.Schema({"at": pl.Datetime("us", "UTC")}))

    async def load(day: int, base: Receipt | None) -> Receipt:
        moment = datetime(2024, 1, day, tzinfo=UTC)
        asked = request(Mode.APPEND, base, schema=schema, low=base.watermark if base else None)
        async with rig.store().load(asked) as opened:
            frame = pl.DataFrame({"at": [moment]}, schema=schema.polars())
            part = await staged(opened, "all", frame)
            high = Watermark("at", "datetime(us, UTC)", moment)
            return await opened.commit([replace(part, high=high)])

    async def story() -> None:
        second = await load(2, await load(1, None))
        with pytest.raises(Unsupported, match="cannot tell rows by such values"):
            await rig.store().undo("people", second.load_id, new_load_id())

    asyncio.run(story())
    assert rig.ask("select count(*) from people") == [(2,)]
