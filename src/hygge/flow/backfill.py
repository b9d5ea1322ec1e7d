"""Reading a range again: its ends, as they were written, in the type of the watermark's column."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation

import polars as pl

from hygge.core.errors import ConfigError
from hygge.core.schema import TableSchema
from hygge.core.typed_json import TypedValue
from hygge.core.types import type_name
from hygge.core.watermark import Watermark
from hygge.flow.settings import FlowSettings
from hygge.flow.watermarking import Window

_EPOCH = datetime(1970, 1, 1)


def backfill(settings: FlowSettings, schema: TableSchema) -> Window:
    """The rows from `range.from` on, up to but without `range.to`. Raises ConfigError for an end
    that the column could not hold, or a range that is empty."""
    assert settings.watermark is not None
    assert settings.range is not None
    column = settings.watermark.column
    kind = schema[column].type
    low = _end(column, kind, "from", settings.range.start)
    bound = _end(column, kind, "to", settings.range.end)
    if low is not None and bound is not None and low.value >= bound.value:
        raise ConfigError(
            f"no row lies from {settings.range.start} to {settings.range.end}",
            column=column,
            hint="`from` is the first value, `to` the first that is left out",
        )
    return Window(low, bound)


def _end(column: str, kind: pl.DataType, word: str, text: str | None) -> Watermark | None:
    if text is None:
        return None
    try:
        value = _value(kind, text)
    except (ValueError, InvalidOperation) as failed:
        raise ConfigError(
            f"{word}: {text!r} is no {type_name(kind)}", column=column, hint=_example(kind)
        ) from failed
    return Watermark(column, type_name(kind), value, closed=word == "from")


def _value(kind: pl.DataType, text: str) -> TypedValue:
    match kind:
        case pl.Date():
            return date.fromisoformat(text)
        case pl.Datetime():
            return _moment(kind, datetime.fromisoformat(text))
        case pl.Decimal():
            return Decimal(text)
        case pl.String():
            return text
    return int(text)


def _moment(kind: pl.Datetime, moment: datetime) -> TypedValue:
    """Without a zone: as the column has it, UTC where that has one."""
    if kind.time_zone is not None:
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    elif moment.tzinfo is not None:
        raise ValueError("the column has no zone")
    if kind.time_unit != "ns":
        return moment
    return (moment.replace(tzinfo=None) - _EPOCH) // timedelta(microseconds=1) * 1000


def _example(kind: pl.DataType) -> str:
    match kind:
        case pl.Date():
            return "2024-05-31"
        case pl.Datetime():
            return "2024-05-31T18:00:00Z" if kind.time_zone else "2024-05-31T18:00:00"
    return "a number"
