"""The values of a source and those of its mirror in one form, so that equal ones are equal.

A mirror has fewer types than most sources: moments are microseconds of UTC, and what has no type of
its own is text. How lists and objects become JSON is not told by Microsoft; any spelling of the
same JSON is equal here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any, TypeAlias

import polars as pl

from hygge.mirroring.fabric_types import as_held

Formed: TypeAlias = Callable[[pl.Series], pl.Series]
_UTC = pl.Datetime("us", "UTC")
_DIGITS = 38
_EXACT = Context(prec=1000)


def forms(source: pl.DataType, mirror: pl.DataType) -> tuple[Formed, Formed] | None:
    """What makes values of either side comparable; None: these types have nothing in common."""
    if source == mirror and not source.is_nested() and not isinstance(source, pl.Datetime):
        return _as_is, _as_is
    if source == pl.Null() or mirror == pl.Null():
        kind = mirror if source == pl.Null() else source
        return forms(kind, kind)
    if source.is_nested() or mirror.is_nested():
        return _nested(source, mirror)
    if source.is_numeric() and mirror.is_numeric():
        return _numbers(source, mirror)
    made = _form(source), _form(mirror)
    if made[0] is None or made[1] is None or _family(source) != _family(mirror):
        return None
    return made[0], made[1]


def _as_is(values: pl.Series) -> pl.Series:
    return values


def _family(kind: pl.DataType) -> str:
    match kind:
        case pl.Datetime() | pl.Date():
            return "moments"
        case pl.String() | pl.Categorical() | pl.Enum() | pl.Time() | pl.Duration():
            return "texts"
    return str(kind)


def _form(kind: pl.DataType) -> Formed | None:
    match kind:
        case pl.Datetime() | pl.Date():
            return _moments
        case pl.Time():
            return lambda values: _clock(values.dt.to_string("%H:%M:%S%.6f"))
        case pl.Duration():
            return lambda values: values.dt.to_string("iso")
        case pl.String() | pl.Categorical() | pl.Enum():
            return lambda values: _clock(values.cast(pl.String))
    return _as_is


def _moments(values: pl.Series) -> pl.Series:
    """Of a source without zones, moments are taken to be UTC's."""
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is not None:
        return values.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    return values.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _clock(texts: pl.Series) -> pl.Series:
    """Times of day without the zeros at their end, or what is finer than a microsecond."""
    cut = texts.str.replace(r"^(\d\d:\d\d:\d\d\.\d{6})\d+$", "$1")
    plain = cut.str.replace(r"^(\d\d:\d\d:\d\d\.\d*?)0+$", "$1")
    return plain.str.replace(r"^(\d\d:\d\d:\d\d)\.$", "$1")


def _numbers(source: pl.DataType, mirror: pl.DataType) -> tuple[Formed, Formed] | None:
    kind: pl.DataType
    if source.is_float() or mirror.is_float():
        kind = pl.Float64()
    elif _signed(source) and _signed(mirror):
        kind = pl.Int64()
    else:
        ends = _places(source), _places(mirror)
        whole, scale = max(whole for whole, _ in ends), max(scale for _, scale in ends)
        if whole + scale > _DIGITS:
            return None
        kind = pl.Decimal(_DIGITS, scale)

    def made(values: pl.Series) -> pl.Series:
        return values.cast(kind)

    return made, made


def _signed(kind: pl.DataType) -> bool:
    return kind.is_integer() and kind not in (pl.UInt64(), pl.Int128())


def _places(kind: Any) -> tuple[int, int]:
    """Digits before the point, and after it."""
    if isinstance(kind, pl.Decimal):
        return (kind.precision or _DIGITS) - kind.scale, kind.scale
    return (_DIGITS if kind == pl.Int128() else 20), 0


def _nested(source: pl.DataType, mirror: pl.DataType) -> tuple[Formed, Formed] | None:
    if not all(kind.is_nested() or kind == pl.String() for kind in (source, mirror)):
        return None
    return _json, _json


def _json(values: pl.Series) -> pl.Series:
    """In one spelling of it. What is no text yet is spelled as a store would."""
    texts = values if values.dtype == pl.String() else as_held(values)[0]
    told = [None if text is None else _parsed(text) for text in texts.to_list()]
    return pl.Series(values.name, told, pl.String())


def _parsed(text: str) -> str:
    try:
        return _told(json.loads(text, parse_float=Decimal, parse_int=Decimal))
    except (ValueError, ArithmeticError):  # a number may be beyond all that can be counted
        return text


def _told(value: Any) -> str:
    """A number is the same however many zeros end it; all its digits count."""
    match value:
        case dict():
            inner = (f"{json.dumps(key)}: {_told(value[key])}" for key in sorted(value))
            return f"{{{', '.join(inner)}}}"
        case list():
            return f"[{', '.join(map(_told, value))}]"
        case Decimal():
            return str((value or Decimal()).normalize(_EXACT))
    return json.dumps(value, ensure_ascii=False)
