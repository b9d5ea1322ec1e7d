"""Values written as text: read back as one type, all of them exactly or none."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa

from hygge.core.errors import HomeError, StoreError, Unsupported
from hygge.core.types import type_name

OLDEST = pl.CompatLevel.oldest()
EXACT = 2**53
"""Up to here every whole number is a float64."""

_TRUE, _FALSE = ["true", "True", "TRUE"], ["false", "False", "FALSE"]
_NOT_FINITE = ["NaN", "nan", "inf", "-inf", "Infinity", "-Infinity"]


def parsed(texts: pl.Series, kind: pl.DataType, *, plain: bool = False) -> pl.Series | None:
    """The values of these texts; None if one is no such value. NULL stays NULL.

    `plain`: only numbers that would be written so, hence no `007` and no `+5`.
    """
    if kind == pl.String:
        return texts
    if kind == pl.Null:
        return texts.cast(kind) if texts.null_count() == texts.len() else None
    if kind == pl.Boolean:
        return _booleans(texts)
    if kind.is_temporal():
        return _moments(texts, kind)
    if isinstance(kind, pl.Categorical | pl.Enum):
        return _cast(texts, kind)
    if plain and _odd(texts):
        return None
    if isinstance(kind, pl.Decimal):
        return _decimals(texts, kind)
    if kind.is_float():
        return _floats(texts, kind, plain=plain)
    if kind.is_integer():
        return _cast(texts, kind)
    raise Unsupported(f"text cannot be read as {type_name(kind)}", column=texts.name)


def first_misfit(texts: pl.Series, kind: pl.DataType, *, plain: bool = False) -> int:
    """Where the first text is that keeps `parsed` from answering."""
    low, high = 0, texts.len()
    while high - low > 1:
        middle = (low + high) // 2
        if parsed(texts.slice(low, middle - low), kind, plain=plain) is None:
            high = middle
        else:
            low = middle
    return low


def read_as(kind: pl.DataType) -> Callable[[pl.Series], pl.Series]:
    """What makes values of texts, or raises HomeError naming the first that is none."""

    def read(texts: pl.Series) -> pl.Series:
        values = parsed(texts, kind)
        if values is None:
            misfit = texts[first_misfit(texts, kind)]
            raise HomeError(f"{misfit!r} is no {type_name(kind)}", column=texts.name)
        return values

    return read


def _cast(texts: pl.Series, kind: pl.DataType) -> pl.Series | None:
    try:
        return texts.cast(kind, strict=True)
    except pl.exceptions.PolarsError:
        return None


def _odd(texts: pl.Series) -> bool:
    few = texts.filter(
        texts.str.starts_with("0") | texts.str.starts_with("-0") | texts.str.starts_with("+")
    )
    return bool(few.str.contains(r"^(\+|-?0[0-9xX])").any())


def _booleans(texts: pl.Series) -> pl.Series | None:
    yes, no = texts.is_in(_TRUE), texts.is_in(_FALSE)
    return yes if (yes | no).all() else None


def _floats(texts: pl.Series, kind: pl.DataType, *, plain: bool) -> pl.Series | None:
    values = _cast(texts, kind)
    if values is None:
        return None
    special = texts.filter(~values.is_finite())
    if not special.is_in(_NOT_FINITE).all():  # 1e999 is no infinity, and Nan may be a name
        return None
    large = texts.filter(values.is_finite() & (values.abs() >= EXACT))
    whole = large.filter(large.str.contains(r"^[+-]?[0-9]+$"))
    return values if _exact(whole, kind, plain=plain) else None


def _decimals(texts: pl.Series, kind: pl.Decimal) -> pl.Series | None:
    values = _from_arrow(texts, pa.decimal128(kind.precision or 38, kind.scale), kind)
    if values is None:
        return None
    doubtful = (texts.str.len_bytes() >= 38) | texts.str.contains("[eE]")
    if doubtful.any():  # Arrow lets more than 38 digits run over
        pairs = zip(texts.filter(doubtful), values.filter(doubtful), strict=True)
        if any(Decimal(text) != value for text, value in pairs):
            return None
    return values


def _exact(whole: pl.Series, kind: pl.DataType, *, plain: bool) -> bool:
    """Whether large whole numbers are among floats without being rounded; if plain, they are not.

    What a column is must not hang on which of its rows are looked at together.
    """
    if plain:
        return all(abs(int(text)) <= EXACT for text in whole)
    return all(int(text) == int(value) for text, value in zip(whole, whole.cast(kind), strict=True))


def _moments(texts: pl.Series, kind: pl.DataType) -> pl.Series | None:
    match kind:
        case pl.Date():
            return _from_arrow(texts, pa.date32(), kind)
        case pl.Datetime():
            return _from_arrow(texts, pa.timestamp(kind.time_unit, kind.time_zone and "UTC"), kind)
        case pl.Time():
            dated = ("1970-01-01T" + texts).rename(texts.name)
            return _from_arrow(dated, pa.timestamp("ns"), kind)
    raise Unsupported(f"text cannot be read as {type_name(kind)}", column=texts.name)


def _from_arrow(texts: pl.Series, wire: Any, kind: pl.DataType) -> pl.Series | None:
    """By way of Arrow, which reads ISO 8601 and decimals strictly: it never cuts a digit."""
    try:
        values = texts.to_arrow(compat_level=OLDEST).cast(wire)
    except pa.ArrowException:
        return None
    made = pl.from_arrow(values)
    assert isinstance(made, pl.Series)
    return made.cast(kind).rename(texts.name)


def texts_of(values: pl.Series) -> pl.Series:
    """Times and words as texts that `parsed` reads back; what prints itself well is kept."""
    match values.dtype:
        case pl.Categorical() | pl.Enum():
            return values.cast(pl.String)
        case pl.Date() | pl.Datetime() as kind:
            _refuse_far(values)
            zoned = isinstance(kind, pl.Datetime) and kind.time_zone is not None
            plain = values.dt.convert_time_zone("UTC") if zoned else values
            return plain.dt.to_string(_ISO[getattr(kind, "time_unit", None)] + "Z" * zoned)
        case pl.Time():
            return values.dt.to_string("%H:%M:%S%.9f")
    return values


_ISO = {
    None: "%Y-%m-%d",
    "ms": "%Y-%m-%dT%H:%M:%S%.3f",
    "us": "%Y-%m-%dT%H:%M:%S%.6f",
    "ns": "%Y-%m-%dT%H:%M:%S%.9f",
}


def _refuse_far(values: pl.Series) -> None:
    if not values.dt.year().is_between(1, 9999).all():
        raise StoreError("a year outside 1 to 9999 has no ISO text", column=values.name)
