"""Days that no type of ours can hold: a database's `infinity`, and what lies as far away."""

from __future__ import annotations

from typing import Any, cast

import polars as pl

from hygge.core.errors import HomeError

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
