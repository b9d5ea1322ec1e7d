"""Loads into a folder of files, on any filesystem, in any format.

Layout, beside the table's folder `<parent>/<table>/`:

    <parent>/_hygge/staging/<table>/<load_id>/    what is not published yet
    <parent>/_hygge/commits/<table>/<n>.json      what was published or erased, in order
    <parent>/_hygge/leases/<table>/<n>.json       who writes now
"""

from __future__ import annotations

import json
import os.path
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from hygge import registry
from hygge.core.config import Connections
from hygge.core.driver_thread import DriverThread
from hygge.core.errors import ConfigError
from hygge.core.lease import Lease
from hygge.core.schema import TableSchema
from hygge.core.store import (
    BlockingLoad,
    BlockingStore,
    LoadRequest,
    Mode,
    Receipt,
    StoreCapabilities,
    StoreConfig,
)
from hygge.filesystems.filesystem import locate
from hygge.filesystems.paths import entity_path, located
from hygge.formats.format import BATCH_BYTES, Format
from hygge.formats.options import checked, gathered
from hygge.stores.commit_log import CommitLog, Fate, Record
from hygge.stores.file_lease import FileLease
from hygge.stores.file_load import FileLoad
from hygge.stores.file_names import DEFAULT_PATTERN, check_pattern


class FileStoreConfig(StoreConfig):
    """Settings of a folder of files."""

    path: str = Field(description="The table's folder: a path or URL; {entity} is filled in")
    format: str = Field(default="parquet", description="How rows lie in the files")
    filesystem: str | None = Field(default=None, description="Where, if the path does not say")
    options: Mapping[str, Any] = Field(default={}, description="The format's own options")
    target_file_mb: int = Field(default=256, ge=1, le=8192, description="Begin a new file at, MB")
    file_pattern: str = Field(
        default=DEFAULT_PATTERN,
        description="Names from {sequence}, {timestamp}, {flow}, {entity}, {load_id}",
    )
    layout: Literal["folder", "versioned"] = Field(
        default="folder",
        description="versioned: a folder a load and a pointer, atomic for readers that follow it",
    )
    adopt: bool = Field(default=False, description="Take files that hygge did not put for its own")

    @model_validator(mode="before")
    @classmethod
    def _inline_options(cls, data: Any) -> Any:
        return gathered(data, cls.model_fields, str(data.get("format") or "parquet"))

    @model_validator(mode="after")
    def _known_options(self) -> Self:
        checked(self.options, self.format)
        return self

    @field_validator("file_pattern")
    @classmethod
    def _unique_names(cls, pattern: str) -> str:
        try:
            return check_pattern(pattern)
        except ConfigError as failed:
            raise ValueError(f"{failed.what}; {failed.hint}") from None

    @classmethod
    def for_entity(
        cls, flow: Mapping[str, Any], entity: Mapping[str, Any], name: str
    ) -> dict[str, Any]:
        return {**super().for_entity(flow, entity, name), "path": entity_path(flow, entity, name)}

    def located(self, root: Path) -> Self:
        return self.model_copy(update={"path": located(self.path, root)})

    def places(self) -> tuple[str, ...]:
        return (self.path,)


