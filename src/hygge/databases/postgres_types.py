"""PostgreSQL's types: what each is read as, and what a column of ours becomes there."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from hygge.core.errors import StoreError, Unsupported
from hygge.core.text import read_as
from hygge.core.types import type_name
from hygge.databases.bends import ALLOW, HINT
from hygge.databases.database import as_it_came

Arrive = Callable[[pl.Series], pl.Series]

_PLAIN: dict[str, pl.DataType] = {
    "boolean": pl.Boolean(),
    "smallint": pl.Int16(),
    "integer": pl.Int32(),
    "bigint": pl.Int64(),
    "real": pl.Float32(),
    "double precision": pl.Float64(),
    "text": pl.String(),
    "bytea": pl.Binary(),
}
_NATIVE: dict[Any, str] = {
    **{kind: name for name, kind in _PLAIN.items()},
    pl.Int8(): "smallint",
    pl.Int128(): "numeric(39,0)",
    pl.UInt8(): "smallint",
    pl.UInt16(): "integer",
    pl.UInt32(): "bigint",
    pl.UInt64(): "numeric(20,0)",
    pl.Date(): "date",
    pl.Time(): "time without time zone",
    pl.Categorical(): "text",
}
_TEXTS = ("character varying", "character")
_SIZED = re.compile(r"numeric\((\d+),(\d+)\)")
_CUT = re.compile(r"\(\d+\)")


def declared(kind: pl.DataType) -> str:
    """What a column of ours is there. Raises Unsupported for what would be cut."""
    match kind:
        case pl.Decimal():
            return f"numeric({kind.precision or 38},{kind.scale})"
        case pl.Datetime() if kind.time_unit != "ns":
            return f"timestamp {'with' if kind.time_zone else 'without'} time zone"
        case pl.Enum():
            return "text"
    if (found := _NATIVE.get(kind)) is None:
        hint = (
            f"cast it to datetime(us), or {ALLOW}"
            if isinstance(kind, pl.Datetime)
            else "cast it to string"
        )
        raise Unsupported(f"PostgreSQL cannot hold {type_name(kind)}", hint=hint)
    return found


def readable(native: str, quoted: str) -> tuple[pl.DataType, str, Arrive]:
    """What a type is read as, the SQL that sends it, and what makes it of what is sent.

    What the driver sends as raw bytes, cut or flattened is sent as the server's own text.
    """
    plain = _CUT.sub("", native)
    if native in _PLAIN:
        return _PLAIN[native], quoted, as_it_came
    if sized := _SIZED.fullmatch(native):
        precision, scale = int(sized[1]), int(sized[2])
        if precision <= 38 and scale <= precision:
            kind = pl.Decimal(precision, scale)
            return kind, f"{quoted}::text", read_as(kind)
    if plain == "date":
        return pl.Date(), quoted, as_it_came
    if plain == "timestamp without time zone":
        return pl.Datetime("us"), quoted, as_it_came
    if plain == "timestamp with time zone":
        return pl.Datetime("us", "UTC"), quoted, as_it_came
    if plain == "time without time zone":
        return pl.Time(), f"{quoted}::text", read_as(pl.Time())
    if plain in _TEXTS:
        return pl.String(), quoted, as_it_came  # as text, `character` would lose its blanks
    if native.endswith("[]"):
        return pl.String(), f"array_to_json({quoted})::text", as_it_came
    return pl.String(), f"{quoted}::text", as_it_came


def sendable(values: pl.Series) -> pl.Series:
    """Exactly the type that the column has there: the driver converts nothing, or silently."""
    kind = values.dtype
    if kind in (pl.Int8(), pl.UInt8()):
        return values.cast(pl.Int16)
    if kind == pl.UInt16():
        return values.cast(pl.Int32)
    if kind == pl.UInt32():
        return values.cast(pl.Int64)
    if kind == pl.UInt64():
        return values.cast(pl.Decimal(20, 0))
    if kind == pl.Int128():
        return _decimals(values)
    if isinstance(kind, pl.Categorical | pl.Enum):
        return values.cast(pl.String)
    if kind == pl.Time() and (values.to_physical() % 1000 != 0).any():
        raise StoreError("PostgreSQL would cut a time's nanoseconds", column=values.name, hint=HINT)
    if isinstance(kind, pl.Datetime) and kind.time_unit == "ms":
        return values.dt.cast_time_unit("us")
    if kind == pl.String() and values.str.contains("\0", literal=True).any():
        raise StoreError(
            "PostgreSQL cannot hold a text with a NUL byte", column=values.name, hint=HINT
        )
    return values


def _decimals(values: pl.Series) -> pl.Series:
    try:
        return values.cast(pl.Decimal(38, 0))
    except pl.exceptions.PolarsError as failed:
        told = "a whole number of more than 38 digits cannot be sent"
        raise StoreError(told, column=values.name, hint="cast it to string") from failed


def literal(value: Any) -> str:
    """A watermark's value as typed SQL: a COPY binds no values."""
    match value:
        case bool() | int():
            return str(value)
        case Decimal():
            return f"{value}::numeric"
        case datetime():
            kind = "timestamptz" if value.tzinfo else "timestamp"
            return f"'{value.isoformat(' ')}'::{kind}"
        case date():
            return f"'{value.isoformat()}'::date"
        case str():
            return "'" + value.replace("'", "''") + "'"
    raise Unsupported(f"{type(value).__name__} cannot be a watermark in PostgreSQL")
