"""Parquet: columns in row groups, types and nullability kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Literal, Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, model_validator

from hygge.core.errors import HomeError
from hygge.core.schema import Column, TableSchema
from hygge.formats.columns import depths, fitted, frame, from_arrow, portions
from hygge.formats.format import (
    BATCH_BYTES,
    BATCH_ROWS,
    Block,
    Ends,
    Format,
    FormatOptions,
    ReadsAhead,
    Sink,
    Source,
    Span,
    Writer,
)
from hygge.formats.parquet_damage import refuse_damaged
from hygge.formats.parquet_ends import ends_of
from hygge.formats.parquet_writer import ParquetWriter
from hygge.registry import SUFFIXES

_WHOLE = 128 * 2**20
"""Row groups up to this size are sliced by Polars, which decodes some pages twice but in parallel;
larger ones are read page by page through Arrow."""

_LEVELS = {"zstd": (1, 22), "gzip": (1, 9)}


class ParquetOptions(FormatOptions):
    """How parquet files are written."""

    compression: Literal["zstd", "snappy", "gzip", "lz4", "none"] = Field(
        default="zstd", description="How pages are compressed"
    )
    compression_level: int | None = Field(
        default=None, description="For zstd (1 to 22, default 1) and gzip (1 to 9, default 6)"
    )
    row_group_rows: int = Field(
        default=98_304,
        ge=1,
        le=2**24,
        description="Rows in a row group, which is held in memory; fewer if they are wide",
    )

    @model_validator(mode="after")
    def _level_fits(self) -> Self:
        if self.compression_level is not None:
            low, high = _LEVELS.get(self.compression, (0, -1))
            if not low <= self.compression_level <= high:
                raise ValueError(
                    f"compression_level: {self.compression} takes {low} to {high}"
                    if high > 0
                    else f"compression_level: {self.compression} has no levels"
                )
        return self

    @property
    def level(self) -> int | None:
        default = {"zstd": 1, "gzip": 6}.get(self.compression)
        return default if self.compression_level is None else self.compression_level


class Parquet(Format[ParquetOptions]):
    """Reads with Polars or Arrow, whichever stays within memory; writes with Polars."""

    name = "parquet"
    suffixes = SUFFIXES["parquet"]
    Options = ParquetOptions
    instead = "cast it to decimal(38, 0) or string"

    def held(self, kind: pl.DataType) -> pl.DataType | None:
        """All but 128-bit integers, which Arrow does not know."""
        return None if pl.Int128() in depths(kind) else kind

    def schema(self, source: Source) -> TableSchema:
        with _opened(source) as file:
            return from_arrow(file.schema_arrow, source.name)

    def blocks(self, source: Source) -> Sequence[Block]:
        with _opened(source) as file:
            groups = [file.metadata.row_group(n) for n in range(file.num_row_groups)]
            unpacked = sum(group.total_byte_size for group in groups)
            packed = source.size / max(1, unpacked)
            sizes = (max(0, round(group.total_byte_size * packed)) for group in groups)
            return [Block(g.num_rows, size) for g, size in zip(groups, sizes, strict=True)]

    def ends(self, source: Source, column: Column) -> Ends | None:
        with _opened(source) as file:
            there = from_arrow(file.schema_arrow, source.name)
            if column.name not in there:
                return None
            return ends_of(source, file, there[column.name].type, column)

    def batches(
        self, source: Source, schema: TableSchema, span: Span | None = None
    ) -> Iterator[pl.DataFrame]:
        with source.open() as handle, _read(source, handle) as file:
            there = from_arrow(file.schema_arrow, source.name)
            names = [name for name in schema.names if name in there]
            there = there.select(names or there.names[:1])  # some column must tell the rows
            if isinstance(handle, ReadsAhead):
                refuse_damaged(file, source.size)
                handle.expect([*_spans(file, there.names, span)])
            for batch in _groups(source, file, there, span):
                for part in portions(batch):
                    yield fitted(part, schema, source.name)

    def rows(self, source: Source) -> int:
        """From the footer, once its columns are seen to lie within this one file."""
        with _opened(source) as file:
            refuse_damaged(file, source.size)
            rows = file.metadata.num_rows
        _refuse_doubled(source)
        return int(rows)

    def writer(self, sink: Sink, schema: TableSchema) -> Writer:
        self.refuse(schema)
        options = self.options
        return ParquetWriter(
            sink,
            schema,
            row_group_rows=options.row_group_rows,
            compression={"none": "uncompressed"}.get(options.compression, options.compression),
            compression_level=options.level,
        )


@contextmanager
def _opened(source: Source) -> Iterator[pq.ParquetFile]:
    """The file on a handle of its own."""
    with source.open() as handle, _read(source, handle) as file:
        yield file


@contextmanager
def _read(source: Source, handle: BinaryIO) -> Iterator[pq.ParquetFile]:
    """What goes wrong with the file names it."""
    try:
        with pq.ParquetFile(handle, pre_buffer=False, buffer_size=2**20) as file:
            _refuse_uncounted(file)
            yield file
    except (
        pa.ArrowException,
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
        OSError,
        ValueError,
    ) as failed:
        raise broken(source, failed) from failed


def _refuse_uncounted(file: pq.ParquetFile) -> None:
    counts = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    if min(counts, default=0) < 0 or sum(counts) != file.metadata.num_rows:
        raise ValueError("its footer counts other rows than its row groups have")


def broken(source: Source, failed: BaseException) -> HomeError:
    told = "the file is empty" if source.size == 0 else f"not a readable parquet file: {failed}"
    return HomeError(told, file=source.name, hint="it may be damaged or unfinished; copy it anew")


def _groups(
    source: Source, file: pq.ParquetFile, there: TableSchema, span: Span | None
) -> Iterator[pl.DataFrame]:
    """The row groups' rows with their own types."""
    at = 0
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        if group.num_rows and (span is None or span.start <= number < span.stop):
            if source.local is not None and group.total_byte_size <= _WHOLE:
                yield from _sliced(source, group, there, at)
            else:
                yield from _paged(source, file, number, there)
        at += group.num_rows