class FileStore(BlockingStore[FileStoreConfig]):
    """A folder of files that hygge alone writes to.

    Readers see a `folder` table change file by file for the moment that the moves take; a
    `versioned` one changes at once, by its `_current.json`.
    """

    Config: ClassVar[type[StoreConfig]] = FileStoreConfig
    capabilities = StoreCapabilities(frozenset({Mode.REPLACE, Mode.APPEND}), atomic=False)
    buffer_bytes = BATCH_BYTES

    def __init__(self, config: FileStoreConfig) -> None:
        self.config = config
        self.fs, folder = locate(config.path, config.filesystem)
        self.folder = folder.rstrip("/")
        self.parent, _, self.table = self.folder.rpartition("/")
        self.format: Format[Any] = (
            registry.find("formats", config.format).load().build(config.options)
        )
        self.suffix = self.format.suffixes[0]
        self.versioned = config.layout == "versioned"
        self.log = CommitLog(self.fs, self._own("commits"))

    @classmethod
    def build(cls, config: FileStoreConfig, connections: Connections) -> Self:
        return cls(config)

    @property
    def identity(self) -> str:
        return self.fs.url(self.folder)

    def _own(self, what: str) -> str:
        return os.path.join(self.parent, "_hygge", what, self.table)  # noqa: PTH118 - not a local path

    def staging(self, load_id: str) -> str:
        """Where a load's files wait."""
        return f"{self._own('staging')}/{load_id}"

    def data_files(self) -> list[str]:
        """Every file that a reader would take for data: names inside the table's folder."""
        cut = len(self.folder) + 1
        names = (info.path[cut:] for info in self.fs.list(self.folder))
        return [n for n in names if not any(part[0] in "._" for part in n.split("/"))]

    def open_load(self, request: LoadRequest) -> BlockingLoad:
        return FileLoad(self, request)

    def settle(self, flow: str, load_id: str, *, keep: bool) -> Receipt | None:
        found = self.log.of(load_id)
        while found is None and not keep:
            number = self.log.next_number()
            told = self.log.write(Record(number, Fate.ERASED, load_id, flow))
            found = told if told.load_id == load_id else self.log.of(load_id)
        if found is None:
            return None
        self.apply(found)
        self.log.sweep()
        return found.receipt

    def apply(self, record: Record) -> None:
        """Do what the record says, again if need be; staging goes last, so that it is seen."""
        staging = self.staging(record.load_id)
        if record.fate is Fate.PUBLISHED and self.fs.is_folder(staging):
            for name, target in record.moves:
                self.fs.move(f"{staging}/{name}", f"{self.folder}/{target}")
            self.fs.sync(self._folders_of(record.targets))
            if record.current and self.log.newest() == record:
                pointer = {"folders": record.current, "load_id": record.load_id}
                self.fs.replace(f"{self.folder}/_current.json", json.dumps(pointer).encode())
            for name in record.deletes:
                self.fs.delete(f"{self.folder}/{name}")
            self._drop_versions(record)
        self.fs.delete_folder(staging)

    def _folders_of(self, names: Sequence[str]) -> list[str]:
        inside = {name.rpartition("/")[0] for name in names}
        return [f"{self.folder}/{name}".rstrip("/") for name in sorted({"", *inside})]

    def _drop_versions(self, record: Record) -> None:
        gone = {name.partition("/")[0] for name in record.deletes if name.startswith("v=")}
        for version in sorted(gone - {name.partition("/")[0] for name in record.targets}):
            self.fs.delete_folder(f"{self.folder}/{version}")

    def strays(self, flow: str) -> Sequence[str]:
        return self.fs.folders(self._own("staging"))

    def newest(self, flow: str) -> Receipt | None:
        record = self.log.newest()
        return record.receipt if record else None

    def table_schema(self) -> TableSchema | None:
        record = self.log.newest()
        return record.schema if record else None

    def probe(self) -> None:
        self.fs.probe(self.folder)

    def _lease(self) -> FileLease:
        top = self._own("leases").removesuffix(f"/leases/{self.table}")
        return FileLease(self.fs, self._own("leases"), top, self.identity)

    async def lease(self, name: str, seconds: float) -> Lease:
        async with DriverThread("lease") as thread:
            return await thread.run(self._lease().take, name, seconds)

    async def renew(self, lease: Lease, seconds: float) -> None:
        async with DriverThread("lease") as thread:
            await thread.run(self._lease().renew, lease, seconds)

    async def release(self, lease: Lease) -> None:
        async with DriverThread("lease") as thread:
            await thread.run(self._lease().release, lease)


class ParquetStore(FileStore):
    """A folder of parquet files, for Python: `ParquetStore("lake/users")`."""

    def __init__(self, path: str | FileStoreConfig, **options: Any) -> None:
        if not isinstance(path, FileStoreConfig):
            where = path if "://" in path else str(Path(path).absolute())
            path = FileStoreConfig(type="parquet", path=where, format="parquet", options=options)
        super().__init__(path)
