"""Up to where a table has been read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import polars as pl

from hygge.core.errors import FlowError
from hygge.core.ties import Ties
from hygge.core.typed_json import TypedValue
from hygge.core.types import parse_type, type_name

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Watermark:
    """A position in one column: its value, and the type (by name) that the value has.

    `closed`: rows equal to the value have been read (or are to be read); else they have not.
    `ties`: the rows that had exactly this value when it was read; None if nobody looked.
    `counter`: who gives the values, where it is the source itself; another one's mean nothing.
    `account`: what the source has to be told to know what is new, in its own words.
    """

    column: str
    type: str
    value: TypedValue
    closed: bool = True
    ties: Ties | None = None
    counter: str | None = None
    account: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.column} {'≤' if self.closed else '<'} {self.value}"


def highest(first: Watermark | None, second: Watermark | None) -> Watermark | None:
    """The further of two positions; at the same value their ties add up."""
    if first is None or second is None:
        return first or second
    if (first.column, first.type) != (second.column, second.type):
        raise FlowError(
            f"two watermarks cannot be compared: {first.column} {first.type} "
            f"and {second.column} {second.type}"
        )
    if first.value == second.value:
        ties = None if first.ties is None or second.ties is None else first.ties + second.ties
        return replace(first, ties=ties)
    return max(first, second, key=lambda mark: mark.value)


def literal(mark: Watermark) -> pl.Expr:
    """The position as a Polars value of the column's own type."""
    return pl.lit(mark.value).cast(parse_type(mark.type))


def greatest(values: pl.Series) -> Watermark | None:
    """The position of a column's greatest value; None without values.

    Nanoseconds travel as integers: Python's datetime would cut them. Times with a zone travel in
    UTC: in one zone, Python compares the hands of the clock, which go back in autumn.
    """
    kind = values.dtype
    nanos = isinstance(kind, pl.Datetime) and kind.time_unit == "ns"
    plain = values.to_physical() if nanos else values
    if isinstance(plain.dtype, pl.Datetime) and plain.dtype.time_zone is not None:
        plain = plain.dt.convert_time_zone("UTC")
    top = plain.max()
    if top is None:
        return None
    return Watermark(values.name, type_name(kind), top)


def before(column: str, kind: pl.DataType, moment: datetime) -> Watermark | None:
    """The open position at a moment in a column of times; None in a column of anything else.

    `moment` has a zone where the column has one; where it has none, the hands of the same clock.
    """
    value: date | int
    match kind:
        case pl.Date():
            value = moment.date()
        case pl.Datetime(time_unit="ns"):
            value = (moment.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1) * 1000
        case pl.Datetime():
            value = moment if kind.time_zone else moment.replace(tzinfo=None)
        case _:
            return None
    return Watermark(column, type_name(kind), value, closed=False)


def earlier(mark: Watermark, by: float) -> Watermark:
    """The position so many seconds earlier, or so much less. Raises FlowError for a text."""
    kind, value = parse_type(mark.type), mark.value
    match value, kind:
        case str(), _:
            raise FlowError("a text has no distance", column=mark.column, hint="drop `overlap`")
        case int(), pl.Datetime():
            less: TypedValue = value - int(by * 1e9)
        case datetime(), _:
            less = value - timedelta(seconds=by)
        case date(), _:
            less = value - timedelta(days=math.ceil(by / 86_400))
        case _:
            less = value - type(value)(math.ceil(by))
    return Watermark(mark.column, mark.type, less)
