"""Rigs for folders of files in a bucket of Google Cloud Storage."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from obstore.store import GCSStore
from tests.rigs.s3 import VersionedS3Rig
from tests.servers import gcs

from hygge.connections.named import NamedConnections
from hygge.core.store import StoreConfig
from hygge.stores.file_config import FileStoreConfig
from hygge.stores.files import FileStore


class VersionedGcsRig(VersionedS3Rig):
    def __init__(self, tmp: Path) -> None:
        self.tmp, self.bucket = tmp, gcs.new_bucket()
        self.connections = NamedConnections({"lake": {"type": "gcs", **gcs.settings(self.bucket)}})

    @cached_property
    def eyes(self) -> Any:
        told: Any = {"base_url": gcs.url(), "service_account_key": gcs.ACCOUNT}
        return GCSStore(self.bucket, client_options={"allow_http": True}, **told)

    def store(self) -> FileStore:
        told = {"type": "gcs", "connection": "lake", "path": "raw/people", "layout": self.layout}
        config = StoreConfig.create(told)
        assert isinstance(config, FileStoreConfig)
        return FileStore.build(config, self.connections)


HOMES: list[type] = []
STORES = [VersionedGcsRig]
