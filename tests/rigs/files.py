"""Rigs for folders of files. Their other reader is DuckDB, which knows nothing of hygge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import duckdb

from hygge.core.store import StagedPart, StoreConfig
from hygge.flow.factory import NoConnections
from hygge.stores.file_config import FileStoreConfig
from hygge.stores.files import FileStore
from hygge.testing import faults
from hygge.testing.harness import Harm, Row, StoreRig

HARMS = {
    Harm.LOSE: faults.lose,
    Harm.TRUNCATE: faults.truncate,
    Harm.DOUBLE: faults.double_rows,
    Harm.FLIP: faults.flip_a_byte,
}


def read_parquet(files: Sequence[Path]) -> list[Row]:
    """The rows of these files, in the order of the files; columns of all of them."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        found = connection.sql(
            "select * exclude (filename, file_row_number) from read_parquet(?, filename = true,"
            " hive_partitioning = false, union_by_name = true, file_row_number = true)"
            " order by filename, file_row_number",
            params=[[str(file) for file in files]],
        ).to_arrow_table()
    return [tuple(row.values()) for row in found.to_pylist()]


class ParquetFolderRig(StoreRig):
    layout = "folder"

    def __init__(self, tmp: Path) -> None:
        self.folder = tmp / "lake" / "people"
        self.own = tmp / "lake" / "_hygge"

    def store(self) -> FileStore:
        config = StoreConfig.create(
            {"type": "parquet", "path": str(self.folder), "layout": self.layout}
        )
        assert isinstance(config, FileStoreConfig)
        return FileStore.build(config, NoConnections())

    def files(self) -> list[Path]:
        """What a reader that knows the layout would read."""
        return sorted(self.folder.glob("*.parquet"))

    def look(self) -> list[Row] | None:
        files = self.files()
        return read_parquet(files) if files else None

    def leftovers(self) -> Sequence[str]:
        staged = (self.own / "staging").glob("*/*")
        halves = self.own.rglob("_*")
        strangers = {p for p in self.folder.rglob("*") if p.is_file()} - {*self.files()}
        strangers -= {self.folder / "_current.json"}
        return [str(path) for path in (*staged, *halves, *strangers)]

    def spoil(self, harm: Harm, part: StagedPart) -> None:
        (file,) = (self.own / "staging").rglob(part.pieces[0].name)
        HARMS[harm](file)


class VersionedParquetRig(ParquetFolderRig):
    layout = "versioned"

    def files(self) -> list[Path]:
        pointer = self.folder / "_current.json"
        folders = json.loads(pointer.read_text())["folders"] if pointer.exists() else []
        return sorted(file for name in folders for file in (self.folder / name).glob("*.parquet"))

    def leftovers(self) -> Sequence[str]:
        staged = (self.own / "staging").glob("*/*")
        return [str(path) for path in (*staged, *self.own.rglob("_*"))]


HOMES: list[type] = []
STORES = [ParquetFolderRig, VersionedParquetRig]
