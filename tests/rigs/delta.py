"""Rigs for Delta tables. Their other reader is the library's own, with Arrow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import deltalake
from deltalake.exceptions import TableNotFoundError
from tests.rigs.files import HARMS

from hygge.connections.named import NamedConnections
from hygge.core.store import StagedPart, StoreConfig
from hygge.stores.delta import DeltaStore
from hygge.stores.delta_config import DeltaStoreConfig
from hygge.testing.harness import Harm, Row, StoreRig


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


HOMES: list[type] = []
STORES = [DeltaRig]
