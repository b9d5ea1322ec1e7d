"""Rigs for tables in memory. Their other reader takes the pages apart itself."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from hygge.core.home import HomeConfig
from hygge.core.store import StagedPart, StoreConfig
from hygge.databases import memory
from hygge.flow.factory import NoConnections
from hygge.homes.memory import MemoryChanges, MemoryHome, MemoryHomeConfig
from hygge.stores.memory import MemoryStore, MemoryStoreConfig
from hygge.testing.harness import Harm, HomeRig, Row, StoreRig


class MemoryHomeRig(HomeRig):
    kind: type[MemoryHome] = MemoryHome

    def __init__(self, tmp: Path) -> None:
        self.table = f"home-{secrets.token_hex(6)}"

    def home(self) -> MemoryHome:
        return self._made(self.table)

    def missing(self) -> MemoryHome:
        return self._made("nowhere")

    def give(self, *frames: pl.DataFrame) -> None:
        memory.table(self.table).put(frames)

    def _made(self, table: str) -> MemoryHome:
        config = HomeConfig.create({"type": "memory", "table": table, "batch_rows": 2})
        assert isinstance(config, MemoryHomeConfig)
        return self.kind.build(config, NoConnections())


class MemoryChangesRig(MemoryHomeRig):
    kind = MemoryChanges


class MemoryStoreRig(StoreRig):
    def __init__(self, tmp: Path) -> None:
        self.table = memory.table(f"store-{secrets.token_hex(6)}")

    def store(self) -> MemoryStore:
        config = StoreConfig.create({"type": "memory", "table": self.table.name})
        assert isinstance(config, MemoryStoreConfig)
        return MemoryStore.build(config, NoConnections())

    def look(self) -> list[Row] | None:
        if self.table.schema is None:
            return None
        found = list[Row]()
        for page in self.table.pages:
            columns = page.rows.to_dict(as_series=False)
            assert tuple(columns) == self.table.schema.names
            found += zip(*columns.values(), strict=True)
        return found

    def leftovers(self) -> Sequence[str]:
        return list(self.table.staged)

    def spoil(self, harm: Harm, part: StagedPart) -> None:
        tags, tag = self.table.staged[part.load_id], part.pieces[0].name
        match harm:
            case Harm.LOSE:
                del tags[tag]
            case Harm.TRUNCATE:
                tags[tag] = [tags[tag][0].head(-1)]
            case Harm.DOUBLE:
                tags[tag] = tags[tag] * 2
            case Harm.FLIP:
                tags[tag] = [frame.with_columns(pl.col("id") ^ 1) for frame in tags[tag]]


HOMES = [MemoryHomeRig, MemoryChangesRig]
STORES = [MemoryStoreRig]
