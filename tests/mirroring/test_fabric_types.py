"""Types as Fabric mirrors them: each is exact, or refused by name."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from hygge.core.errors import StoreError, Unsupported
from hygge.core.schema import Column, TableSchema
from hygge.mirroring.fabric_types import as_held, held, mirrored, refuse, sql_name

EXACT: list[tuple[pl.DataType, Any, Any, str]] = [
    (pl.Boolean(), True, True, "bit"),
    (pl.Int8(), -128, -128, "smallint"),
    (pl.Int64(), -(2**63), -(2**63), "bigint"),
    (pl.UInt8(), 255, 255, "smallint"),
    (pl.UInt16(), 65535, 65535, "int"),
    (pl.UInt32(), 2**32 - 1, 2**32 - 1, "bigint"),
    (pl.UInt64(), 2**64 - 1, Decimal(2**64 - 1), "decimal(20, 0)"),
    (pl.Float32(), 0.5, 0.5, "real"),
    (pl.Decimal(38, 10), Decimal("1.0000000001"), Decimal("1.0000000001"), "decimal(38, 10)"),
    (pl.String(), "ü\u2028\n", "ü\u2028\n", "varchar(max)"),
    (pl.Binary(), b"\0\xff", b"\0\xff", "varbinary(max)"),
    (pl.Date(), date(9999, 12, 31), date(9999, 12, 31), "date"),
    (
        pl.Datetime("us"),
        datetime(2024, 2, 29, 1, 2, 3, 4),
        datetime(2024, 2, 29, 1, 2, 3, 4, UTC),
        "datetime2(6)",
    ),
    (
        pl.Datetime("ms", "Europe/Copenhagen"),
        datetime(2024, 7, 1, 12),
        datetime(2024, 7, 1, 10, tzinfo=UTC),
        "datetime2(6)",
    ),
    (pl.Time(), time(1, 2, 3, 4), "01:02:03.0000040", "varchar(max)"),
    (pl.Duration("us"), timedelta(days=1, seconds=3), "P1DT3S", "varchar(max)"),
    (pl.Categorical(), "a", "a", "varchar(max)"),
    (pl.Enum(["b"]), "b", "b", "varchar(max)"),
]


@pytest.mark.parametrize(("kind", "value", "found", "name"), EXACT, ids=[str(e[0]) for e in EXACT])
def test_each_type_is_held_exactly(kind: pl.DataType, value: Any, found: Any, name: str) -> None:
    given = pl.Series("v", [value, None], dtype=pl.Datetime("us")) if _zoned(kind) else None
    values = pl.Series("v", [value, None], dtype=kind) if given is None else _in(given, kind)
    made, changed = as_held(values)
    assert made.dtype == held(kind)
    assert made.to_list() == [found, None]
    assert (made.name, changed, sql_name(made.dtype)) == ("v", 0, name)


def _zoned(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.Datetime) and kind.time_zone is not None


def _in(values: pl.Series, kind: pl.DataType) -> pl.Series:
    assert isinstance(kind, pl.Datetime)
    return values.cast(pl.Datetime(kind.time_unit)).dt.replace_time_zone(kind.time_zone)


def test_what_is_nested_is_json() -> None:
    rows = [{"a": [1, None], "b": 'x\u2028"\n'}, None, {"a": None, "b": None}]
    values = pl.Series("v", rows, dtype=pl.Struct({"a": pl.List(pl.Int64), "b": pl.String}))
    made, _ = as_held(values)
    assert [json.loads(text) if text else None for text in made] == rows
    lists, _ = as_held(pl.Series("v", [[1, 2], None, []], dtype=pl.List(pl.Int8)))
    assert lists.to_list() == ["[1,2]", None, "[]"]
    nothing, _ = as_held(pl.Series("v", [], dtype=pl.List(pl.Int8)))
    assert nothing.to_list() == []


def test_moments_that_are_finer_are_refused_or_cut_off_and_counted() -> None:
    values = pl.Series("at", [1_000, 1_001, None, 999], dtype=pl.Int64).cast(pl.Datetime("ns"))
    with pytest.raises(StoreError, match="2 moments") as refused:
        as_held(values)
    assert refused.value.where["column"] == "at"
    made, changed = as_held(values, lossy=True)
    assert changed == 2
    assert made.cast(pl.Int64).to_list() == [1, 1, None, 0]


@pytest.mark.parametrize(
    "values",
    [
        pl.Series("v", [[float("nan")]]),
        pl.Series("v", [2**127 - 1], dtype=pl.Int128),
        pl.Series("v", [-(10**8)], dtype=pl.Int32).cast(pl.Date),
        pl.Series("v", [2**60], dtype=pl.Int64).cast(pl.Datetime("ms")),
    ],
    ids=["nan in json", "39 digits", "before the year 1", "after 9999"],
)
def test_values_that_cannot_be_held_are_refused(values: pl.Series) -> None:
    with pytest.raises(StoreError) as refused:
        as_held(values)
    assert refused.value.where["column"] == "v"


@pytest.mark.parametrize(
    "columns",
    [
        [Column("v", pl.Null())],
        [Column("v", pl.List(pl.Binary()))],
        [Column("__RowMarker__", pl.Int32())],
        [Column(" ", pl.Int32())],
        [Column("Id", pl.Int32()), Column("ID", pl.Int32())],
    ],
    ids=["null", "bytes in a list", "the marker", "no name", "one name in two cases"],
)
def test_columns_that_cannot_be_mirrored_are_refused(columns: list[Column]) -> None:
    with pytest.raises(Unsupported) as refused:
        refuse(TableSchema(tuple(columns)))
    assert refused.value.where["column"] == columns[-1].name


def test_only_keys_are_not_null() -> None:
    schema = TableSchema((Column("id", pl.Int8(), False), Column("v", pl.Time(), False)))
    made = mirrored(schema, ["id"])
    assert made == TableSchema((Column("id", pl.Int16(), False), Column("v", pl.String())))
