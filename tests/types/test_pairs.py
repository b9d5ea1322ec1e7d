"""From each database to each other, by a flow: what they all hold arrives as it was."""

from __future__ import annotations

import itertools
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from tests.types.expecting import exactly, moved, read
from tests.types.systems import (
    SYSTEMS,
    DuckdbSystem,
    MssqlSystem,
    MysqlSystem,
    PostgresSystem,
    SqliteSystem,
    System,
)

WORDS = [
    "a",
    "truth",
    "small",
    "whole",
    "large",
    "share",
    "price",
    "name",
    "photo",
    "day",
    "hour",
    "at",
    "zoned",
    "id",
]
PRICE = "'99999999999999.9999'"
TYPES: dict[type[System], str] = {
    PostgresSystem: "integer, boolean, smallint, integer, bigint, double precision, numeric(18,4), "
    "text, bytea, date, time, timestamp, timestamptz, uuid",
    MysqlSystem: "integer, boolean, smallint, integer, bigint, double, decimal(18,4), "
    "longtext, longblob, date, time(6), datetime(6), timestamp(6) null, uuid",
    SqliteSystem: "int_32_bits, boolean, int_16_bits, int_32_bits, bigint, double, "
    "decimal_text(18,4), text, blob, date, time, datetime, timestamptz, text",
    DuckdbSystem: "integer, boolean, smallint, integer, bigint, double, decimal(18,4), "
    "varchar, blob, date, time, timestamp, timestamptz, uuid",
    MssqlSystem: "int, bit, smallint, int, bigint, float, decimal(18,4), nvarchar(max), "
    "varbinary(max), date, time(6), datetime2(6), datetimeoffset(6), uniqueidentifier",
}
BYTES: dict[type[System], str] = {
    PostgresSystem: r"'\x00ff0a0d09275c'",
    MysqlSystem: "x'00ff0a0d09275c'",
    SqliteSystem: "x'00ff0a0d09275c'",
    DuckdbSystem: r"'\x00\xFF\x0A\x0D\x09\x27\x5C'::blob",
    MssqlSystem: "0x00ff0a0d09275c",
}
TEXT = '漢字 😀 \t\n\r,;|"NULL"'
KEY = "123e4567-e89b-12d3-a456-426614174000"
UTC = pl.Datetime("us", "UTC")
WIDENED: dict[type[System], dict[pl.DataType, pl.DataType]] = {
    MysqlSystem: {pl.Boolean(): pl.Int8(), UTC: pl.Datetime("us")},
    PostgresSystem: {pl.Int8(): pl.Int16()},
    MssqlSystem: {pl.Int8(): pl.Int16()},
}
"""What a database holds as another type than ours."""


def filled(system: System) -> None:
    """A row of values that are easily lost, one of the least, one of NULLs alone."""
    types = TYPES[type(system)].replace("(18,4)", "(18;4)").split(", ")
    columns = [(w, t.replace(";", ",")) for w, t in zip(WORDS, types, strict=True)]
    zone = "" if isinstance(system, MysqlSystem) else "+00:00"
    most = ["1", "true", "-32768", "-2147483648", "9223372036854775807", "0.1", PRICE]
    most += [f"'{TEXT}'", BYTES[type(system)], "'9999-12-31'", "'23:59:59.999999'"]
    most += ["'9999-12-31 23:59:59.999999'", f"'2024-02-29 23:59:59.999999{zone}'", f"'{KEY}'"]
    least = ["2", "false", "0", "0", "-9223372036854775808", "1e-300", "'-0.0001'"]
    least += ["''", "''", "'0001-01-01'", "'00:00:00'", "'0001-01-01 00:00:00'"]
    least += [f"'1970-01-01 00:00:01{zone}'", "NULL"]
    if isinstance(system, SqliteSystem):
        least[8] = "x''"
    if isinstance(system, MssqlSystem):
        most[1], most[7], least[1], least[8] = "1", f"N'{TEXT}'", "0", "cast('' as varbinary(1))"
    nulls = ["3", *["NULL"] * (len(WORDS) - 1)]
    system.made("t", columns, *map(", ".join, (most, least, nulls)))


@pytest.mark.parametrize(
    ("source", "target"),
    list(itertools.product(SYSTEMS, SYSTEMS)),
    ids=lambda kind: kind.name,
)
def test_what_all_hold_arrives_in_each(
    source: type[System], target: type[System], tmp_path: Path
) -> None:
    one, other = source(tmp_path), target(tmp_path)
    filled(one)
    there = read(one.home())
    row = there.row(0, named=True)
    assert (row["large"], row["name"], row["photo"]) == (2**63 - 1, TEXT, b"\0\xff\n\r\t'\\")
    assert (row["at"], row["id"].lower()) == (datetime.max, KEY)
    moved(one.home(), other.store("arrived"))
    arrived = read(other.home("arrived"))
    expected = widened(there, target)
    assert arrived.schema == expected.schema
    assert exactly(sorted(arrived.rows())) == exactly(sorted(expected.rows()))
    moved(one.home(), other.store("arrived"))
    assert exactly(sorted(read(other.home("arrived")).rows())) == exactly(sorted(expected.rows()))


def widened(rows: pl.DataFrame, target: type[System]) -> pl.DataFrame:
    known = WIDENED.get(target, {})
    naive = [v.dt.replace_time_zone(None) if v.dtype == UTC and UTC in known else v for v in rows]
    return pl.DataFrame([v.cast(known.get(v.dtype, v.dtype)) for v in naive])
