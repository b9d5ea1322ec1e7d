"""Rigs for tables read from files. Polars writes them."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from hygge.connections.named import NamedConnections
from hygge.core.home import HomeConfig
from hygge.homes.files import FileHome, FileHomeConfig
from hygge.testing.harness import HomeRig


class ParquetFilesRig(HomeRig):
    """A folder of small files, each a partition of its own."""

    def __init__(self, tmp: Path) -> None:
        self.folder = tmp / "people"
        self.folder.mkdir()

    def home(self) -> FileHome:
        return self._made(self.folder)

    def missing(self) -> FileHome:
        return self._made(self.folder.with_name("nowhere"))

    def give(self, *frames: pl.DataFrame) -> None:
        for old in self.folder.iterdir():
            old.unlink()
        for number, frame in enumerate(frames):
            frame.write_parquet(self.folder / f"{number:04}.parquet")

    def _made(self, path: Path) -> FileHome:
        config = HomeConfig.create({"type": "parquet", "path": str(path), "partition_mb": 0.0001})
        assert isinstance(config, FileHomeConfig)
        return FileHome.build(config, NamedConnections())


class OneParquetRig(ParquetFilesRig):
    """One file, cut between its row groups."""

    def home(self) -> FileHome:
        return self._made(self.folder / "people.parquet")

    def give(self, *frames: pl.DataFrame) -> None:
        longest = max(frame.height for frame in frames)
        path = self.folder / "people.parquet"
        pl.concat(frames).write_parquet(path, row_group_size=max(longest, 1))


HOMES = [ParquetFilesRig, OneParquetRig]
STORES: list[type] = []
