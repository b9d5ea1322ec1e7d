"""Rigs for files of an SFTP server. It shows a folder of this disk, which is looked at directly."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
from tests.rigs.file_homes import ParquetFilesRig
from tests.rigs.files import ParquetFolderRig
from tests.servers import sshd

from hygge.connections.named import NamedConnections
from hygge.core.home import HomeConfig
from hygge.core.store import StoreConfig
from hygge.homes.files import FileHome, FileHomeConfig
from hygge.stores.file_config import FileStoreConfig
from hygge.stores.files import FileStore


def connections(folder: Path) -> NamedConnections:
    """A server by the name of `server`, which shows this folder."""
    told = {"type": "sftp", "folder": str(folder), **sshd.server().settings()}
    return NamedConnections({"server": told})


class SftpFilesRig(ParquetFilesRig):
    """Each giving is a second later than the one before: SFTP tells no finer times."""

    keeps = True
    givings = 0

    def give(self, *frames: pl.DataFrame) -> None:
        super().give(*frames)
        self.givings += 1
        for file in self.folder.iterdir():
            os.utime(file, (1_700_000_000 + self.givings,) * 2)

    def _made(self, path: Path) -> FileHome:
        settings = {"type": "parquet", "connection": "server", "partition_mb": 0.0001}
        config = HomeConfig.create({**settings, "path": path.name})
        assert isinstance(config, FileHomeConfig)
        return FileHome.build(config, connections(path.parent))


class SftpFolderRig(ParquetFolderRig):
    keeps = True

    def store(self) -> FileStore:
        lake = self.folder.parent
        settings = {"type": "sftp", "connection": "server", "path": f"{lake.name}/people"}
        config = StoreConfig.create({**settings, "layout": self.layout})
        assert isinstance(config, FileStoreConfig)
        return FileStore.build(config, connections(lake.parent))


HOMES = [SftpFilesRig]
STORES = [SftpFolderRig]
