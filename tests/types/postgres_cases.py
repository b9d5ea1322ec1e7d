"""PostgreSQL: what its columns are to us, and ours to it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import inf, nan

from tests.types.expecting import Native, Ours, Refused, Ticks

NINES = "9" * 38
UUID = "123e4567-e89b-12d3-a456-426614174000"
AT = datetime(2024, 2, 29, 23, 59, 59, 999999)

NATIVE = [
    Native("smallint", "-32768", "int16", -32768),
    Native("smallint", "32767", "int16", 32767),
    Native("integer", "-2147483648", "int32", -2147483648),
    Native("bigint", "9223372036854775807", "int64", 9223372036854775807),
    Native("bigint", "'-9223372036854775808'", "int64", -9223372036854775808),
    Native("serial", "7", "int32", 7),
    Native("oid", "4294967295", "string", "4294967295"),
    Native("boolean", "true", "bool", True),
    # floats
    Native("real", "'0.1'", "float32", 0.10000000149011612),
    Native("real", "'1e-45'", "float32", 1.401298464324817e-45),
    Native("real", "'NaN'", "float32", nan),
    Native("double precision", "0.1", "float64", 0.1),
    Native("double precision", "'5e-324'", "float64", 5e-324),
    Native("double precision", "'1.7976931348623157e308'", "float64", 1.7976931348623157e308),
    Native("double precision", "'-0'", "float64", -0.0),
    Native("double precision", "'NaN'", "float64", nan),
    Native("double precision", "'-Infinity'", "float64", -inf),
    # decimals
    Native("numeric(18,4)", "1.5", "decimal(18, 4)", Decimal("1.5000")),
    Native("numeric(38,0)", NINES, "decimal(38, 0)", Decimal(NINES)),
    Native("numeric(38,38)", f"0.{NINES}", "decimal(38, 38)", Decimal(f"0.{NINES}")),
    Native("numeric(38,38)", "-1e-38", "decimal(38, 38)", Decimal("-1E-38")),
    Native("numeric(18,4)", "'NaN'", "decimal(18, 4)", Refused("'NaN' is no decimal(18, 4)")),
    Native("numeric(39,0)", NINES + "9", "string", NINES + "9"),
    Native("numeric(65,30)", f"{'9' * 35}.{'9' * 30}", "string", f"{'9' * 35}.{'9' * 30}"),
    Native("numeric(5,-2)", "12345", "string", "12300"),
    Native("numeric(2,4)", "0.0012", "string", "0.0012"),
    Native("numeric", "0.1000", "string", "0.1000"),
    Native("numeric", NINES + NINES, "string", NINES + NINES),
    Native("numeric", "'NaN'", "string", "NaN"),
    Native("numeric", "'Infinity'", "string", "Infinity"),
    Native("money", "12.34", "string", "$12.34"),
    # days and moments
    Native("date", "'2024-02-29'", "date", date(2024, 2, 29)),
    Native("date", "'0001-01-01'", "date", date(1, 1, 1)),
    Native("date", "'9999-12-31'", "date", date(9999, 12, 31)),
    Native("date", "'0044-03-15 BC'", "date", Ticks(-735160)),
    Native("date", "'4713-01-01 BC'", "date", Ticks(-2440550)),
    Native("date", "'5874897-12-31'", "date", Refused("nor has a day so far away")),
    Native("date", "'infinity'", "date", Refused("'infinity' has no place")),
    Native("date", "'-infinity'", "date", Refused("'infinity' has no place")),
    Native("timestamp", f"'{AT}'", "datetime(us)", AT),
    Native(
        "timestamp(3)",
        "'2024-01-01 00:00:00.1236'",
        "datetime(us)",
        datetime(2024, 1, 1, 0, 0, 0, 124000),
    ),
    Native("timestamp", "'0001-01-01'", "datetime(us)", datetime(1, 1, 1)),
    Native("timestamp", "'9999-12-31 23:59:59.999999'", "datetime(us)", datetime.max),
    Native("timestamp", "'0044-03-15 BC'", "datetime(us)", Ticks(-735160 * 86_400_000_000)),
    Native("timestamp", "'294276-12-31'", "datetime(us)", Refused("nor has a day so far away")),
    Native("timestamp", "'infinity'", "datetime(us)", Refused("'infinity' has no place")),
    Native("timestamp", "'-infinity'", "datetime(us)", Refused("'infinity' has no place")),
    Native("timestamptz", f"'{AT}+00'", "datetime(us, UTC)", AT.replace(tzinfo=UTC)),
    Native(
        "timestamptz",
        "'2024-07-01 02:00+02'",
        "datetime(us, UTC)",
        datetime(2024, 7, 1, tzinfo=UTC),
    ),
    Native("timestamptz", "'infinity'", "datetime(us, UTC)", Refused("'infinity' has no place")),
    Native("time", "'23:59:59.999999'", "time", time(23, 59, 59, 999999)),
    Native("time", "'24:00:00'", "time", Refused("'24:00:00' is no time")),
    Native("time(0)", "'12:30'", "time", time(12, 30)),
    Native("timetz", "'12:30:00+02'", "string", "12:30:00+02"),
    Native("interval", "'1 mon -2 days 03:04:05.000006'", "string", "P1M-2DT3H4M5.000006S"),
    Native("interval year to month", "'1-2'", "string", "P1Y2M"),
    # texts
    Native("text", "'漢字 😀'", "string", "漢字 😀"),
    Native("text", "''", "string", ""),
    Native("text", r"'\N'", "string", r"\N"),
    Native("varchar(5)", "'NULL'", "string", "NULL"),
    Native("char(5)", "'ab'", "string", "ab   "),
    Native('"char"', "'a'", "string", "a"),
    Native("name", "'n'", "string", "n"),
    Native("uuid", f"'{UUID}'", "string", UUID),
    Native("json", "'{\"a\":  1.0}'", "string", '{"a":  1.0}'),
    Native("jsonb", "'{\"a\":  1.0}'", "string", '{"a": 1.0}'),
    Native("xml", "'<a/>'", "string", "<a/>"),
    Native("inet", "'10.0.0.1/8'", "string", "10.0.0.1/8"),
    Native("macaddr", "'08:00:2b:01:02:03'", "string", "08:00:2b:01:02:03"),
    Native("bit(3)", "B'101'", "string", "101"),
    Native("varbit", "B''", "string", ""),
    Native("tsvector", "'a b'", "string", "'a' 'b'"),
    Native("int4range", "'[1,5)'", "string", "[1,5)"),
    Native("point", "'(1,2)'", "string", "(1,2)"),
    Native("mood", "'very good'", "string", "very good"),
    Native("place", "row(1, 'a b')", "string", '(1,"a b")'),
    Native("small", "3", "int32", 3),
    # bytes and lists
    Native("bytea", r"'\x00ff00'", "binary", b"\x00\xff\x00"),
    Native("bytea", "''", "binary", b""),
    Native("integer[]", "'{1,NULL}'", "string", "[1,null]"),
    Native("integer[]", "'{}'", "string", "[]"),
    Native("integer[]", "'{{1,2},{3,4}}'", "string", "[[1,2],[3,4]]"),
    Native(
        "numeric[]", "'{0.10,12345678901234567890.5}'", "string", "[0.10,12345678901234567890.5]"
    ),
    Native("text[]", """'{"a,b",""}'""", "string", '["a,b",""]'),
    Native("float8[]", "'{NaN,0.1}'", "string", '["NaN",0.1]'),
    Native("timestamptz[]", "'{2024-01-01 00:00+00}'", "string", '["2024-01-01T00:00:00+00:00"]'),
    Native("varchar(3)[]", "'{abc}'", "string", '["abc"]'),
]
TYPES = [
    "create type {}.mood as enum ('good', 'very good')",
    "create type {}.place as (number int, street text)",
    "create domain {}.small as int check (value < 5)",
]

OURS = [
    Ours("bool", True, "boolean", True),
    Ours("int8", -128, "smallint", -128, "int16"),
    Ours("int16", -32768, "smallint", -32768),
    Ours("int32", -2147483648, "integer", -2147483648),
    Ours("int64", 9223372036854775807, "bigint", 9223372036854775807),
    Ours("int128", 10**37, "numeric(39,0)", Decimal(10**37), "string", str(10**37)),
    Ours("uint8", 255, "smallint", 255, "int16"),
    Ours("uint16", 65535, "integer", 65535, "int32"),
    Ours("uint32", 4294967295, "bigint", 4294967295, "int64"),
    Ours(
        "uint64",
        2**64 - 1,
        "numeric(20,0)",
        Decimal(2**64 - 1),
        "decimal(20, 0)",
        Decimal(2**64 - 1),
    ),
    Ours("float32", 0.10000000149011612, "real", 0.1),
    Ours("float64", 0.1, "double precision", 0.1),
    Ours("float64", nan, "double precision", nan),
    Ours("decimal(38, 38)", Decimal(f"0.{NINES}"), "numeric(38,38)", Decimal(f"0.{NINES}")),
    Ours("decimal(18, 4)", Decimal("1.5000"), "numeric(18,4)", Decimal("1.5000")),
    Ours("string", "漢字 😀", "text", "漢字 😀"),
    Ours("string", "", "text", ""),
    Ours("binary", b"\0\xff", "bytea", b"\0\xff"),
    Ours("date", date(1, 1, 1), "date", date(1, 1, 1)),
    Ours("time", time(23, 59, 59, 999999), "time without time zone", time(23, 59, 59, 999999)),
    Ours("datetime(us)", AT, "timestamp without time zone", AT),
    Ours(
        "datetime(ms)",
        datetime(2024, 1, 1, 0, 0, 0, 1000),
        "timestamp without time zone",
        datetime(2024, 1, 1, 0, 0, 0, 1000),
        "datetime(us)",
    ),
    Ours(
        "datetime(us, UTC)",
        AT.replace(tzinfo=UTC),
        "timestamp with time zone",
        AT.replace(tzinfo=UTC),
    ),
    Ours(
        "datetime(us, Europe/Paris)",
        AT.replace(tzinfo=UTC),
        "timestamp with time zone",
        AT.replace(tzinfo=UTC),
        "datetime(us, UTC)",
    ),
    Ours(
        "datetime(ms, UTC)",
        datetime(2024, 1, 1, 0, 0, 0, 1000, tzinfo=UTC),
        "timestamp with time zone",
        datetime(2024, 1, 1, 0, 0, 0, 1000, tzinfo=UTC),
        "datetime(us, UTC)",
        datetime(2024, 1, 1, 0, 0, 0, 1000, tzinfo=UTC),
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
    "datetime(ns": "cannot hold datetime(ns",
    "string: nul": "a text with a NUL byte",
    "int128: ends": "more than 38 digits",
}
"""Cases of `hygge.testing.cases` that begin so are refused, with these words."""
