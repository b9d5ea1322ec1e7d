"""Writes one NDJSON file: an object a line, every key in each."""

from __future__ import annotations

import io
from collections.abc import Iterator

import polars as pl

from hygge.core.errors import StoreError
from hygge.core.schema import TableSchema
from hygge.core.text import texts_of
from hygge.formats.columns import Gathering
from hygge.formats.format import Sink


def spoken(kind: pl.DataType) -> bool:
    """Whether values of this type are written as texts, which is done for whole columns only."""
    return kind.is_temporal() or isinstance(kind, pl.Decimal | pl.Categorical | pl.Enum)


def leaves(values: pl.Series) -> Iterator[pl.Series]:
    """The values that are not made of others, column by column."""
    match values.dtype:
        case pl.List() | pl.Array():
            yield from leaves(values.explode(empty_as_null=True, keep_nulls=True))
        case pl.Struct():
            for name in values.struct.fields:
                yield from leaves(values.struct.field(name))
        case _:
            yield values


class NdjsonWriter:
    """Times and decimals become texts; NaN and infinities have no JSON and are refused."""

    def __init__(self, sink: Sink, schema: TableSchema) -> None:
        self._sink, self._gathering = sink, Gathering(schema)

    def write(self, batch: pl.DataFrame) -> None:
        for part in self._gathering.add(batch):
            self._put(part)

    def close(self) -> None:
        for part in self._gathering.rest():
            self._put(part)

    def abort(self) -> None:
        return None

    def _put(self, part: pl.DataFrame) -> None:
        for values in part:
            for leaf in leaves(values):
                if leaf.dtype.is_float() and not leaf.is_finite().all():
                    what = "NaN and infinities have no JSON"
                    raise StoreError(what, column=values.name, hint="write parquet or csv")
        out = io.BytesIO()
        pl.DataFrame([_said(values) for values in part]).write_ndjson(out)
        self._sink.write(out.getvalue())


def _said(values: pl.Series) -> pl.Series:
    if isinstance(values.dtype, pl.Decimal):
        return values.cast(pl.String)
    return texts_of(values)
