"""Rigs for folders of files in an S3 bucket. Objects are fetched anew, and read by DuckDB."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import obstore
import polars as pl
from obstore.store import S3Store
from tests.rigs.files import HARMS, read_parquet
from tests.servers import s3

from hygge.connections.named import NamedConnections
from hygge.core.home import HomeConfig
from hygge.core.store import StagedPart, StoreConfig
from hygge.homes.files import FileHome, FileHomeConfig
from hygge.stores.file_config import FileStoreConfig
from hygge.stores.files import FileStore
from hygge.testing.harness import Harm, HomeRig, Row, StoreRig


class S3FolderRig(StoreRig):
    layout = "folder"

    def __init__(self, tmp: Path) -> None:
        self.tmp, self.bucket = tmp, s3.new_bucket()
        self.connections = NamedConnections({"lake": {"type": "s3", **s3.settings(self.bucket)}})

    @cached_property
    def eyes(self) -> Any:
        """Sees the bucket by itself."""
        told: Any = {**s3.KEYS, "endpoint": s3.url(), "client_options": {"allow_http": True}}
        return S3Store(self.bucket, **told)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "eyes"}

    def store(self) -> FileStore:
        settings = {"type": "s3", "connection": "lake", "path": "raw/people", "layout": self.layout}
        config = StoreConfig.create(settings)
        assert isinstance(config, FileStoreConfig)
        return FileStore.build(config, self.connections)

    def objects(self, prefix: str) -> Mapping[str, bytes]:
        names = [o["path"] for page in obstore.list(self.eyes, prefix) for o in page]
        return {name: bytes(obstore.get(self.eyes, name).bytes()) for name in sorted(names)}

    def data(self) -> Mapping[str, bytes]:
        """What a reader that knows the layout would read."""
        found = self.objects("raw/people")
        return {name: data for name, data in found.items() if name.endswith(".parquet")}

    def look(self) -> list[Row] | None:
        files = []
        for name, data in self.data().items():
            file = self.tmp / "seen" / name.replace("/", "~")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            files.append(file)
        return read_parquet(files) if files else None

    def leftovers(self) -> Sequence[str]:
        staged = self.objects("raw/_hygge/staging")
        strangers = {*self.objects("raw/people")} - {*self.data()} - {"raw/people/_current.json"}
        return [*staged, *strangers]

    def spoil(self, harm: Harm, part: StagedPart) -> None:
        staged = self.objects("raw/_hygge/staging")
        (name,) = (path for path in staged if path.endswith(part.pieces[0].name))
        file = self.tmp / "harmed"
        file.write_bytes(staged[name])
        HARMS[harm](file)
        if file.exists():
            obstore.put(self.eyes, name, file.read_bytes())
        else:
            obstore.delete(self.eyes, name)


class VersionedS3Rig(S3FolderRig):
    layout = "versioned"

    def data(self) -> Mapping[str, bytes]:
        found = self.objects("raw/people")
        pointer = found.get("raw/people/_current.json")
        folders = json.loads(pointer)["folders"] if pointer else []
        return {
            name: data
            for name, data in found.items()
            if any(name.startswith(f"raw/people/{folder}/") for folder in folders)
        }

    def leftovers(self) -> Sequence[str]:
        return [*self.objects("raw/_hygge/staging")]


class S3FilesRig(HomeRig):
    """A folder of small files, each a partition of its own."""

    def __init__(self, tmp: Path) -> None:
        self.bucket = s3.new_bucket()
        self.connections = NamedConnections({"lake": {"type": "s3", **s3.settings(self.bucket)}})

    def home(self) -> FileHome:
        return self._made("raw/people")

    def missing(self) -> FileHome:
        return self._made("raw/nowhere")

    def give(self, *frames: pl.DataFrame) -> None:
        told: Any = {**s3.KEYS, "endpoint": s3.url(), "client_options": {"allow_http": True}}
        pen: Any = S3Store(self.bucket, **told)
        for old in [o["path"] for page in obstore.list(pen, "raw/people") for o in page]:
            obstore.delete(pen, old)
        for number, frame in enumerate(frames):
            written = io.BytesIO()
            frame.write_parquet(written)
            obstore.put(pen, f"raw/people/{number:04}.parquet", written.getvalue())

    def _made(self, path: str) -> FileHome:
        config = HomeConfig.create(
            {"type": "s3", "connection": "lake", "path": path, "partition_mb": 0.0001}
        )
        assert isinstance(config, FileHomeConfig)
        return FileHome.build(config, self.connections)


HOMES = [S3FilesRig]
STORES = [S3FolderRig, VersionedS3Rig]
