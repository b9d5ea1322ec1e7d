"""A column whose values become wider at the source, night after night, in every database."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.stores.nights import APPEND, MERGE, RIGS, Nights, frame

from hygge.core.types import parse_type


@pytest.fixture(params=RIGS, ids=lambda rig: rig.__name__)
def nights(request: pytest.FixtureRequest, tmp_path: Path) -> Nights:
    return Nights(request.param(tmp_path), tmp_path)


BIG = 2**63 - 1
FLOAT32 = [3.4028234663852886e38, 1.401298464324817e-45, 0.10000000149011612]
MOMENT = datetime(2024, 2, 29, 23, 59, 59, 999_000)
CASES: list[tuple[str, list[Any], str, list[Any]]] = [
    ("int8", [-128, 127], "int16", [-(2**15), 2**15 - 1]),
    ("int8", [-128, 127], "int64", [-BIG - 1, BIG]),
    ("int32", [-(2**31), 2**31 - 1], "int64", [-BIG - 1, BIG]),
    ("uint8", [0, 255], "uint16", [0, 2**16 - 1]),
    ("uint8", [0, 255], "int16", [-(2**15), 2**15 - 1]),
    ("uint32", [0, 2**32 - 1], "int64", [-BIG - 1, BIG]),
    ("uint32", [0, 2**32 - 1], "uint64", [0, 2**64 - 1]),
    ("float32", FLOAT32, "float64", [1.7976931348623157e308, 5e-324, 0.1]),
    ("int16", [-(2**15), 2**15 - 1], "float32", FLOAT32),
    ("int32", [-(2**31), 2**31 - 1], "float64", [1.7976931348623157e308, 5e-324, 0.1]),
    ("uint32", [0, 2**32 - 1], "float64", [0.1, -0.5]),
    ("decimal(10, 2)", ["99999999.99", "-0.01"], "decimal(12, 4)", ["-99999999.9999", "0.0001"]),
    ("decimal(5, 0)", ["99999", "-7"], "decimal(38, 30)", ["-99999999." + "9" * 30]),
    ("decimal(10, 2)", ["99999999.99", "-0.01"], "decimal(38, 2)", ["9" * 36 + ".99"]),
    ("int64", [-BIG - 1, BIG], "decimal(19, 0)", ["9999999999999999999"]),
    ("int64", [-BIG - 1, BIG, 0], "decimal(25, 6)", ["-0.000001", "1234567890123456789.5"]),
    ("uint64", [0, 2**64 - 1], "decimal(22, 2)", ["0.01"]),
    ("datetime(ms)", [MOMENT], "datetime(us)", [datetime(9999, 12, 31, 23, 59, 59, 999_999)]),
    (
        "datetime(ms, UTC)",
        [MOMENT.replace(tzinfo=UTC)],
        "datetime(us, UTC)",
        [datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)],
    ),
    ("categorical", ["a", "b"], "string", ["c\u2603"]),
    ("enum(a, b)", ["a", "b"], "enum(a, b, c)", ["c"]),
]


def values(kind: str, given: list[Any]) -> pl.Series:
    made = parse_type(kind)
    if isinstance(made, pl.Decimal):
        given = [Decimal(text) for text in given]
    return pl.Series([*given, None], dtype=made)


def held_alike(nights: Nights, kind: str) -> bool:
    """Whether the database has no type of its own for this one."""
    return nights.rows("v").schema["v"] != parse_type(kind)


@pytest.mark.parametrize(("narrow", "few", "wide", "many"), CASES, ids=lambda case: str(case)[:18])
@pytest.mark.parametrize("how", [APPEND, MERGE], ids=["append", "merge"])
def test_it_becomes_wider_and_loses_nothing(
    nights: Nights,
    how: dict[str, Any],
    narrow: str,
    few: list[Any],
    wide: str,
    many: list[Any],
) -> None:
    how = {"keys": [], **how}
    first, second = values(narrow, few), values(wide, many)
    old, new = range(first.len()), range(first.len(), first.len() + second.len())
    nights.done(frame(old, v=first), **how)
    one = frame(new, v=second)
    report = nights.done(one, **how)
    assert f"* v {narrow} → {wide}" in nights.told
    assert f"v: the table's column becomes {wide}" in report.notes
    expected = pl.concat([first.cast(second.dtype), second])
    seen = nights.rows("v")["v"]
    assert seen.len() == expected.len()
    assert seen.cast(second.dtype).equals(expected)
    assert nights.remembered()["v"].type == second.dtype
    third = frame([99], v=second.tail(1))
    assert nights.done(third, **how).notes == []
    assert nights.rows("v").height == expected.len() + 1
    assert not nights.rig.leftovers()
