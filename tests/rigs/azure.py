"""Rigs for folders of files in Azure's storage, with and without directories, and in OneLake."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import obstore
import polars as pl
from obstore.store import AzureStore
from tests.rigs.s3 import S3FolderRig, VersionedS3Rig
from tests.servers import azurite
from tests.servers.adls import shared as adls

from hygge.connections.named import NamedConnections
from hygge.core.home import HomeConfig
from hygge.core.store import StoreConfig
from hygge.homes.files import FileHome, FileHomeConfig
from hygge.stores.file_config import FileStoreConfig
from hygge.stores.files import FileStore
from hygge.testing.harness import HomeRig


def eyes(account: str, container: str, prefix: str | None = None) -> Any:
    """See a container by themselves."""
    told: Any = {"account_name": account, "account_key": adls.KEY, "prefix": prefix}
    told |= {"endpoint": f"{adls.url()}/{account}", "client_options": {"allow_http": True}}
    return AzureStore(container, **told)


class AdlsFolderRig(S3FolderRig):
    account: ClassVar[str] = "lake"
    kind: ClassVar[str] = "adls"
    place: ClassVar[str] = "raw/people"
    below: ClassVar[str | None] = None

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self.bucket = adls.new_container(self.account)
        self.connect(adls.settings(self.account, self.bucket))

    def connect(self, settings: Mapping[str, Any]) -> None:
        self.connections = NamedConnections({"lake": {"type": self.kind, **settings}})

    @cached_property
    def eyes(self) -> Any:
        return eyes(self.account, self.bucket, self.below)

    def store(self) -> FileStore:
        told = {"type": self.kind, "connection": "lake", "layout": self.layout}
        settings = {**told, "path": self.place}
        config = StoreConfig.create(settings)
        assert isinstance(config, FileStoreConfig)
        return FileStore.build(config, self.connections)


class VersionedAdlsRig(VersionedS3Rig, AdlsFolderRig):
    pass


class FlatAzureRig(VersionedAdlsRig):
    account, kind = "flat", "azure_blob"


class OneLakeRig(AdlsFolderRig):
    account, kind = adls.ONELAKE, "onelake"
    place, below = "Files/raw/people", "lake.Lakehouse/Files"

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self.bucket, item = adls.new_item()
        self.connect(adls.onelake_settings(self.bucket, item))

    def lose(self, name: str) -> None:
        """The library's deletes ask the workspace, and OneLake has none of that."""
        (adls.folder() / self.account / self.bucket / str(self.below) / name).unlink()


class AzuriteRig(AdlsFolderRig):
    """Flat, by Microsoft's own emulator."""

    kind = "azure_blob"

    def __init__(self, tmp: Path) -> None:
        self.tmp, self.bucket = tmp, azurite.new_container()
        self.connect(azurite.settings(self.bucket))

    @cached_property
    def eyes(self) -> Any:
        told: Any = {"account_name": azurite.ACCOUNT, "account_key": azurite.KEY}
        told |= {"endpoint": azurite.url(), "client_options": {"allow_http": True}}
        return AzureStore(self.bucket, **told)


class AdlsFilesRig(HomeRig):
    """A folder of small files, each a partition of its own."""

    def __init__(self, tmp: Path) -> None:
        self.tmp, self.container = tmp, adls.new_container("lake")
        settings = adls.settings("lake", self.container)
        self.connections = NamedConnections({"lake": {"type": "adls", **settings}})

    def home(self) -> FileHome:
        return self._made("people")

    def missing(self) -> FileHome:
        return self._made("nowhere")

    def give(self, *frames: pl.DataFrame) -> None:
        seen = eyes("lake", self.container)
        for page in obstore.list(seen, "people"):
            for old in page:
                obstore.delete(seen, old["path"])
        for number, frame in enumerate(frames):
            file = self.tmp / f"{number:04}.parquet"
            frame.write_parquet(file)
            obstore.put(seen, f"people/{file.name}", file.read_bytes())

    def _made(self, path: str) -> FileHome:
        told = {"type": "adls", "connection": "lake", "path": path, "partition_mb": 0.0001}
        config = HomeConfig.create(told)
        assert isinstance(config, FileHomeConfig)
        return FileHome.build(config, self.connections)


HOMES = [AdlsFilesRig]
STORES = [AdlsFolderRig, FlatAzureRig]
