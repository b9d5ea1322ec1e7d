"""Up to where a table has been read."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from hygge.core.errors import FlowError
from hygge.core.typed_json import TypedValue
from hygge.core.types import parse_type, type_name


@dataclass(frozen=True, slots=True)
class Watermark:
    """A position in one column: its value, and the type (by name) that the value has.

    `closed`: rows equal to the value have been read (or are to be read); else they have not.
    `ties`: how many rows had exactly this value when it was read; None if nobody counted.
    """

    column: str
    type: str
    value: TypedValue
    closed: bool = True
    ties: int | None = None

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
        return Watermark(first.column, first.type, first.value, first.closed, ties)
    return max(first, second, key=lambda mark: mark.value)


def literal(mark: Watermark) -> pl.Expr:
    """The position as a Polars value of the column's own type."""
    return pl.lit(mark.value).cast(parse_type(mark.type))


def greatest(values: pl.Series) -> Watermark | None:
    """The position of a column's greatest value and how many rows have it; None without values.

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
    return Watermark(values.name, type_name(kind), top, True, int((plain == top).sum()))
