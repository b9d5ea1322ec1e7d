"""Rigs for Delta tables. Their other reader is the library's own, with Arrow."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
from deltalake.exceptions import TableNotFoundError
from deltalake.transaction import AddAction
from tests.rigs.files import HARMS

from hygge.connections.named import NamedConnections
from hygge.core.home import HomeConfig
from hygge.core.store import StagedPart, StoreConfig
from hygge.homes.delta import DeltaHome, DeltaHomeConfig
from hygge.stores.delta import DeltaStore
from hygge.stores.delta_config import DeltaStoreConfig
from hygge.testing.harness import Harm, HomeRig, Row, StoreRig


def read(url: str, options: Mapping[str, str] | None = None) -> list[Row] | None:
    """The rows of the newest version; None: there is no table."""
    try:
        table = deltalake.DeltaTable(url, storage_options=dict(options or {}) or None)
    except TableNotFoundError:
        return None
    rows = table.to_pyarrow_table().to_pylist()
    return [tuple(map(_plain, row.values())) for row in rows]


def _plain(value: Any) -> Any:
    return value


class DeltaRig(StoreRig):
    ordered = False

    def __init__(self, tmp: Path) -> None:
        self.folder = tmp / "lake" / "people"
        self.own = tmp / "lake" / "_hygge"

    def store(self) -> DeltaStore:
        config = StoreConfig.create({"type": "delta", "path": str(self.folder)})
        assert isinstance(config, DeltaStoreConfig)
        return DeltaStore.build(config, NamedConnections())

    def look(self) -> list[Row] | None:
        return read(str(self.folder)) if self.folder.exists() else None

    def named(self) -> set[Path]:
        """Every file that some version has, or had."""
        found = set[Path]()
        for log in (self.folder / "_delta_log").glob("*.json"):
            for line in log.read_text().splitlines():
                if added := json.loads(line).get("add"):
                    found.add(self.folder / added["path"])
        return found

    def leftovers(self) -> Sequence[str]:
        staged = (self.own / "staging").glob("*/*")
        strangers = {*self.folder.glob("[!_]*/*")} - self.named()
        halves = [*self.own.rglob("_*"), *(self.folder / "_delta_log").glob("_*.json.*")]
        return [str(path) for path in (*staged, *strangers, *halves)]

    def spoil(self, harm: Harm, part: StagedPart) -> None:
        (file,) = self.folder.rglob(part.pieces[0].name)
        HARMS[harm](file)


class DeltaHomeRig(HomeRig):
    """A table that the library writes, a version a frame."""

    def __init__(self, tmp: Path) -> None:
        self.folder = tmp / "people"

    def home(self) -> DeltaHome:
        return self._made(self.folder)

    def missing(self) -> DeltaHome:
        return self._made(self.folder.with_name("nowhere"))

    def give(self, *frames: pl.DataFrame) -> None:
        """Named by us: files are read in the order of their times, and then of their names."""
        empty = frames[0].clear()
        deltalake.write_deltalake(self.folder, empty, mode="overwrite", schema_mode="overwrite")
        table = deltalake.DeltaTable(self.folder)
        actions = [self._written(n, frame) for n, frame in enumerate(frames)]
        table.create_write_transaction(actions, "append", table.schema())

    def _written(self, number: int, frame: pl.DataFrame) -> Any:
        name = f"{number:04}-{secrets.token_hex(4)}.parquet"
        frame.write_parquet(self.folder / name)
        size = (self.folder / name).stat().st_size
        return AddAction(
            name, size, {}, 1_700_000_000_000, True, f'{{"numRecords": {frame.height}}}'
        )

    def _made(self, path: Path) -> DeltaHome:
        config = HomeConfig.create({"type": "delta", "path": str(path), "partition_mb": 0.0001})
        assert isinstance(config, DeltaHomeConfig)
        return DeltaHome.build(config, NamedConnections())


HOMES = [DeltaHomeRig]
STORES = [DeltaRig]
