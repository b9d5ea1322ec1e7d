"""Each kind of place in a cloud, and a hand of its own in it: what others do there meanwhile."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import obstore
from obstore.store import GCSStore, S3Store
from tests.rigs.azure import eyes
from tests.servers import gcs, s3, sshd
from tests.servers.adls import shared as adls
from tests.servers.adls.lake import Account

from hygge.connections.named import NamedConnections
from hygge.core.home import HomeConfig
from hygge.core.store import StoreConfig
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.locating import locate
from hygge.homes.files import FileHome, FileHomeConfig
from hygge.stores.file_config import FileStoreConfig
from hygge.stores.files import FileStore


class Place(ABC):
    """An empty one, by the name of its filesystem."""

    kind: ClassVar[str]
    settings: Mapping[str, Any]

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp

    @property
    def files(self) -> FileSystem:
        return locate("x", self.kind, dict(self.settings))[0]

    @property
    def connections(self) -> NamedConnections:
        return NamedConnections({"there": {"type": self.kind, **self.settings}})

    def home(self, path: str, **more: Any) -> FileHome:
        told = {"type": "files", "connection": "there", "path": path, **more}
        config = HomeConfig.create(told)
        assert isinstance(config, FileHomeConfig)
        return FileHome.build(config, self.connections)

    def store(self, path: str, **more: Any) -> FileStore:
        config = StoreConfig.create(
            {"type": "parquet", "connection": "there", "path": path, **more}
        )
        assert isinstance(config, FileStoreConfig)
        return FileStore.build(config, self.connections)

    @abstractmethod
    def put(self, path: str, data: bytes) -> None: ...

    def put_before(self, path: str, data: bytes) -> None:
        """So long ago that whatever is put now is seen to be later."""
        self.put(path, data)

    @abstractmethod
    def remove(self, path: str) -> None: ...

    @abstractmethod
    def fill(self, objects: Mapping[str, bytes]) -> None:
        """Many at once, without asking the server."""


class ObjectPlace(Place):
    @cached_property
    @abstractmethod
    def hand(self) -> Any:
        """The library's own store."""

    def put(self, path: str, data: bytes) -> None:
        obstore.put(self.hand, path, data)

    def remove(self, path: str) -> None:
        obstore.delete(self.hand, path)


class Lake(ObjectPlace):
    kind, account = "adls", "lake"

    def __init__(self, tmp: Path) -> None:
        super().__init__(tmp)
        self.container = adls.new_container(self.account)
        self.settings = adls.settings(self.account, self.container)

    @cached_property
    def hand(self) -> Any:
        return eyes(self.account, self.container)

    def fill(self, objects: Mapping[str, bytes]) -> None:
        account = Account(self.account, adls.folder(), hierarchical=self.account == "lake")
        for key, data in objects.items():
            file = account.place(self.container, key)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)


class Flat(Lake):
    kind, account = "azure_blob", "flat"


class Amazon(ObjectPlace):
    kind = "s3"

    def __init__(self, tmp: Path) -> None:
        super().__init__(tmp)
        self.bucket = s3.new_bucket()
        self.settings = s3.settings(self.bucket)

    @cached_property
    def hand(self) -> Any:
        told: Any = {**s3.KEYS, "endpoint": s3.url(), "client_options": {"allow_http": True}}
        return S3Store(self.bucket, **told)

    def fill(self, objects: Mapping[str, bytes]) -> None:
        s3.fill(self.bucket, objects)


class Google(ObjectPlace):
    kind = "gcs"

    def __init__(self, tmp: Path) -> None:
        super().__init__(tmp)
        self.bucket = gcs.new_bucket()
        self.settings = gcs.settings(self.bucket)

    @cached_property
    def hand(self) -> Any:
        how: Any = {"allow_http": True}
        return GCSStore(
            self.bucket,
            service_account_key=gcs.ACCOUNT,
            config={"base_url": gcs.url()},
            client_options=how,
        )

    def fill(self, objects: Mapping[str, bytes]) -> None:
        gcs.fill(self.bucket, objects)


class Ssh(Place):
    kind = "sftp"

    def __init__(self, tmp: Path) -> None:
        super().__init__(tmp)
        self.folder = tmp / "served"
        self.folder.mkdir()
        self.settings = {**sshd.server().settings(), "folder": str(self.folder)}

    def put(self, path: str, data: bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def put_before(self, path: str, data: bytes) -> None:
        self.put(path, data)
        os.utime(self.folder / path, (1_700_000_000,) * 2)  # SFTP tells whole seconds

    def remove(self, path: str) -> None:
        (self.folder / path).unlink()

    def fill(self, objects: Mapping[str, bytes]) -> None:
        for path, data in objects.items():
            self.put(path, data)


PLACES: tuple[type[Place], ...] = (Lake, Flat, Amazon, Google, Ssh)