def _sliced(source: Source, group: Any, there: TableSchema, at: int) -> Iterator[pl.DataFrame]:
    lazy = pl.scan_parquet(str(source.local), cache=False, glob=False, hive_partitioning=False)
    lazy = lazy.select(there.names)
    step = -(-group.num_rows // max(1, round(group.num_rows / _rows_at_once(group, BATCH_ROWS))))
    for first in range(0, group.num_rows, step):
        count = min(step, group.num_rows - first)
        batch = lazy.slice(at + first, count).collect(engine="streaming")
        if batch.height != count:
            raise HomeError("fewer rows than the footer tells of", file=source.name)
        yield batch.cast(there.polars())


def _paged(
    source: Source, file: pq.ParquetFile, number: int, there: TableSchema
) -> Iterator[pl.DataFrame]:
    group = file.metadata.row_group(number)
    rows, count = _rows_at_once(group, BATCH_ROWS // 8), 0
    for batch in file.iter_batches(rows, row_groups=[number], columns=list(there.names)):
        count += batch.num_rows
        yield frame(batch).select(there.names).cast(there.polars())
    if count != group.num_rows:
        told = f"row group {number} has {count} rows, not {group.num_rows}"
        raise HomeError(told, file=source.name)


def _spans(
    file: pq.ParquetFile, names: Collection[str], span: Span | None
) -> Iterator[tuple[int, int]]:
    """Where the columns of these names lie, row group by row group."""
    for number in range(file.num_row_groups):
        group = file.metadata.row_group(number)
        if group.num_rows and (span is None or span.start <= number < span.stop):
            columns = (group.column(n) for n in range(group.num_columns))
            own = [c for c in columns if _named(c.path_in_schema, names)]
            yield min(map(_first, own)), max(map(_last, own))


def _named(path: str, names: Collection[str]) -> bool:
    """Whether a column, or one inside another, belongs to these; dots are in names, too."""
    parts = path.split(".")
    return any(".".join(parts[:n]) in names for n in range(1, len(parts) + 1))


def _rows_at_once(group: Any, most: int) -> int:
    width = max(1, int(group.total_byte_size) // int(group.num_rows))
    return max(1, min(most, BATCH_BYTES // width))


def _first(column: Any) -> int:
    """Where a column's pages begin."""
    return int(column.dictionary_page_offset or column.data_page_offset)


def _last(column: Any) -> int:
    return _first(column) + int(column.total_compressed_size)


def _refuse_doubled(source: Source) -> None:
    """A file written twice over still reads as one: its footer speaks of the first half."""
    with source.open() as handle:
        handle.seek(max(0, source.size // 2 - 4))
        if handle.read(8) == b"PAR1PAR1":
            raise HomeError("two parquet files, one after the other", file=source.name)
