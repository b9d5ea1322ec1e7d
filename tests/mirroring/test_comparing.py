"""What differs between a table and its mirror."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hygge.core.errors import ConfigError
from hygge.core.schema import TableSchema
from hygge.mirroring.comparing import Comparing, Comparison, Mark, named

KINDS = {"id": pl.Int64(), "a": pl.String(), "b": pl.Float64()}


def frame(rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
    return pl.DataFrame([*rows], schema=KINDS, orient="row")


def compared(
    source: pl.DataFrame,
    mirror: pl.DataFrame,
    keys: Sequence[str] = ("id",),
    *,
    batch: int = 1000,
    limit: int = 20,
    ignore: Sequence[str] = (),
) -> Comparison:
    schemas = (TableSchema.of(source.schema), TableSchema.of(mirror.schema))
    with Comparing(*schemas, keys, ignore=ignore, limit=limit) as comparing:
        for part in source.iter_slices(batch):
            comparing.source(part)
        for part in mirror.iter_slices(batch):
            comparing.mirror(part)
        return comparing.result()


def counts(found: Comparison) -> str:
    return " ".join(f"{mark}{count}" for mark, count in found.counts.items())


def test_equal_tables_in_any_order() -> None:
    rows = [(n, f"row {n}", n / 2) for n in range(5000)]
    found = compared(frame(rows), frame(rows[::-1]), batch=700)
    assert counts(found) == "=5000 -0 +0 *0 !0"
    assert found.equal
    assert [*named(found)] == ["= 5,000  - 0  + 0  * 0  ! 0"]


def test_every_kind_of_difference() -> None:
    source = frame([(1, "a", 1), (2, "b", 2), (3, "c", 3), (4, "d", 4), (5, None, None)])
    mirror = frame(
        [(1, "a", 1), (3, "C", 9), (4, "d", 5), (4, "d", 4), (5, None, None), (6, "", 0)]
    )
    found = compared(source, mirror)
    assert counts(found) == "=2 -1 +1 *1 !1"
    assert not found.equal
    assert sorted(named(found)) == [
        "! id=4: 1 rows of this key in the source, 2 in the mirror",
        "* id=3: a, b",
        "+ id=6",
        "- id=2",
        "= 2  - 1  + 1  * 1  ! 1",
    ]


def test_null_differs_from_a_value_and_not_from_null() -> None:
    source, mirror = frame([(1, None, 1), (2, None, None)]), frame([(1, "", 1), (2, None, None)])
    found = compared(source, mirror)
    assert [*map(str, found.found)] == ["* id=1: a"]


def test_not_a_number_is_itself() -> None:
    nan = frame([(1, "a", float("nan"))])
    assert compared(nan, nan).equal
    assert compared(nan, nan, keys=()).equal
    assert not compared(nan, frame([(1, "a", None)])).equal


def test_a_null_in_a_key_is_a_value() -> None:
    found = compared(frame([(None, "a", 1), (1, "b", 2)]), frame([(None, "A", 1), (1, "b", 2)]))
    assert [*map(str, found.found)] == ["* id=None: a"]


def test_without_keys_whole_rows_are_counted() -> None:
    one, two, three = (1, "a", 1.0), (2, "b", None), (3, None, 3.0)
    found = compared(frame([one, one, one, two]), frame([one, three, three, two]), keys=())
    assert counts(found) == "=2 -2 +2 *0 !0"
    assert sorted(map(str, found.found)) == [
        "+ id=3, a=None, b=3.0",
        "+ id=3, a=None, b=3.0",
        "- id=1, a='a', b=1.0",
        "- id=1, a='a', b=1.0",
    ]


def test_an_empty_side() -> None:
    rows = frame([(n, "x", 0) for n in range(100)])
    assert counts(compared(rows, frame([]))) == "=0 -100 +0 *0 !0"
    assert counts(compared(frame([]), rows)) == "=0 -0 +100 *0 !0"
    assert compared(frame([]), frame([])).equal


def test_as_much_is_shown_as_is_asked_for() -> None:
    found = compared(frame([(n, "x", 0) for n in range(100)]), frame([]), limit=3)
    assert len(found.found) == 3
    assert [*named(found)][-2:] == ["… and 97 more", "= 0  - 100  + 0  * 0  ! 0"]


def test_columns_of_one_side() -> None:
    rows = frame([(1, "a", 1)])
    found = compared(rows, rows.drop("b"))
    assert [*map(str, found.found)] == ["! column b is not in the mirror"]
    assert not found.equal
    found = compared(rows.drop("b"), rows)
    assert found.equal, "a mirror keeps columns that its source has no more"
    assert found.notes == ["column b is only in the mirror"]
    assert compared(rows, rows.drop("b"), ignore=["b"]).equal


def test_a_key_that_cannot_be_compared() -> None:
    rows = frame([(1, "a", 1)])
    with pytest.raises(ConfigError, match="key column cannot be compared"):
        compared(rows, rows.drop("id"))
    with pytest.raises(ConfigError, match="no column in common"):
        compared(rows, rows.rename(str.upper), keys=())


NOON = datetime(2024, 5, 17, 12, 0, 0, 123456)
SAME: dict[str, tuple[Any, pl.DataType, Any, pl.DataType]] = {
    "int": (1, pl.Int16(), 1, pl.Int64()),
    "unsigned": (2**64 - 1, pl.UInt64(), Decimal(2**64 - 1), pl.Decimal(20, 0)),
    "whole and exact": (5, pl.Int64(), Decimal("5.00"), pl.Decimal(18, 2)),
    "exact": (Decimal("1.50"), pl.Decimal(18, 2), Decimal("1.5000"), pl.Decimal(30, 4)),
    "float": (0.5, pl.Float32(), 0.5, pl.Float64()),
    "naive": (NOON, pl.Datetime("us"), NOON.replace(tzinfo=UTC), pl.Datetime("us", "UTC")),
    "finer": (NOON, pl.Datetime("ns"), NOON.replace(tzinfo=UTC), pl.Datetime("us", "UTC")),
    "zone": (
        datetime(2024, 5, 17, 14, tzinfo=ZoneInfo("Europe/Copenhagen")),
        pl.Datetime("us", "Europe/Copenhagen"),
        datetime(2024, 5, 17, 12, tzinfo=UTC),
        pl.Datetime("us", "UTC"),
    ),
    "day": (
        date(2024, 5, 17),
        pl.Date(),
        datetime(2024, 5, 17, tzinfo=UTC),
        pl.Datetime("us", "UTC"),
    ),
    "time": (time(12, 30), pl.Time(), "12:30:00", pl.String()),
    "time with zeros": (time(12, 30, 0, 120000), pl.Time(), "12:30:00.1200000", pl.String()),
    "duration": (timedelta(hours=1), pl.Duration("us"), "PT1H", pl.String()),
    "category": ("a", pl.Categorical(), "a", pl.String()),
    "list": ([1, None, 2], pl.List(pl.Int64()), "[1,null,2]", pl.String()),
    "struct": (
        {"b": 1.0, "a": "ä"},
        pl.Struct({"b": pl.Float64(), "a": pl.String()}),
        '{"a": "\\u00e4", "b": 1}',
        pl.String(),
    ),
    "nothing": (None, pl.Null(), None, pl.String()),
    "bytes": (b"\x00a", pl.Binary(), b"\x00a", pl.Binary()),
}


@pytest.mark.parametrize("name", SAME)
def test_values_in_one_form(name: str) -> None:
    here, kind, there, mirrored = SAME[name]
    source = pl.DataFrame({"id": [1, 2], "v": pl.Series([here, None], dtype=kind)})
    mirror = pl.DataFrame({"id": [1, 2], "v": pl.Series([there, None], dtype=mirrored)})
    assert counts(compared(source, mirror)) == "=2 -0 +0 *0 !0"
    if here is not None:
        swapped = mirror.with_columns(id=pl.Series([2, 1]))
        assert counts(compared(source, swapped)) == "=0 -0 +0 *2 !0"


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (pl.Int64(), pl.String()),
        (pl.Binary(), pl.String()),
        (pl.List(pl.Int64()), pl.Int64()),
        (pl.Boolean(), pl.Int64()),
        (pl.Decimal(38, 0), pl.Decimal(38, 38)),
        (pl.String(), pl.Datetime("us", "UTC")),
    ],
    ids=str,
)
def test_types_that_have_nothing_in_common(here: pl.DataType, there: pl.DataType) -> None:
    source, mirror = (pl.DataFrame(schema={"id": pl.Int64(), "v": kind}) for kind in (here, there))
    found = compared(source, mirror)
    assert found.counts[Mark.UNCLEAR] == 1
    assert "cannot be compared" in str(found.found[0])


@given(
    source=st.dictionaries(st.integers(0, 30), st.integers(0, 2)),
    mirror=st.dictionaries(st.integers(0, 30), st.integers(0, 2)),
)
def test_counts_are_those_of_two_dicts(source: dict[int, int], mirror: dict[int, int]) -> None:
    def table(rows: dict[int, int]) -> pl.DataFrame:
        return pl.DataFrame([*rows.items()], {"id": pl.Int64(), "v": pl.Int64()}, orient="row")

    both = source.keys() & mirror.keys()
    same = sum(source[key] == mirror[key] for key in both)
    found = compared(table(source), table(mirror), batch=5)
    lacking, more = len(source.keys() - mirror.keys()), len(mirror.keys() - source.keys())
    assert counts(found) == f"={same} -{lacking} +{more} *{len(both) - same} !0"


@pytest.mark.parametrize(
    ("values", "same", "other"),
    [
        (
            pl.Series([[Decimal("12345678901234567890.10")]], dtype=pl.List(pl.Decimal(38, 2))),
            '[ "12345678901234567890.10" ]',
            '["12345678901234567890.11"]',
        ),
        (pl.Series([[2**64 - 1]], dtype=pl.List(pl.UInt64)), "[18446744073709551615.0]",
         "[18446744073709551616]"),
        (pl.Series([[2.5]]), "[2.50]", "[1e9999999]"),
        (pl.Series([[0.1]], dtype=pl.List(pl.Float32)), "[1e-1]", "[0.10000000149011612]"),
        (pl.Series([[1]], dtype=pl.List(pl.Datetime("ns"))), '["1970-01-01 00:00:00.000000001"]',
         '["1970-01-01 00:00:00"]'),
        (pl.Series([{"b": [], "a": None}]), '{"a":null,"b":[]}', '{"a":0,"b":[]}'),
    ],
)  # fmt: skip
def test_all_digits_of_what_is_nested_count(values: pl.Series, same: str, other: str) -> None:
    source = pl.DataFrame({"id": [1], "v": values})
    for text, count in ((same, "=1 -0 +0 *0 !0"), (other, "=0 -0 +0 *1 !0")):
        assert counts(compared(source, pl.DataFrame({"id": [1], "v": [text]}))) == count
