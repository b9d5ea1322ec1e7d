"""Which type holds the values of others without loss: all that is known of it, for all rooms.

Whole numbers among fractions become float64 where `widened` is asked; a format refuses the one that
would be rounded. `holds` promises more: nobody looks at the values.
"""

from __future__ import annotations

import polars as pl

_SIGNED = (pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64())
_UNSIGNED = (pl.UInt8(), pl.UInt16(), pl.UInt32(), pl.UInt64())
_WHOLE: dict[pl.DataType, int] = {
    kind: bits
    for kinds in (_SIGNED, _UNSIGNED)
    for kind, bits in zip(kinds, (8, 16, 32, 64), strict=True)
}
_DIGITS = {8: 3, 16: 5, 32: 10, 64: 20}
_UNITS = ("ms", "us")
_FINER = ("ms", "us", "ns")
_EXACT: dict[pl.DataType, int] = {pl.Float32(): 16, pl.Float64(): 32}
"""Whole numbers of so many bits are exact among these fractions."""


def widened(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    """The narrowest type that the values of both fit; None if there is none."""
    if one == other:
        return one
    for first, second in ((one, other), (other, one)):
        if isinstance(first, pl.Null):
            return second
        if (found := _pair(first, second)) is not None:
            return found
    return None


def holds(wide: pl.DataType, narrow: pl.DataType) -> bool:
    """Whether each value of the one type has its equal in the other, whatever the values.

    So a column can become wider, and takes narrower values. Nested types hold nothing but their
    own, and a day is no moment: it would be another value to whoever reads it.
    """
    if wide == narrow or isinstance(narrow, pl.Null):
        return True
    match wide, narrow:
        case pl.Int128(), _ if narrow in _WHOLE:
            return True
        case pl.Decimal(), _ if narrow in _WHOLE:
            digits = 19 if narrow == pl.Int64() else _DIGITS[_WHOLE[narrow]]
            return (wide.precision or 38) - wide.scale >= digits
        case pl.Enum(), pl.Enum():
            return set(narrow.categories) <= set(wide.categories)
        case ((pl.Float32() | pl.Float64()), _) if narrow in _WHOLE:
            return _WHOLE[narrow] <= _EXACT[wide]
        case ((pl.List() | pl.Array() | pl.Struct()), _):
            return False
        case pl.Datetime(), pl.Date():
            return False
    return widened(wide, narrow) == wide


def loses(there: pl.DataType, values: pl.DataType) -> bool:
    """Whether a database would round or cut values, or refuse some, to put them into a column."""
    if there.is_numeric() and values.is_numeric():
        return not holds(there, values)
    match there, values:
        case pl.Date(), pl.Datetime():
            return True
        case pl.Datetime(), pl.Datetime():
            return _FINER.index(there.time_unit) < _FINER.index(values.time_unit)
    return False


def _pair(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    match one, other:
        case pl.Decimal(), pl.Decimal():
            return _decimal(one.precision or 38, one.scale, other.precision or 38, other.scale)
        case pl.Decimal(), _ if other in _WHOLE:
            return _decimal(one.precision or 38, one.scale, _DIGITS[_WHOLE[other]], 0)
        case pl.Float64(), pl.Float32():
            return one
        case ((pl.Float32() | pl.Float64()), _) if other in _WHOLE:
            return one if _WHOLE[other] <= 16 else pl.Float64()
        case pl.Datetime(), pl.Datetime() if one.time_zone == other.time_zone:
            return pl.Datetime("us", one.time_zone) if _coarse(one, other) else None
        case pl.Duration(), pl.Duration():
            return pl.Duration("us") if _coarse(one, other) else None
        case pl.Datetime(time_zone=None), pl.Date() if one.time_unit in _UNITS:
            return one
        case pl.String(), (pl.Categorical() | pl.Enum()):
            return one
        case ((pl.Categorical() | pl.Enum()), (pl.Categorical() | pl.Enum())):
            return pl.String()
        case ((pl.List() | pl.Array()), (pl.List() | pl.Array())):
            inner = widened(_made(one.inner), _made(other.inner))
            return None if inner is None else pl.List(inner)
        case pl.Struct(), pl.Struct():
            return _struct(one, other)
    return _whole(one, other) if one in _WHOLE and other in _WHOLE else None


def _made(kind: object) -> pl.DataType:
    made = kind() if isinstance(kind, type) else kind
    assert isinstance(made, pl.DataType)
    return made


def _coarse(one: pl.Datetime | pl.Duration, other: pl.Datetime | pl.Duration) -> bool:
    """Nanoseconds do not reach year 1, and microseconds cut them: neither holds the other."""
    return one.time_unit in _UNITS and other.time_unit in _UNITS


def _decimal(digits: int, scale: int, others: int, other_scale: int) -> pl.DataType | None:
    after = max(scale, other_scale)
    total = max(digits - scale, others - other_scale) + after
    return pl.Decimal(total, after) if total <= 38 else None


def _whole(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    if (one in _SIGNED) == (other in _SIGNED):
        return max(one, other, key=lambda kind: _WHOLE[kind])
    signed, unsigned = (one, other) if one in _SIGNED else (other, one)
    fits = [k for k in _SIGNED if _WHOLE[k] > _WHOLE[unsigned] and _WHOLE[k] >= _WHOLE[signed]]
    return fits[0] if fits else None


def _struct(one: pl.Struct, other: pl.Struct) -> pl.DataType | None:
    fields = {field.name: _made(field.dtype) for field in one.fields}
    for field in other.fields:
        kind = _made(field.dtype)
        found = widened(fields[field.name], kind) if field.name in fields else kind
        if found is None:
            return None
        fields[field.name] = found
    return pl.Struct(fields)
