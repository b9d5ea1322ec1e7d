"""DuckDB's types: what each is read as, what a column of ours becomes, and what would be cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from hygge.core.errors import StoreError, Unsupported
from hygge.core.text import read_as
from hygge.core.types import type_name
from hygge.databases.bends import ALLOW, HINT
from hygge.databases.database import as_it_came
from hygge.databases.dialect import in_quotes

Arrive = Callable[[pl.Series], pl.Series]

_PLAIN: dict[str, pl.DataType] = {
    "boolean": pl.Boolean(),
    "tinyint": pl.Int8(),
    "smallint": pl.Int16(),
    "integer": pl.Int32(),
    "bigint": pl.Int64(),
    "utinyint": pl.UInt8(),
    "usmallint": pl.UInt16(),
    "uinteger": pl.UInt32(),
    "ubigint": pl.UInt64(),
    "float": pl.Float32(),
    "double": pl.Float64(),
    "varchar": pl.String(),
    "uuid": pl.String(),
    "enum": pl.String(),
    "blob": pl.Binary(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us"),
    "timestamp_ms": pl.Datetime("ms"),
    "timestamp_ns": pl.Datetime("ns"),
    "timestamp with time zone": pl.Datetime("us", "UTC"),
    "timestamptz_ns": pl.Datetime("ns", "UTC"),
    "null": pl.Null(),
}
_NATIVE: dict[Any, str] = {
    **{kind: word.upper() for word, kind in _PLAIN.items() if word not in ("uuid", "enum", "null")},
    pl.Int128(): "HUGEINT",
    pl.Time(): "TIME",
    pl.Categorical(): "VARCHAR",
}
_NATIVE.pop(pl.Datetime("ns", "UTC"))  # older versions do not know it
_AS_JSON = ("list", "array", "struct", "tuple", "map")


def declared(kind: pl.DataType) -> str:
    """What a column of ours is there. Raises Unsupported for what would be cut."""
    match kind:
        case pl.Decimal():
            return f"DECIMAL({kind.precision or 38},{kind.scale})"
        case pl.Datetime() if kind.time_zone is not None and kind.time_unit != "ns":
            return "TIMESTAMP WITH TIME ZONE"
        case pl.Enum():
            return "VARCHAR"
        case pl.List():
            return f"{_inner(kind.inner)}[]"
        case pl.Array():
            return f"{_inner(kind.inner)}[{kind.shape[0]}]"
        case pl.Struct() if kind.fields:
            fields = (f"{in_quotes(f.name)} {_inner(f.dtype)}" for f in kind.fields)
            return f"STRUCT({', '.join(fields)})"
    if (found := _NATIVE.get(kind)) is None:
        zoned = isinstance(kind, pl.Datetime)
        hint = f"cast it to datetime(us, UTC), or {ALLOW}" if zoned else "cast it to string"
        raise Unsupported(f"DuckDB cannot hold {type_name(kind)}", hint=hint)
    return found


def _inner(kind: Any) -> str:
    made = kind() if isinstance(kind, type) else kind
    if made == pl.Int128():
        raise Unsupported("DuckDB is sent no int128 inside another", hint="cast it to string")
    return declared(made)


def readable(native: Any, name: str) -> tuple[pl.DataType, str, Arrive]:
    """What a type, as DuckDB tells it, is read as, the SQL for it, and what makes it of what comes.

    What would arrive cut, as nothing, or not at all is sent as the database's own text.
    """
    quoted = in_quotes(name)
    if native.id in ("hugeint", "time", "time_ns"):
        kind = pl.Int128() if native.id == "hugeint" else pl.Time()
        return kind, f"cast({quoted} as varchar)", read_as(kind)
    if native.id == "timestamp_s":  # an infinity would arrive as a second of 1969
        return pl.Datetime("us"), f"cast({quoted} as timestamp)", as_it_came
    if (plain := _plain(native)) is not None:
        return plain, quoted, lambda values: values.cast(plain)
    if native.id == "map" and (entry := _struct(native.children)) is not None:
        pairs = pl.List(entry)
        return pairs, f"map_entries({quoted})", lambda values: values.cast(pairs)
    sent = f"to_json({quoted})" if native.id in _AS_JSON else quoted
    return pl.String(), f"cast({sent} as varchar)", as_it_came


def _plain(native: Any) -> pl.DataType | None:
    """The type of ours that arrives by itself, if there is one."""
    match native.id:
        case "decimal":
            (_, precision), (_, scale) = native.children
            return pl.Decimal(precision, scale)
        case "list":
            inner = _plain(native.children[0][1])
            return pl.List(inner) if inner is not None else None
        case "array":
            inner = _plain(native.children[0][1])
            return pl.Array(inner, native.children[1][1]) if inner is not None else None
        case "struct":
            return _struct(native.children)
    return _PLAIN.get(native.id)


def _struct(children: Any) -> pl.Struct | None:
    found = [(name, _plain(child)) for name, child in children]
    fields = [pl.Field(name, kind) for name, kind in found if kind is not None]
    return pl.Struct(fields) if len(fields) == len(found) else None


def sendable(values: pl.Series) -> pl.Series:
    """As Arrow can bring it. Raises StoreError for what would be cut."""
    _refuse_cut(values, values.name)
    return values.cast(pl.String) if values.dtype == pl.Int128() else values


def _refuse_cut(values: pl.Series, column: str) -> None:
    """A time there has microseconds, in lists, too."""
    match values.dtype:
        case pl.List() | pl.Array():
            _refuse_cut(values.explode(), column)
        case pl.Struct() as kind:
            for field in kind.fields:
                _refuse_cut(values.struct.field(field.name), column)
        case pl.Time() if (values.to_physical() % 1000 != 0).any():
            raise StoreError("DuckDB would cut a time's nanoseconds", column=column, hint=HINT)
