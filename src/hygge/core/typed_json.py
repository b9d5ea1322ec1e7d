"""Values and types in JSON without loss: each comes back as what it was."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any

import polars as pl
from pydantic import PlainSerializer, PlainValidator

from hygge.core.errors import ConfigError
from hygge.core.types import parse_type, type_name


def _tag(value: Any) -> Any:
    """A JSON value that says its own type, so that it comes back as what it was."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return {"$float": value.hex()}
        case Decimal():
            return {"$decimal": str(value)}
        case datetime():
            return {"$datetime": value.isoformat()}
        case date():
            return {"$date": value.isoformat()}
        case time():
            return {"$time": value.isoformat()}
        case timedelta():
            return {"$microseconds": value // timedelta(microseconds=1)}
        case bytes():
            return {"$bytes": base64.b64encode(value).decode()}
    raise TypeError(f"{type(value).__name__} has no JSON form here")


_UNTAG: Mapping[str, Any] = {
    "$float": float.fromhex,
    "$decimal": Decimal,
    "$datetime": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
    "$microseconds": lambda n: timedelta(microseconds=n),
    "$bytes": base64.b64decode,
}


def _untag(value: Any) -> Any:
    if isinstance(value, list):
        raise ValueError("a list is not a value")  # noqa: TRY004 - pydantic tells where it was
    if not isinstance(value, dict):
        return value
    try:
        ((tag, inside),) = value.items()
        return _UNTAG[tag](inside)
    except (KeyError, TypeError, ArithmeticError) as failed:
        raise ValueError("not a value that says its type") from failed


def _by_name(value: Any) -> pl.DataType:
    if isinstance(value, pl.DataType):
        return value
    try:
        return parse_type(str(value))
    except ConfigError as failed:  # pydantic tells where a ValueError was
        raise ValueError(failed.what) from failed


TypedValue = Annotated[Any, PlainSerializer(_tag), PlainValidator(_untag)]
TypeByName = Annotated[
    pl.DataType,
    PlainValidator(_by_name),
    PlainSerializer(type_name),  # after the validator, which drops one that comes before it
]
