"""What holds what: by a table, and by the values at the ends of each type."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from hygge.core.types import parse_type, type_name
from hygge.core.widening import holds, loses

HELD: dict[str, list[str]] = {
    "int8": ["int16", "int32", "int64", "int128", "float32", "float64", "decimal(3, 0)"],
    "int16": ["int32", "int64", "int128", "float32", "float64", "decimal(5, 0)"],
    "int32": ["int64", "int128", "float64", "decimal(12, 2)"],
    "int64": ["int128", "decimal(19, 0)", "decimal(38, 19)"],
    "uint8": ["uint16", "uint32", "uint64", "int16", "int32", "int64", "int128", "float32"],
    "uint16": ["uint32", "uint64", "int32", "int64", "int128", "float32", "float64"],
    "uint32": ["uint64", "int64", "int128", "float64", "decimal(10, 0)"],
    "uint64": ["int128", "decimal(20, 0)"],
    "float32": ["float64"],
    "decimal(10, 2)": ["decimal(11, 2)", "decimal(11, 3)", "decimal(38, 30)"],
    "datetime(ms)": ["datetime(us)"],
    "datetime(ms, UTC)": ["datetime(us, UTC)"],
    "duration(ms)": ["duration(us)"],
    "categorical": ["string"],
    "enum(a)": ["string", "enum(b, a)"],
    "null": ["int8", "string", "list(int8)", "bool"],
}
NOT_HELD: dict[str, list[str]] = {
    "int8": ["uint8", "uint64", "bool", "string", "decimal(3, 1)"],
    "int32": ["uint64", "float32", "decimal(9, 0)"],
    "int64": ["float64", "uint64", "decimal(18, 0)", "datetime(us)"],
    "uint8": ["int8"],
    "uint64": ["int64", "float64", "decimal(19, 0)"],
    "float64": ["float32", "decimal(38, 19)", "int64"],
    "decimal(10, 2)": ["decimal(10, 3)", "decimal(12, 1)", "float64", "int64"],
    "datetime(us)": ["datetime(ms)", "datetime(ns)", "datetime(us, UTC)", "date"],
    "date": ["datetime(us)", "int32"],
    "bool": ["int8"],
    "string": ["enum(a)", "categorical", "binary"],
    "enum(a, b)": ["enum(a)", "categorical"],
    "list(int8)": ["list(int16)"],
    "struct(a: int8)": ["struct(a: int8, b: int8)"],
}
ENDS: dict[str, list[Any]] = {
    "float32": [3.4028234663852886e38, 1.401298464324817e-45, float("inf"), float("nan")],
    "decimal(10, 2)": [Decimal("99999999.99"), Decimal("-99999999.99"), Decimal("0.01")],
    "datetime(ms)": [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_000)],
    "datetime(ms, UTC)": [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)],
    "categorical": ["a", "ü"],
    "enum(a)": ["a"],
}


def ends(narrow: Any) -> list[Any]:
    if narrow.is_integer():
        low, high = (pl.select(x).item() for x in (narrow.min(), narrow.max()))
        return [low, low + 1, high - 1, high]
    return ENDS.get(type_name(narrow), [])


@pytest.mark.parametrize(("narrow", "wide"), [(n, w) for n, many in HELD.items() for w in many])
def test_what_is_held_comes_back_as_it_was(narrow: str, wide: str) -> None:
    small, large = parse_type(narrow), parse_type(wide)
    assert holds(large, small)
    assert holds(large, large)
    assert small == large or not holds(small, large)
    values = pl.Series([*ends(small), None], dtype=small)
    assert values.cast(large).cast(small).equals(values)
    if small.is_integer():
        assert [int(x) for x in values.cast(large).drop_nulls()] == ends(small)


@pytest.mark.parametrize(("narrow", "wide"), [(n, w) for n, many in NOT_HELD.items() for w in many])
def test_what_is_not_held(narrow: str, wide: str) -> None:
    assert not holds(parse_type(wide), parse_type(narrow))


@pytest.mark.parametrize(
    ("there", "values", "lossy"),
    [
        ("int32", "int64", True),
        ("int64", "int32", False),
        ("float64", "int64", True),
        ("int64", "float32", True),
        ("decimal(10, 2)", "decimal(10, 4)", True),
        ("date", "datetime(us)", True),
        ("datetime(us)", "datetime(us, UTC)", False),
        ("datetime(ms)", "datetime(us, UTC)", True),
        ("string", "int64", False),
        ("bool", "int8", False),
    ],
)
def test_what_a_column_would_round_or_refuse(there: str, values: str, lossy: bool) -> None:
    assert loses(parse_type(there), parse_type(values)) is lossy
