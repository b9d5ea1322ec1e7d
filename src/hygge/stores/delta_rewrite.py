"""Reads the files of a Delta table and of a load, and writes files anew with other rows."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from hygge.core.schema import TableSchema
from hygge.core.store import Piece
from hygge.formats.delta_rows import delta_rows
from hygge.stores.delta_actions import NewFile
from hygge.stores.delta_table import DeltaTable
from hygge.stores.file_load import FileLoad, FileWriter
from hygge.stores.staged_rows import ROW, StagedFile


class Files:
    """The files of one table, as one load sees them."""

    def __init__(self, table: DeltaTable, load: FileLoad) -> None:
        self.table, self._load = table, load

    def read(self, path: str, schema: TableSchema) -> Iterator[pl.DataFrame]:
        """The rows of a file, with these columns and the number of each row."""
        start = 0
        for batch in delta_rows(self.table.fs.source(path), self.table.format, schema):
            yield batch.with_row_index(ROW, start).with_columns(pl.col(ROW).cast(pl.Int64))
            start += batch.height

    def staged(self, files: Sequence[StagedFile], schema: TableSchema) -> Iterator[pl.DataFrame]:
        """The rows of what is staged, in the order of the commit."""
        for file in files:
            for batch in self.read(file.path, schema):
                yield batch.with_columns(pl.col(ROW) + file.start)

    def write(self, batches: Iterable[pl.DataFrame], schema: TableSchema) -> Iterator[NewFile]:
        """New files with these rows, each up to the target size."""
        file: FileWriter | None = None
        try:
            for batch in batches:
                if not batch.height:
                    continue
                file = file or FileWriter(self._load, secrets.token_hex(8), schema)
                file.write(batch.select(schema.names))
                if file.size >= self.table.config.target_file_mb * 2**20:
                    done, file = file, None
                    yield self._new(done.finish())
            if file is not None:
                yield self._new(file.finish())
                file = None
        finally:
            if file is not None:
                file.abort()

    def _new(self, piece: Piece) -> NewFile:
        return NewFile(f"{self._load.request.load_id}/{piece.name}", piece.rows, piece.bytes)
