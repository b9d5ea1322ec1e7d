"""Loads into a folder of files, on any filesystem, in any format."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

from hygge.core.config import Connections
from hygge.core.schema import TableSchema
from hygge.core.store import LoadRequest, Mode, Receipt, StoreCapabilities, StoreConfig
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.found import found
from hygge.formats.format import BATCH_BYTES
from hygge.stores.file_config import FileStoreConfig
from hygge.stores.file_load import FileLoad
from hygge.stores.file_table import FileTable
from hygge.stores.file_undo import take_back
from hygge.stores.recorded import RecordedStore


class FileStore(RecordedStore[FileStoreConfig]):
    """A folder of files that hygge alone writes to.

    Readers see a `folder` table change file by file for the moment that the moves take; a
    `versioned` one changes at once, by its `_current.json`.
    """

    Config: ClassVar[type[StoreConfig]] = FileStoreConfig
    capabilities = StoreCapabilities(
        frozenset({Mode.REPLACE, Mode.APPEND}), atomic=False, undo=True
    )
    buffer_bytes = BATCH_BYTES
    table: FileTable

    def __init__(
        self, config: FileStoreConfig, place: tuple[FileSystem, str] | None = None
    ) -> None:
        self.config, self.table = config, FileTable(config, place)
        self.table.refuse_immovable()

    @classmethod
    def build(cls, config: FileStoreConfig, connections: Connections) -> Self:
        return cls(config, found(config, connections))

    @property
    def manner(self) -> str:
        return self.table.format.manner

    def refuse(self, schema: TableSchema) -> None:
        self.table.format.refuse(schema)

    def open_load(self, request: LoadRequest) -> FileLoad:
        return FileLoad(self.table, request)

    def take_back(self, flow: str, load_id: str, by: str) -> Receipt:
        return take_back(self.table, flow, load_id, by)

    def probe(self) -> None:
        self.table.refuse_link()
        self.table.fs.probe(self.table.folder)


class ParquetStore(FileStore):
    """A folder of parquet files, for Python: `ParquetStore("lake/users")`."""

    def __init__(self, path: str | FileStoreConfig, **options: Any) -> None:
        if not isinstance(path, FileStoreConfig):
            where = path if "://" in path else str(Path(path).absolute())
            path = FileStoreConfig(type="parquet", path=where, format="parquet", options=options)
        super().__init__(path)
