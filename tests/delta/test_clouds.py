"""Delta tables in the other clouds: loaded, merged, and read as they were."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest
from tests.servers import gcs
from tests.servers.adls import shared as adls

from hygge.connections.named import NamedConnections
from hygge.core.errors import HyggeError, LoadLost
from hygge.core.home import HomeConfig
from hygge.core.store import Mode, StoreConfig
from hygge.homes.delta import DeltaHome, DeltaHomeConfig
from hygge.stores.delta import DeltaStore
from hygge.stores.delta_config import DeltaStoreConfig
from hygge.testing.harness import (
    gathered,
    people,
    request,
    rows_of,
    settled,
    staged,
    unordered,
)


class Cloud(NamedTuple):
    """A connection of this kind, and a table's place in it."""

    kind: str
    settings: Mapping[str, Any]
    path: str = "raw/people"

    @property
    def connections(self) -> NamedConnections:
        return NamedConnections({"lake": {"type": self.kind, **self.settings}})

    @property
    def _place(self) -> dict[str, Any]:
        return {"type": "delta", "connection": "lake", "path": self.path}

    def store(self) -> DeltaStore:
        config = StoreConfig.create(self._place)
        assert isinstance(config, DeltaStoreConfig)
        return DeltaStore.build(config, self.connections)

    def home(self, **more: Any) -> DeltaHome:
        config = HomeConfig.create({**self._place, **more})
        assert isinstance(config, DeltaHomeConfig)
        return DeltaHome.build(config, self.connections)


def directories() -> Cloud:
    return Cloud("adls", adls.settings("lake", adls.new_container("lake")))


def flat() -> Cloud:
    return Cloud("azure_blob", adls.settings("flat", adls.new_container("flat")))


def onelake() -> Cloud:
    workspace, item = adls.new_item()
    return Cloud("onelake", adls.onelake_settings(workspace, item), "Tables/people")


def google() -> Cloud:
    return Cloud("gcs", gcs.settings(gcs.new_bucket()))


@pytest.fixture(params=[directories, flat, onelake, google], ids=lambda made: made.__name__)
def cloud(request: pytest.FixtureRequest) -> Cloud:
    made: Callable[[], Cloud] = request.param
    return made()


def test_a_table_is_loaded_merged_and_read_as_it_was(cloud: Cloud) -> None:
    first = asyncio.run(settled(cloud.store(), request(), people(0, 5)))
    second = asyncio.run(settled(cloud.store(), request(Mode.MERGE, first), people(3, 3, "new")))
    now = [people(0, 3), people(3, 3, "new")]
    assert unordered(rows_of(asyncio.run(gathered(cloud.home())))) == unordered(rows_of(now))
    old = asyncio.run(gathered(cloud.home(version=1)))
    assert unordered(rows_of(old)) == people(0, 5).rows()
    assert asyncio.run(cloud.store().last("people")) == second


def test_of_two_loads_at_once_one_wins(cloud: Cloud) -> None:
    first = asyncio.run(settled(cloud.store(), request(Mode.APPEND), people(0, 1)))

    async def story() -> list[Any]:
        one, two = request(Mode.APPEND, first), request(Mode.APPEND, first)
        async with cloud.store().load(one) as a, cloud.store().load(two) as b:
            parts = [await staged(a, "a", people(1, 1)), await staged(b, "b", people(2, 1))]
            commits = [a.commit(parts[:1]), b.commit(parts[1:])]
            return list(await asyncio.gather(*commits, return_exceptions=True))

    done = asyncio.run(story())
    assert sum(isinstance(result, LoadLost) for result in done) == 1
    assert len(rows_of(asyncio.run(gathered(cloud.home())))) == 2


def test_a_table_that_is_not_there_is_told_without_secrets(cloud: Cloud) -> None:
    with pytest.raises(HyggeError, match="no Delta table") as failed:
        asyncio.run(gathered(cloud.home()))
    told = f"{failed.value} {cloud.home()!r} {cloud.store()!r}"
    assert not any(secret in told for secret in (adls.KEY, gcs.ACCOUNT))
