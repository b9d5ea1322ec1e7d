"""SQL Server: what its columns are to us, and ours to them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

from tests.types.expecting import Native, Ours, Refused, Ticks

NINES = "9" * 38
UUID = "123E4567-E89B-12D3-A456-426614174000"
AT = datetime(2024, 2, 29, 23, 59, 59, 999999)
EDGE = 1709251199_999999900
"""The last 100 ns of 2024-02-29, in nanoseconds since 1970."""

NATIVE = [
    Native("bit", "1", "bool", True),
    Native("tinyint", "255", "uint8", 255),
    Native("smallint", "-32768", "int16", -32768),
    Native("int", "-2147483648", "int32", -2147483648),
    Native("bigint", "-9223372036854775808", "int64", -9223372036854775808),
    # floats
    Native("real", "0.1", "float32", 0.10000000149011612),
    Native("float", "0.1", "float64", 0.1),
    Native("float(24)", "0.5", "float32", 0.5),
    Native("float(53)", "1.7976931348623157e308", "float64", 1.7976931348623157e308),
    Native("float", "-2.2250738585072014e-308", "float64", -2.2250738585072014e-308),
    # decimals
    Native("decimal(18,4)", "1.5", "decimal(18, 4)", Decimal("1.5000")),
    Native("numeric(10)", "7", "decimal(10, 0)", Decimal(7)),
    Native("decimal(38,0)", NINES, "decimal(38, 0)", Decimal(NINES)),
    Native(
        "decimal(38,38)",
        f"cast('-0.{NINES}' as decimal(38,38))",
        "decimal(38, 38)",
        Decimal(f"-0.{NINES}"),
    ),
    Native(
        "money",
        "922337203685477.5807",
        "decimal(19, 4)",
        Decimal("922337203685477.5807"),
    ),
    Native("money", "-0.0001", "decimal(19, 4)", Decimal("-0.0001")),
    Native("smallmoney", "-214748.3648", "decimal(10, 4)", Decimal("-214748.3648")),
    # days and moments
    Native("date", "'0001-01-01'", "date", date(1, 1, 1)),
    Native("date", "'9999-12-31'", "date", date(9999, 12, 31)),
    Native(
        "datetime",
        "'1753-01-01T00:00:00.003'",
        "datetime(ms)",
        datetime(1753, 1, 1, 0, 0, 0, 3000),
    ),
    Native(
        "datetime",
        "'9999-12-31T23:59:59.997'",
        "datetime(ms)",
        datetime(9999, 12, 31, 23, 59, 59, 997000),
    ),
    Native("smalldatetime", "'2079-06-06T23:59:00'", "datetime(ms)", datetime(2079, 6, 6, 23, 59)),
    Native("datetime2(0)", "'2024-02-29T23:59:59'", "datetime(us)", AT.replace(microsecond=0)),
    Native("datetime2(6)", "'2024-02-29T23:59:59.999999'", "datetime(us)", AT),
    Native("datetime2(6)", "'9999-12-31T23:59:59.999999'", "datetime(us)", datetime.max),
    Native("datetime2(3)", "'0001-01-01T00:00:00'", "datetime(us)", datetime(1, 1, 1)),
    Native("datetime2(7)", "'2024-02-29T23:59:59.9999999'", "datetime(ns)", Ticks(EDGE)),
    Native("datetime2", "'1900-01-01T00:00:00'", "datetime(ns)", Ticks(-2208988800 * 10**9)),
    Native("datetime2", "'9999-12-31T23:59:59.9999999'", "datetime(ns)", Refused("is no datetime")),
    Native(
        "datetimeoffset(6)",
        "'2024-02-29T23:59:59.999999+00:00'",
        "datetime(us, UTC)",
        AT.replace(tzinfo=UTC),
    ),
    Native(
        "datetimeoffset(0)",
        "'2024-07-01T02:00:00+02:00'",
        "datetime(us, UTC)",
        datetime(2024, 7, 1, tzinfo=UTC),
    ),
    Native("datetimeoffset", "'2024-02-29T23:59:59.9999999Z'", "datetime(ns, UTC)", Ticks(EDGE)),
    Native("time(6)", "'23:59:59.999999'", "time", time(23, 59, 59, 999999)),
    Native("time", "'23:59:59.9999999'", "time", Ticks(86_399_999_999_900)),
    Native("time(0)", "'00:00:00'", "time", time(0)),
    # texts
    Native("nvarchar(20)", "N'漢字 😀'", "string", "漢字 😀"),
    Native("nvarchar(20)", "N''", "string", ""),
    Native("nvarchar(20)", "N'a '", "string", "a "),
    Native(
        "nvarchar(max)", "replicate(cast(N'é' as nvarchar(max)), 300000)", "string", "é" * 300_000
    ),
    Native("varchar(20)", "'é€'", "string", "é€"),
    Native("varchar(max)", "'NULL'", "string", "NULL"),
    Native("char(5)", "'ab'", "string", "ab   "),
    Native("nchar(3)", "N'é'", "string", "é  "),
    Native("text", "'a'", "string", "a"),
    Native("ntext", "N'漢'", "string", "漢"),
    Native("sysname null", "N'dbo'", "string", "dbo"),
    Native("uniqueidentifier", f"'{UUID}'", "string", UUID),
    Native("xml", "N'<a b=\"1\"/>'", "string", '<a b="1"/>'),
    # whatever a value is by itself
    Native("sql_variant", "cast(replicate('é', 8000) as varchar(8000))", "string", "é" * 8000),
    Native("sql_variant", "cast(N'漢字 😀' as nvarchar(20))", "string", "漢字 😀"),
    Native("sql_variant", "-5", "string", "-5"),
    Native("sql_variant", "cast('1.50' as decimal(9,2))", "string", "1.50"),
    Native("sql_variant", "cast('0.12345' as money)", "string", "0.1235"),
    Native("sql_variant", "cast(0x00ff as varbinary(9))", "string", "0x00FF"),
    Native(
        "sql_variant",
        "cast('2024-02-29T23:59:59.997' as datetime)",
        "string",
        "2024-02-29 23:59:59.997",
    ),
    # bytes
    Native("varbinary(max)", "0x00ff00", "binary", b"\x00\xff\x00"),
    Native("varbinary(10)", "cast('' as varbinary(10))", "binary", b""),
    Native("binary(3)", "0x61", "binary", b"a\0\0"),
    Native("image", "0x00ff", "binary", b"\0\xff"),
]

OURS = [
    Ours("bool", True, "bit", True),
    Ours("int8", -128, "smallint", -128, "int16", -128),
    Ours("int16", -32768, "smallint", -32768),
    Ours("int32", -2147483648, "int", -2147483648),
    Ours("int64", 9223372036854775807, "bigint", 9223372036854775807),
    Ours("int128", 10**37, "decimal(38,0)", Decimal(10**37), "decimal(38, 0)", Decimal(10**37)),
    Ours("uint8", 255, "tinyint", 255),
    Ours("uint16", 65535, "int", 65535, "int32", 65535),
    Ours("uint32", 4294967295, "bigint", 4294967295, "int64", 4294967295),
    Ours(
        "uint64",
        2**64 - 1,
        "decimal(20,0)",
        Decimal(2**64 - 1),
        "decimal(20, 0)",
        Decimal(2**64 - 1),
    ),
    Ours("float32", 0.10000000149011612, "real", 0.10000000149011612),
    Ours("float64", 0.1, "float", 0.1),
    Ours("decimal(38, 38)", Decimal(f"0.{NINES}"), "decimal(38,38)", Decimal(f"0.{NINES}")),
    Ours("decimal(18, 4)", Decimal("1.5000"), "decimal(18,4)", Decimal("1.5000")),
    Ours("string", "漢字 😀", "nvarchar(max)", "漢字 😀"),
    Ours("string", "a\0b\t\n\r", "nvarchar(max)", "a\0b\t\n\r"),
    Ours("string", "", "nvarchar(max)", ""),
    Ours("binary", b"\0\xff", "varbinary(max)", b"\0\xff"),
    Ours("date", date(1, 1, 1), "date", date(1, 1, 1)),
    Ours("time", time(23, 59, 59, 999999), "time(7)", time(23, 59, 59, 999999)),
    Ours("datetime(us)", AT, "datetime2(6)", AT),
    Ours(
        "datetime(ms)",
        datetime(2024, 1, 1, 0, 0, 0, 1000),
        "datetime2(3)",
        datetime(2024, 1, 1, 0, 0, 0, 1000),
        "datetime(us)",
    ),
    Ours("datetime(ns)", AT, "datetime2(7)", AT),
    Ours("datetime(us, UTC)", AT.replace(tzinfo=UTC), "datetimeoffset(6)", AT.replace(tzinfo=UTC)),
    Ours(
        "datetime(us, Europe/Paris)",
        AT.replace(tzinfo=UTC),
        "datetimeoffset(6)",
        AT.replace(tzinfo=UTC),
        "datetime(us, UTC)",
    ),
    Ours(
        "datetime(ms, UTC)",
        datetime(2024, 1, 1, 0, 0, 0, 1000, tzinfo=UTC),
        "datetimeoffset(3)",
        datetime(2024, 1, 1, 0, 0, 0, 1000, tzinfo=UTC),
        "datetime(us, UTC)",
    ),
    Ours("categorical", "red", "nvarchar(max)", "red", "string"),
    Ours("enum(low, high)", "low", "nvarchar(max)", "low", "string"),
]

REFUSED = {
    "list": "cannot hold list",
    "array": "cannot hold array",
    "struct": "cannot hold struct",
    "duration": "cannot hold duration",
    "null": "cannot hold null",
    "datetime(ns): one beside": "finer than 100 ns",
    "datetime(ns, UTC): one beside": "finer than 100 ns",
    "int128: ends": "more than 38 digits",
    "float32: not finite": "NaN or infinity",
    "float64: not finite": "NaN or infinity",
}
"""Cases of `hygge.testing.cases` that begin so are refused, with these words."""
