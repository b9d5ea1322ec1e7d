"""The type of a column of texts, told by all of them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from hygge.core.text import EXACT, parsed

_WIDE = pl.Decimal(38, 0)
_NANOS = (1678, 2261)
"""The whole years that nanoseconds reach."""

KINDS: Sequence[pl.DataType] = (
    pl.Boolean(),
    pl.Int64(),
    _WIDE,
    pl.Float64(),
    pl.Date(),
    pl.Datetime("us"),
    pl.Datetime("us", "UTC"),
    pl.Datetime("ns"),
    pl.Datetime("ns", "UTC"),
)
"""What a column may be, the narrowest first; text if it is none of them."""


class Guess:
    """What one column can still be, after the texts it has seen."""

    def __init__(self) -> None:
        self._left, self._seen = list(KINDS), False

    @property
    def kind(self) -> pl.DataType:
        """String where nothing else fits; null where there was no value at all."""
        if not self._seen:
            return pl.Null()
        return self._left[0] if self._left else pl.String()

    def look(self, texts: pl.Series) -> None:
        texts = texts.drop_nulls()
        if not texts.len():
            return
        self._seen = True
        while self._left:
            kind = self._left[0]
            if kind != _WIDE or texts.str.contains(r"^-?[0-9]+$").all():
                values = parsed(texts, kind, plain=True)
                if values is not None:
                    self._left = [k for k in self._left if k == kind or _also(values, k)]
                    return
            del self._left[0]


def _also(values: pl.Series, other: pl.DataType) -> bool:
    """Whether values that fit their own type would fit this other one as well."""
    match values.dtype, other:
        case pl.Int64(), pl.Decimal():
            return True
        case pl.Int64(), pl.Float64():
            return _within(values, -EXACT, EXACT)
        case pl.Date(), pl.Datetime(time_zone=None):
            return other.time_unit == "us" or _in_nanos(values)
        case pl.Datetime() as have, pl.Datetime():
            same = have.time_zone == other.time_zone
            return same and other.time_unit == "ns" and _in_nanos(values)
    return False


def _in_nanos(values: pl.Series) -> bool:
    return _within(values.dt.year(), *_NANOS)


def _within(values: pl.Series, low: int, high: int) -> bool:
    return bool(values.is_between(low, high).all())
