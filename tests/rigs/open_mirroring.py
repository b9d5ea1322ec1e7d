"""Rigs for Open Mirroring. Their other reader is the local mirror: what Fabric would show."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
from tests.rigs.files import HARMS

from hygge.connections.named import NamedConnections
from hygge.core.store import StagedPart, StoreConfig
from hygge.filesystems.locating import locate
from hygge.mirroring.applied import Status
from hygge.mirroring.engine import apply
from hygge.stores.mirror_config import OpenMirroringConfig
from hygge.stores.open_mirroring import OpenMirroringStore
from hygge.testing.harness import Harm, Row, StoreRig


class MirrorRig(StoreRig):
    """A landing zone on this disk. Each look applies what came since the last one."""

    ordered = False
    settings: dict[str, Any] = {}  # noqa: RUF012 - never changed

    def __init__(self, tmp: Path) -> None:
        self.database, self.mirror = tmp / "database", tmp / "mirror"
        self.zone = self.database / "Files" / "LandingZone"
        self.folder = self.zone / "dbo.schema" / "people"

    def store(self) -> OpenMirroringStore:
        told = {"account_url": f"file://{self.database}", "schema": "dbo", "table": "people"}
        wait = {"folder_deletion_wait_seconds": 0}
        config = StoreConfig.create({"type": "open_mirroring", **told, **wait, **self.settings})
        assert isinstance(config, OpenMirroringConfig)
        return OpenMirroringStore.build(config, NamedConnections())

    def frame(self) -> pl.DataFrame | None:
        """The table as Fabric would show it."""
        if not self.zone.exists():
            return None
        zone, mirror = locate(str(self.zone)), locate(str(self.mirror))
        with ThreadPoolExecutor(1) as pool:  # tests look from within a loop, which must not block
            done = pool.submit(apply, *zone, mirror).result()
        assert all(table.status is not Status.FAILED for table in done.tables), done
        table = self.mirror / "dbo" / "people"
        return pl.read_delta(str(table)) if (table / "_delta_log").exists() else None

    def look(self) -> list[Row] | None:
        found = self.frame()
        return None if found is None else found.rows()

    def leftovers(self) -> Sequence[str]:
        own = self.zone / "_hygge"
        halves = [path for path in own.rglob("_*") if path.is_file()]
        beside = [p for p in self.folder.glob("_*") if p.name not in _KNOWN]
        staged = list((own / "staging").glob("*.schema/*/*"))
        return [str(path) for path in (*staged, *halves, *beside)]

    def spoil(self, harm: Harm, part: StagedPart) -> None:
        (file,) = self.zone.rglob(part.pieces[0].name)
        HARMS[harm](file)


_KNOWN = ("_metadata.json", "_ProcessedFiles", "_hygge_mirror.json")
HOMES: list[Any] = []
STORES = [MirrorRig]
