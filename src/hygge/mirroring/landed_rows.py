"""Rows of published files, with the types that parquet has: Arrow's words beside them do not count.

By those a type may be one that no table has: a decimal of 256 bits, a duration, text that is JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hygge.core.schema import TableSchema
from hygge.formats.columns import fitted, frame, from_arrow
from hygge.formats.format import Source, Span
from hygge.formats.parquet import Parquet, broken
from hygge.mirroring.footers import BATCH_ROWS, plain


class LandedParquet(Parquet):
    """Reads what others wrote."""

    def schema(self, source: Source) -> TableSchema:
        with _opened(source) as file:
            fields = [field.with_type(_read_as(field.type)) for field in file.schema_arrow]
        return from_arrow(pa.schema(fields), source.name)

    def batches(
        self, source: Source, schema: TableSchema, span: Span | None = None
    ) -> Iterator[pl.DataFrame]:
        with _opened(source) as file:
            there = [field for field in file.schema_arrow if field.name in schema]
            if all(_read_as(field.type) == field.type for field in there):
                yield from super().batches(source, schema, span)
                return
            groups = range(file.num_row_groups)
            groups = groups if span is None else groups[span.start : span.stop]
            names = [field.name for field in there]
            for batch in file.iter_batches(BATCH_ROWS, row_groups=[*groups], columns=names):
                arrays = [_as_read(batch.column(name)) for name in names]
                made = pa.RecordBatch.from_arrays(arrays, names=names)
                yield fitted(frame(made), schema, source.name)


@contextmanager
def _opened(source: Source) -> Iterator[pq.ParquetFile]:
    try:
        with source.open() as handle, pq.ParquetFile(handle, pre_buffer=False) as file:
            yield file
    except (pa.ArrowException, OSError, ValueError) as failed:
        raise broken(source, failed) from failed


def _read_as(kind: Any) -> Any:
    told = pa.types
    odd = isinstance(kind, pa.BaseExtensionType) or told.is_duration(kind) or told.is_decimal(kind)
    return plain(kind) if odd else kind


def _as_read(column: Any) -> Any:
    held = column.storage if isinstance(column.type, pa.BaseExtensionType) else column
    return held.cast(_read_as(column.type))
