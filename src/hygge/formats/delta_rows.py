"""Rows of one file of a Delta table, with the types that the table has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from hygge.core.schema import Column, TableSchema
from hygge.formats.columns import fitted
from hygge.formats.format import Source, Span
from hygge.formats.parquet import Parquet


def delta_rows(
    source: Source,
    form: Parquet,
    schema: TableSchema,
    span: Span | None = None,
    constants: Mapping[str, Any] | None = None,
) -> Iterator[pl.DataFrame]:
    """The rows of a file (or of some row groups). Columns that came later are NULL in it.

    `constants` are the values that are told by the table and not by the file.
    """
    constants, there = constants or {}, form.schema(source)
    read = tuple(
        _as_written(column, there) for column in schema.columns if column.name not in constants
    )
    for batch in form.batches(source, TableSchema(read or there.columns[:1]), span):
        told = [
            pl.lit(constants[c.name], dtype=c.type).alias(c.name)
            for c in schema.columns
            if c.name in constants
        ]
        whole = batch.with_columns(_moments(batch, schema)).with_columns(told)
        yield fitted(whole, schema, source.name)


def _as_written(column: Column, there: TableSchema) -> Column:
    """Moments are read as they lie there: old writers have nanoseconds, and name no zone."""
    if column.name not in there:
        return column
    kind = there[column.name].type
    old = isinstance(column.type, pl.Datetime) and isinstance(kind, pl.Datetime)
    return Column(column.name, kind) if old else column


def _moments(batch: pl.DataFrame, schema: TableSchema) -> list[pl.Expr]:
    changed = list[pl.Expr]()
    for column in schema.columns:
        kind = column.type
        if not isinstance(kind, pl.Datetime) or column.name not in batch.columns:
            continue
        there = batch.schema[column.name]
        if there == kind or not isinstance(there, pl.Datetime):
            continue
        value = pl.col(column.name)
        if there.time_zone is None and kind.time_zone is not None:
            value = value.dt.replace_time_zone("UTC")
        changed.append(value.cast(kind))
    return changed
