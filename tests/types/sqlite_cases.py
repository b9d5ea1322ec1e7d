"""SQLite: what its columns are to us, and ours to it. What is declared counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import inf

from tests.types.expecting import Native, Ours, Refused

NINES = "9" * 38
AT = datetime(2024, 2, 29, 23, 59, 59, 999999)
MISFIT = Refused("a value is not what its column declares")

NATIVE = [
    Native("integer", "-9223372036854775808", "int64", -9223372036854775808),
    Native("int", "9223372036854775807", "int64", 9223372036854775807),
    Native("tinyint", "300", "int64", 300),
    Native("int8", "9223372036854775807", "int64", 9223372036854775807),
    Native("unsigned big int", "1", "int64", 1),
    Native("integer", "'5'", "int64", 5),
    Native("integer", "'abc'", "int64", MISFIT),
    Native("integer", "1.5", "int64", MISFIT),
    Native("integer", "x'00'", "int64", MISFIT),
    Native("boolean", "true", "bool", True),
    Native("boolean", "2", "bool", Refused("a boolean that is neither 0 nor 1")),
    Native("boolean", "'yes'", "bool", MISFIT),
    # floats
    Native("real", "0.1", "float64", 0.1),
    Native("real", "7", "float64", 7.0),
    Native("real", "9e999", "float64", inf),
    Native("real", "'abc'", "float64", MISFIT),
    Native("double precision", "1.7976931348623157e308", "float64", 1.7976931348623157e308),
    Native("float", "5e-324", "float64", 5e-324),
    Native("numeric", "0.1", "float64", 0.1),
    Native("numeric", "0.1 + 0.2", "float64", 0.30000000000000004),
    Native("numeric", "9007199254740993", "float64", Refused("'9007199254740993' is no float64")),
    Native("numeric", "'abc'", "float64", Refused("'abc' is no float64")),
    # decimals
    Native("decimal(18, 4)", "1.5", "decimal(18, 4)", Decimal("1.5000")),
    Native("decimal(18, 4)", "7", "decimal(18, 4)", Decimal("7.0000")),
    Native("decimal(10, 2)", "0.1 + 0.2", "decimal(10, 2)", Refused("'0.30000000000000004' is no")),
    Native("decimal(10, 2)", "1e300", "decimal(10, 2)", Refused("is no decimal(10, 2)")),
    Native("numeric(10)", "1.5", "decimal(10, 0)", Refused("'1.5' is no decimal(10, 0)")),
    Native("decimal_text(38, 38)", f"'0.{NINES}'", "decimal(38, 38)", Decimal(f"0.{NINES}")),
    # days and moments
    Native("date", "'2024-02-29'", "date", date(2024, 2, 29)),
    Native("date", "'0001-01-01'", "date", date(1, 1, 1)),
    Native("date", "'9999-12-31'", "date", date(9999, 12, 31)),
    Native("date", "'2024-02-30'", "date", Refused("'2024-02-30' is no date")),
    Native("date", "20240229", "date", MISFIT),
    Native("date", "julianday('2024-02-29')", "date", MISFIT),
    Native("date", "x'323032342d30322d3239'", "date", MISFIT),
    Native("datetime", "'2024-02-29 23:59:59.999999'", "datetime(us)", AT),
    Native("datetime", "'2024-02-29T23:59'", "datetime(us)", datetime(2024, 2, 29, 23, 59)),
    Native(
        "datetime", "'2024-02-29 23:59:59.9999999'", "datetime(us)", Refused("is no datetime(us)")
    ),
    Native("datetime", "1709251199", "datetime(us)", MISFIT),
    Native(
        "timestamp", "'2024-01-01 00:00:00+02:00'", "datetime(us)", Refused("is no datetime(us)")
    ),
    Native(
        "timestamp with time zone",
        "'2024-01-01 00:00:00+02:00'",
        "datetime(us, UTC)",
        datetime(2023, 12, 31, 22, tzinfo=UTC),
    ),
    Native("time", "'23:59:59.999999'", "time", time(23, 59, 59, 999999)),
    Native("time", "'24:00:00'", "time", Refused("'24:00:00' is no time")),
    # texts
    Native("text", "'漢字 😀'", "string", "漢字 😀"),
    Native("text", "''", "string", ""),
    Native("text", "'a' || char(0) || 'b'", "string", "a\0b"),
    Native("text", "5", "string", "5"),
    Native("text", "x'616263'", "string", MISFIT),
    Native("text", "cast(x'61ff' as text)", "string", Refused("a text that is no UTF-8")),
    Native("varchar(3)", "'longer'", "string", "longer"),
    Native(
        "uuid",
        "'123e4567-e89b-12d3-a456-426614174000'",
        "string",
        "123e4567-e89b-12d3-a456-426614174000",
    ),
    Native("uuid", "x'123e'", "string", MISFIT),
    Native("json", "'{\"a\":  1.0}'", "string", '{"a":  1.0}'),
    Native("any", "0.1 + 0.2", "string", "0.30000000000000004"),
    Native("any", "7", "string", "7"),
    # bytes
    Native("blob", "x'00ff00'", "binary", b"\x00\xff\x00"),
    Native("blob", "x''", "binary", b""),
    Native("blob", "'abc'", "binary", MISFIT),
    Native("blob", "5", "binary", MISFIT),
    # nothing declared
    Native("", "5", "int64", 5),
    Native("", "0.5", "float64", 0.5),
    Native("", "'a'", "string", "a"),
    Native("", "x'00'", "binary", b"\0"),
]

OURS = [
    Ours("bool", True, "bool", 1),
    Ours("int8", -128, "int_8_bits", -128),
    Ours("int16", -32768, "int_16_bits", -32768),
    Ours("int32", -2147483648, "int_32_bits", -2147483648),
    Ours("int64", 9223372036854775807, "bigint", 9223372036854775807),
    Ours("uint8", 255, "uint_8_bits", 255),
    Ours("uint16", 65535, "uint_16_bits", 65535),
    Ours("uint32", 4294967295, "uint_32_bits", 4294967295),
    Ours("uint64", 2**64 - 1, "unsigned_64_text", str(2**64 - 1)),
    Ours("float32", 0.10000000149011612, "float32_real", 0.10000000149011612),
    Ours("float64", 0.1, "double", 0.1),
    Ours("float64", -inf, "double", -inf),
    Ours("decimal(38, 38)", Decimal(f"0.{NINES}"), "decimal_text(38, 38)", f"0.{NINES}"),
    Ours("decimal(18, 4)", Decimal("1.5000"), "decimal_text(18, 4)", "1.5000"),
    Ours("string", "漢字 😀", "text", "漢字 😀"),
    Ours("string", "a\0b", "text", "a\0b"),
    Ours("string", "", "text", ""),
    Ours("binary", b"\0\xff", "blob", b"\0\xff"),
    Ours("date", date(1, 1, 1), "date", "0001-01-01"),
    Ours("time", time(23, 59, 59, 999999), "time", "23:59:59.999999000"),
    Ours("datetime(us)", AT, "timestamp", "2024-02-29T23:59:59.999999"),
    Ours(
        "datetime(ms)",
        datetime(2024, 1, 1, 0, 0, 0, 1000),
        "timestamp_ms",
        "2024-01-01T00:00:00.001",
    ),
    Ours("datetime(us, UTC)", AT.replace(tzinfo=UTC), "timestamptz", "2024-02-29T23:59:59.999999Z"),
    Ours(
        "datetime(us, Europe/Paris)",
        AT.replace(tzinfo=UTC),
        "timestamptz",
        "2024-02-29T23:59:59.999999Z",
        "datetime(us, UTC)",
    ),
    Ours("categorical", "red", "text", "red", "string"),
    Ours("enum(low, high)", "low", "text", "low", "string"),
]

REFUSED = {
    "list": "cannot hold list",
    "array": "cannot hold array",
    "struct": "cannot hold struct",
    "duration": "cannot hold duration",
    "null": "cannot hold null",
    "int128": "cannot hold int128",
    "float32: not finite": "would store NaN as NULL",
    "float64: not finite": "would store NaN as NULL",
}
"""Cases of `hygge.testing.cases` that begin so are refused, with these words."""
