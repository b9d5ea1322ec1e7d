"""What a driver gave, made into what was announced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import polars as pl

from hygge.core.errors import HomeError
from hygge.core.schema import TableSchema
from hygge.databases.database import Field


def arrived(rows: pl.DataFrame, fields: Sequence[Field]) -> pl.DataFrame:
    """What the driver gave, with the types that were announced. Raises HomeError for a misfit."""
    columns = [field.arrive(rows[field.column.name]) for field in fields]
    for values, field in zip(columns, fields, strict=True):
        if values.dtype != field.column.type:
            raise misfit(values.name)
        refuse_far(values, values.name)
    return pl.DataFrame(columns)


def misfit(column: str) -> HomeError:
    """Where a driver gave another type than the column has."""
    hint = "look with `select typeof(…)`, and read it by a `query` that casts"
    return HomeError("a value is not what its column declares", column=column, hint=hint)


_LAST_DAY = 95_026_236
"""The last that Polars can show, in the year 262142; the first lies about as far back."""
_TICKS = {None: 1, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def refuse_far(values: pl.Series, column: str) -> None:
    """`infinity` is no day, and would be one far away. Raises HomeError, for lists' values, too."""
    match values.dtype:
        case pl.List() | pl.Array():
            refuse_far(values.explode(empty_as_null=False), column)
        case pl.Struct() as kind:
            for field in kind.fields:
                refuse_far(values.struct.field(field.name), column)
        case pl.Date() | pl.Datetime() as kind:
            ticks = values.to_physical()
            end = min(_LAST_DAY * _TICKS[getattr(kind, "time_unit", None)], 2**63 - 2)
            low, high = cast(Any, ticks.min()), cast(Any, ticks.max())
            if low is not None and (low < -end or high > end):
                hint = "leave it out by `where`, or read a `query` that makes it NULL"
                told = "'infinity' has no place in our types, nor has a day so far away"
                raise HomeError(told, column=column, hint=hint)


def schema_of(fields: Sequence[Field], keys: Sequence[str] = ()) -> TableSchema:
    return TableSchema(tuple(field.column for field in fields), tuple(keys))
