"""MySQL and MariaDB: what their columns are to us, and ours to them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from tests.types.expecting import Native, Ours, Refused, Ticks

NINES = "9" * 38
UUID = "123e4567-e89b-12d3-a456-426614174000"
AT = datetime(2024, 2, 29, 23, 59, 59, 999999)

NATIVE = [
    Native("tinyint", "-128", "int8", -128),
    Native("tinyint(1)", "2", "int8", 2),
    Native("boolean", "true", "int8", 1),
    Native("tinyint unsigned", "255", "uint8", 255),
    Native("smallint", "-32768", "int16", -32768),
    Native("smallint unsigned", "65535", "uint16", 65535),
    Native("mediumint", "-8388608", "int32", -8388608),
    Native("mediumint unsigned", "16777215", "uint32", 16777215),
    Native("int", "-2147483648", "int32", -2147483648),
    Native("int(11) unsigned", "4294967295", "uint32", 4294967295),
    Native("int(10) zerofill", "7", "uint32", 7),
    Native("bigint", "-9223372036854775808", "int64", -9223372036854775808),
    Native("bigint unsigned", "18446744073709551615", "uint64", 2**64 - 1),
    Native("year", "2155", "int16", 2155),
    Native("year", "0", "int16", 0),
    # bits
    Native("bit(1)", "b'1'", "uint64", 1),
    Native("bit(64)", "x'ffffffffffffffff'", "uint64", 2**64 - 1),
    # floats
    Native("float", "0.1", "float32", 0.10000000149011612),
    Native("float", "16777217", "float32", 16777216.0),
    Native("float", "1e-45", "float32", 1.401298464324817e-45),
    Native("float(7,2)", "1.005", "float32", 1.0),
    Native("double", "0.1", "float64", 0.1),
    Native("double", "1.7976931348623157e308", "float64", 1.7976931348623157e308),
    Native("double", "5e-324", "float64", 5e-324),
    Native("double", "2.2250738585072014e-308", "float64", 2.2250738585072014e-308),
    Native("double unsigned", "123456789.123456789", "float64", 123456789.12345679),
    # decimals
    Native("decimal(18,4)", "1.5", "decimal(18, 4)", Decimal("1.5000")),
    Native("decimal(18,4) unsigned", "1.5", "decimal(18, 4)", Decimal("1.5000")),
    Native("decimal(10)", "7", "decimal(10, 0)", Decimal(7)),
    Native("decimal(38,0)", NINES, "decimal(38, 0)", Decimal(NINES)),
    Native(
        "decimal(38,30)",
        f"-{NINES[:8]}.{NINES[:30]}",
        "decimal(38, 30)",
        Decimal(f"-{NINES[:8]}.{NINES[:30]}"),
    ),
    Native("decimal(38,38)", f"0.{NINES}", "decimal(38, 38)", Decimal(f"0.{NINES}")),
    Native("decimal(39,0)", NINES + "9", "string", NINES + "9"),
    Native("decimal(65,30)", f"{'9' * 35}.{'9' * 30}", "string", f"{'9' * 35}.{'9' * 30}"),
    # days and moments
    Native("date", "'2024-02-29'", "date", date(2024, 2, 29)),
    Native("date", "'0001-01-01'", "date", date(1, 1, 1)),
    Native("date", "'9999-12-31'", "date", date(9999, 12, 31)),
    Native("date", "'0000-00-00'", "date", Refused("'0000-00-00' is no date")),
    Native("date", "'2024-00-00'", "date", Refused("'2024-00-00' is no date")),
    Native("date", "'0000-01-01'", "date", Ticks(-719528)),
    Native("datetime", "'2024-02-29 23:59:59'", "datetime(us)", datetime(2024, 2, 29, 23, 59, 59)),
    Native("datetime(6)", f"'{AT}'", "datetime(us)", AT),
    Native(
        "datetime(3)",
        "'1000-01-01 00:00:00.123'",
        "datetime(us)",
        datetime(1000, 1, 1, 0, 0, 0, 123000),
    ),
    Native("datetime(6)", "'9999-12-31 23:59:59.999999'", "datetime(us)", datetime.max),
    Native("datetime(6)", "'0001-01-01'", "datetime(us)", datetime(1, 1, 1)),
    Native(
        "datetime",
        "'0000-00-00 00:00:00'",
        "datetime(us)",
        Refused("'0000-00-00 00:00:00' is no datetime(us)"),
    ),
    Native("timestamp(6) null", f"'{AT}'", "datetime(us, UTC)", AT.replace(tzinfo=UTC)),
    Native(
        "timestamp null",
        "'1970-01-01 00:00:01'",
        "datetime(us, UTC)",
        datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
    ),
    Native(
        "timestamp null",
        "'2038-01-19 03:14:07'",
        "datetime(us, UTC)",
        datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC),
    ),
    Native(
        "timestamp null",
        "'0000-00-00 00:00:00'",
        "datetime(us, UTC)",
        Refused("'0000-00-00 00:00:00Z' is no datetime"),
    ),
    Native("time(6)", "'23:59:59.999999'", "time", time(23, 59, 59, 999999)),
    Native("time", "'00:00:00'", "time", time(0)),
    Native("time", "'24:00:00'", "time", Refused("'24:00:00' is no time")),
    Native("time", "'838:59:59'", "time", Refused("'838:59:59' is no time")),
    Native("time(6)", "'-00:00:00.000001'", "time", Refused("'-00:00:00.000001' is no time")),
    # texts
    Native("varchar(20)", "'漢字 😀'", "string", "漢字 😀"),
    Native("varchar(20)", "''", "string", ""),
    Native("varchar(20)", r"'a\0b'", "string", "a\0b"),
    Native("varchar(20)", r"'\\N'", "string", r"\N"),
    Native("varchar(20)", "'a '", "string", "a "),
    Native("varchar(20) character set latin1", "'é€'", "string", "é€"),
    Native("varchar(20) character set utf16", "'😀'", "string", "😀"),
    Native("varchar(20) character set binary", "x'00ff'", "binary", b"\0\xff"),
    Native("char(5)", "'ab'", "string", "ab"),
    Native("tinytext", "'a'", "string", "a"),
    Native("text", "'NULL'", "string", "NULL"),
    Native("mediumtext", "'a'", "string", "a"),
    Native("longtext", "repeat('é', 3000000)", "string", "é" * 3_000_000),
    Native("json", "'{\"a\":  1.0}'", "string", '{"a":  1.0}'),
    Native("enum('low','very high')", "'very high'", "string", "very high"),
    Native("enum('')", "''", "string", ""),
    Native("set('a','b','c')", "'c,a'", "string", "a,c"),
    Native("set('a','b')", "''", "string", ""),
    Native("uuid", f"'{UUID}'", "string", UUID),
    Native("inet4", "'10.0.0.1'", "string", "10.0.0.1"),
    Native("inet6", "'::1'", "string", "::1"),
    Native("point", "point(1, 2)", "string", "POINT(1 2)"),
    # bytes
    Native("blob", "x'00ff00'", "binary", b"\x00\xff\x00"),
    Native("longblob", "repeat(x'00', 3000000)", "binary", b"\0" * 3_000_000),
    Native("blob", "''", "binary", b""),
    Native("binary(3)", "'a'", "binary", b"a\0\0"),
    Native("varbinary(3)", "'a'", "binary", b"a"),
]

OURS = [
    Ours("bool", True, "tinyint(4)", 1, "int8", 1),
    Ours("int8", -128, "tinyint(4)", -128),
    Ours("int16", -32768, "smallint(6)", -32768),
    Ours("int32", -2147483648, "int(11)", -2147483648),
    Ours("int64", 9223372036854775807, "bigint(20)", 9223372036854775807),
    Ours("int128", 2**127 - 1, "decimal(39,0)", Decimal(2**127 - 1), "string", str(2**127 - 1)),
    Ours("uint8", 255, "tinyint(3) unsigned", 255),
    Ours("uint16", 65535, "smallint(5) unsigned", 65535),
    Ours("uint32", 4294967295, "int(10) unsigned", 4294967295),
    Ours("uint64", 2**64 - 1, "bigint(20) unsigned", 2**64 - 1),
    Ours("float32", 0.10000000149011612, "float", 0.1),
    Ours("float64", 0.1, "double", 0.1),
    Ours("decimal(38, 38)", Decimal(f"0.{NINES}"), "decimal(38,38)", Decimal(f"0.{NINES}")),
    Ours("decimal(18, 4)", Decimal("1.5000"), "decimal(18,4)", Decimal("1.5000")),
    Ours("string", "漢字 😀", "longtext", "漢字 😀"),
    Ours("string", "a\0b\t\n\r\\N", "longtext", "a\0b\t\n\r\\N"),
    Ours("string", "", "longtext", ""),
    Ours("binary", b"\0\xff", "longblob", b"\0\xff"),
    Ours("date", date(1, 1, 1), "date", date(1, 1, 1)),
    Ours(
        "time", time(23, 59, 59, 999999), "time(6)", timedelta(hours=24) - timedelta(microseconds=1)
    ),
    Ours("datetime(us)", AT, "datetime(6)", AT),
    Ours(
        "datetime(ms)",
        datetime(2024, 1, 1, 0, 0, 0, 1000),
        "datetime(6)",
        datetime(2024, 1, 1, 0, 0, 0, 1000),
        "datetime(us)",
    ),
    Ours("datetime(us, UTC)", AT.replace(tzinfo=UTC), "datetime(6)", AT, "datetime(us)", AT),
    Ours(
        "datetime(us, Europe/Paris)", AT.replace(tzinfo=UTC), "datetime(6)", AT, "datetime(us)", AT
    ),
    Ours(
        "datetime(ms, UTC)",
        datetime(2024, 1, 1, 0, 0, 0, 1000, tzinfo=UTC),
        "datetime(6)",
        datetime(2024, 1, 1, 0, 0, 0, 1000),
        "datetime(us)",
        datetime(2024, 1, 1, 0, 0, 0, 1000),
    ),
    Ours("categorical", "red", "longtext", "red", "string"),
    Ours("enum(low, high)", "low", "longtext", "low", "string"),
]

REFUSED = {
    "list": "cannot hold list",
    "array": "cannot hold array",
    "struct": "cannot hold struct",
    "duration": "cannot hold duration",
    "null": "cannot hold null",
    "datetime(ns": "cannot hold datetime(ns",
    "float32: not finite": "NaN or infinity",
    "float64: not finite": "NaN or infinity",
}
"""Cases of `hygge.testing.cases` that begin so are refused, with these words."""
