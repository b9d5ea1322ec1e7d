"""Column types between Delta tables and ours: what is what there, and what is held as what."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import polars as pl

from hygge.core.errors import HomeError
from hygge.core.schema import Column, TableSchema
from hygge.core.widening import holds

_NAMES: Mapping[pl.DataType, str] = {
    pl.Boolean(): "boolean",
    pl.Int8(): "byte",
    pl.Int16(): "short",
    pl.Int32(): "integer",
    pl.Int64(): "long",
    pl.Float32(): "float",
    pl.Float64(): "double",
    pl.String(): "string",
    pl.Binary(): "binary",
    pl.Date(): "date",
    pl.Datetime("us", "UTC"): "timestamp",
    pl.Datetime("us"): "timestamp_ntz",
}
_KINDS = {name: kind for kind, name in _NAMES.items()}
_KINDS |= {"int": pl.Int32(), "bigint": pl.Int64(), "smallint": pl.Int16(), "tinyint": pl.Int8()}
_HELD: Mapping[pl.DataType, pl.DataType] = {
    pl.UInt8(): pl.Int16(),
    pl.UInt16(): pl.Int32(),
    pl.UInt32(): pl.Int64(),
    pl.UInt64(): pl.Decimal(20, 0),
    pl.Categorical(): pl.String(),
}
_DECIMAL = re.compile(r"decimal\(\s*(\d+)\s*,\s*(\d+)\s*\)")
Field = Mapping[str, Any]
"""One field of a Delta schema, as its JSON has it."""


def held(kind: Any) -> pl.DataType | None:
    """What a column of this type is held as: the same, one that holds all its values, or None."""
    made = kind() if isinstance(kind, type) else kind
    match made:
        case pl.Decimal():
            return pl.Decimal(made.precision or 38, made.scale)
        case pl.Enum():
            return pl.String()
        case pl.Datetime(time_unit="ms" | "us"):
            return pl.Datetime("us", "UTC" if made.time_zone else None)
        case pl.List() | pl.Array():
            inner = held(made.inner)
            return None if inner is None else pl.List(inner)
        case pl.Struct():
            fields = [(field.name, held(field.dtype)) for field in made.fields]
            known = {name: kind for name, kind in fields if kind is not None}
            return pl.Struct(known) if len(known) == len(fields) and fields else None
    return made if made in _NAMES else _HELD.get(made)


def wide_enough(there: pl.DataType, arriving: pl.DataType) -> pl.DataType | None:
    """The type of a column that is there once these values are in it; None where there is none."""
    if holds(there, arriving):
        return there
    return arriving if holds(arriving, there) else None


def field_of(column: Column) -> dict[str, Any]:
    """A column of a held type as a Delta schema has it."""
    kind = _named(column.type)
    return {"name": column.name, "type": kind, "nullable": column.nullable, "metadata": {}}


def _named(kind: Any) -> Any:
    match kind:
        case pl.Decimal():
            return f"decimal({kind.precision},{kind.scale})"
        case pl.List():
            return {"type": "array", "elementType": _named(kind.inner), "containsNull": True}
        case pl.Struct():
            fields = [field_of(Column(field.name, field.dtype)) for field in kind.fields]  # type: ignore[arg-type]
            return {"type": "struct", "fields": fields}
    return _NAMES[kind]


def schema_string(fields: Iterable[Field]) -> str:
    return json.dumps({"type": "struct", "fields": list(fields)})


def is_timeless(fields: Iterable[Field]) -> bool:
    """Whether some column has moments without a zone, which a table must declare."""
    return "timestamp_ntz" in schema_string(fields)


def schema_of(fields: Iterable[Field], table: str) -> TableSchema:
    """A Delta schema as ours. Raises HomeError for types that have no name here."""
    return TableSchema(tuple(column_of(field, table) for field in fields))


def column_of(field: Field, table: str) -> Column:
    name = str(field["name"])

    def refuse(told: object) -> HomeError:
        return HomeError(
            f"the type {told} cannot be moved",
            table=table,
            column=name,
            hint="leave the column out with `columns`, or store it as another type",
        )

    return Column(name, _kind(field["type"], refuse), bool(field.get("nullable", True)))


def _kind(told: Any, refuse: Callable[[object], HomeError]) -> pl.DataType:
    if isinstance(told, str):
        if found := _DECIMAL.fullmatch(told):
            return pl.Decimal(int(found[1]), int(found[2]))
        if told not in _KINDS:
            raise refuse(told)
        return _KINDS[told]
    match told.get("type"):
        case "array":
            return pl.List(_kind(told["elementType"], refuse))
        case "struct":
            fields = told["fields"]
            return pl.Struct({f["name"]: _kind(f["type"], refuse) for f in fields})
        case "map":
            key, value = _kind(told["keyType"], refuse), _kind(told["valueType"], refuse)
            return pl.List(pl.Struct({"key": key, "value": value}))
    raise refuse(told.get("type"))


def written(kind: pl.DataType) -> str | None:
    """What a column of this type becomes in a Delta table; None: refused."""
    there = held(kind)
    named = _named(there) if there is not None else None
    return named if named is None or isinstance(named, str) else str(named["type"])
