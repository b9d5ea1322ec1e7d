"""Delta tables in a bucket: all of the contract among the long tests, and what differs always."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.rigs.delta_s3 import DeltaS3Rig
from tests.servers import s3

from hygge.connections.named import NamedConnections
from hygge.core.errors import HyggeError, LoadLost
from hygge.core.home import HomeConfig
from hygge.core.store import Mode
from hygge.homes.delta import DeltaHome, DeltaHomeConfig
from hygge.testing.contracts.store import StoreContract
from hygge.testing.harness import (
    gathered,
    people,
    request,
    rows_of,
    settled,
    staged,
    unordered,
)


@pytest.mark.long
class TestStoresInABucket(StoreContract):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> DeltaS3Rig:
        return DeltaS3Rig(tmp_path)


@pytest.fixture
def rig(tmp_path: Path) -> DeltaS3Rig:
    return DeltaS3Rig(tmp_path)


def home(rig: DeltaS3Rig, **more: Any) -> DeltaHome:
    settings = {"type": "delta", "connection": "lake", "path": "raw/people", **more}
    config = HomeConfig.create(settings)
    assert isinstance(config, DeltaHomeConfig)
    place = {**s3.settings(rig.bucket), "bucket": None}
    lake = {"type": "s3", **s3.settings(rig.bucket)}
    connections = NamedConnections({"lake": lake, "open": {"type": "s3", **place}})
    return DeltaHome.build(config, connections)


def test_a_table_is_loaded_merged_and_read_as_it_was(rig: DeltaS3Rig) -> None:
    first = asyncio.run(settled(rig.store(), request(), people(0, 5)))
    what = request(Mode.MERGE, first)
    second = asyncio.run(settled(rig.store(), what, people(3, 3, "new")))
    now = [people(0, 3), people(3, 3, "new")]
    assert unordered(rig.look()) == unordered(rows_of(now))
    assert unordered(rows_of(asyncio.run(gathered(home(rig))))) == unordered(rows_of(now))
    old = asyncio.run(gathered(home(rig, version=1)))
    assert unordered(rows_of(old)) == people(0, 5).rows()
    assert asyncio.run(rig.store().last("people")) == second
    assert not rig.leftovers()


def test_nothing_is_copied_to_be_published(rig: DeltaS3Rig) -> None:
    """The staged object is the table's."""

    async def story() -> None:
        async with rig.store().load(request(Mode.APPEND)) as load:
            part = await staged(load, "a", people(0, 5))
            before = {n for n in rig.objects("raw/people") if n.endswith(".parquet")}
            await load.commit([part])
            assert {n for n in rig.objects("raw/people") if n.endswith(".parquet")} == before

    asyncio.run(story())
    log = rig.objects("raw/people/_delta_log")
    (newest,) = (text for name, text in log.items() if name.endswith(f"{1:020}.json"))
    added = [json.loads(line)["add"] for line in newest.splitlines() if b'"add"' in line[:8]]
    assert [told["size"] for told in added] == [
        len(data) for name, data in rig.objects("raw/people").items() if name.endswith(".parquet")
    ]


def test_of_two_loads_at_once_one_wins(rig: DeltaS3Rig) -> None:
    first = asyncio.run(settled(rig.store(), request(Mode.APPEND), people(0, 1)))

    async def story() -> list[Any]:
        one, two = request(Mode.APPEND, first), request(Mode.APPEND, first)
        async with rig.store().load(one) as a, rig.store().load(two) as b:
            parts = [await staged(a, "a", people(1, 1)), await staged(b, "b", people(2, 1))]
            commits = [a.commit(parts[:1]), b.commit(parts[1:])]
            return list(await asyncio.gather(*commits, return_exceptions=True))

    done = asyncio.run(story())
    assert sum(isinstance(result, LoadLost) for result in done) == 1
    assert len(rig.look() or []) == 2


def test_a_bucket_that_is_not_there_is_told_without_secrets(rig: DeltaS3Rig) -> None:
    with pytest.raises(HyggeError) as failed:
        asyncio.run(gathered(home(rig, path="s3://nowhere-at-all/people", connection="open")))
    assert s3.KEYS["secret_access_key"] not in f"{failed.value} {home(rig)!r} {rig.store()!r}"
