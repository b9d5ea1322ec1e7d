"""JSON values as columns: one type for all of them, and the values of a type, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate, chain
from typing import Any

import polars as pl
import pyarrow as pa

from hygge.core.text import EXACT, OLDEST, parsed

_SMALL = pl.Int32()
"""Whole numbers that a float64 holds: they may still turn out to be floats."""
_WIDE = pl.Decimal(38, 0)
_INT64 = range(-(2**63), 2**63)
_INT128 = range(-(2**127), 2**127)
_INFINITE = (float("inf"), float("-inf"))


class Mixed(Exception):
    """The values have no one type."""


class Misfit(Exception):
    """A value is not of the type that is wanted."""


def told(values: Sequence[Any]) -> pl.DataType:
    """The type these values have in common, not yet settled. Raises Mixed."""
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pl.Null()
    if kinds == {bool}:
        return pl.Boolean()
    if kinds == {str}:
        return pl.String()
    if kinds == {list}:
        return pl.List(told([*chain.from_iterable(v for v in values if v is not None)]))
    if kinds == {dict}:
        given = [v for v in values if v is not None]
        names = dict.fromkeys(chain.from_iterable(given))
        return pl.Struct({name: told([v.get(name) for v in given]) for name in names})
    if kinds <= {int, float, Decimal}:
        return _number(values, whole=kinds == {int})
    raise Mixed(" and ".join(sorted(_SAID[kind] for kind in kinds)))


_SAID = {
    bool: "true or false",
    str: "text",
    list: "a list",
    dict: "an object",
    int: "a number",
    float: "a number",
    Decimal: "a number",
}


def _number(values: Sequence[Any], *, whole: bool) -> pl.DataType:
    ints = [v for v in values if type(v) is int]
    if ints and not -EXACT <= min(ints) <= max(ints) <= EXACT:
        if not whole:
            raise Mixed("fractions and a whole number too large for a float")
        if min(ints) in _INT64 and max(ints) in _INT64:
            return pl.Int64()
        if max(map(abs, ints)) < 10**38:
            return _WIDE
        if min(ints) in _INT128 and max(ints) in _INT128:
            return pl.Int128()
        raise Mixed("a number of more than 128 bits")
    if any(infinite in values for infinite in _INFINITE):
        raise Mixed("a number too large for a float")
    return _SMALL if whole else pl.Float64()


def meet(one: Any, other: Any) -> pl.DataType:
    """The type that holds for the values of both. Raises Mixed."""
    if one == other or other == pl.Null:
        return _made(one)
    if one == pl.Null:
        return _made(other)
    match one, other:
        case pl.List(), pl.List():
            return pl.List(meet(one.inner, other.inner))
        case pl.Struct(), pl.Struct():
            fields = {field.name: field.dtype for field in one.fields}
            for field in other.fields:
                fields[field.name] = meet(fields.get(field.name, pl.Null()), field.dtype)
            return pl.Struct(fields)
    for order in (_SMALL, pl.Int64(), _WIDE, pl.Int128()), (_SMALL, pl.Float64()):
        if one in order and other in order:
            return _made(max(one, other, key=order.index))
    raise Mixed(f"{_kind_said(one)} here and {_kind_said(other)} there")


def _kind_said(kind: Any) -> str:
    if kind.is_numeric():
        return "a fraction" if kind.is_float() else "a large number"
    words = {pl.String: "text", pl.Boolean: "true or false", pl.List: "a list"}
    return words.get(kind.base_type(), "an object")


def _made(kind: Any) -> pl.DataType:
    made = kind() if isinstance(kind, type) else kind
    assert isinstance(made, pl.DataType)
    return made


def settled(kind: Any) -> pl.DataType:
    """The type once all values are seen: no value at all is text."""
    match kind:
        case pl.Null():
            return pl.String()
        case pl.Int32():
            return pl.Int64()
        case pl.List():
            return pl.List(settled(kind.inner))
        case pl.Struct():
            if not kind.fields:
                raise Mixed("objects without any field")
            return pl.Struct({field.name: settled(field.dtype) for field in kind.fields})
    return _made(kind)


def column(name: str, values: Sequence[Any], kind: pl.DataType) -> pl.Series:
    """The values as a column of this type. Raises Misfit, and Mixed."""
    try:
        made = pl.from_arrow(_array(values, kind)) if kind.is_nested() else _all(values, kind)
    except UnicodeEncodeError:
        raise Misfit("half a character") from None
    assert isinstance(made, pl.Series)
    return made.cast(kind).rename(name)


def _array(values: Sequence[Any], kind: Any) -> Any:
    kinds = set(map(type, values)) - {type(None)}
    match kind:
        case pl.List() | pl.Array() if kinds <= {list}:
            lengths = (len(v) if v is not None else 0 for v in values)
            ends = [*accumulate(lengths, initial=0)]
            gone = pa.array([v is None for v in values], pa.bool_())
            inner = _array([*chain.from_iterable(v for v in values if v is not None)], kind.inner)
            return pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), inner, mask=gone)
        case pl.Struct() if kinds <= {dict}:
            return _objects(values, kind)
    return _all(values, _made(kind)).to_arrow(compat_level=OLDEST)


def _objects(values: Sequence[Any], kind: pl.Struct) -> Any:
    names = [field.name for field in kind.fields]
    if extra := set(chain.from_iterable(v for v in values if v is not None)).difference(names):
        raise Misfit(f"a field {min(extra)!r} that was not there before")
    children = [
        _array([v and v.get(field.name) for v in values], field.dtype) for field in kind.fields
    ]
    gone = pa.array([v is None for v in values], pa.bool_())
    return pa.StructArray.from_arrays(children, names, mask=gone)


def _all(values: Sequence[Any], kind: pl.DataType) -> pl.Series:
    made = _scalars(values, kind)
    if made is None:
        raise Misfit
    return made


def _scalars(values: Sequence[Any], kind: pl.DataType) -> pl.Series | None:
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pl.Series([None], dtype=kind).new_from_index(0, len(values))
    if kinds == {bool}:
        return pl.Series(values, dtype=pl.Boolean) if kind == pl.Boolean else None
    if kinds == {str}:
        texts = pl.Series(values, dtype=pl.String)
        spoken = kind.is_temporal() or isinstance(
            kind, pl.String | pl.Decimal | pl.Categorical | pl.Enum
        )
        return parsed(texts, kind) if spoken else None
    if not kinds <= {int, float, Decimal} or not kind.is_numeric():
        return None
    if kind.is_float():
        return _floats(values, kind)
    if kind.is_integer() and kinds != {int}:
        return None
    texts = pl.Series([v if v is None else str(v) for v in values], dtype=pl.String)
    return parsed(texts, kind)


def _floats(values: Sequence[Any], kind: pl.DataType) -> pl.Series | None:
    made = [v if v is None else float(v) for v in values]
    large = ((v, f) for v, f in zip(values, made, strict=True) if f and abs(f) >= EXACT)
    if any(f in _INFINITE or (type(v) is int and v != f) for v, f in large):
        return None
    return pl.Series(made, dtype=kind)
