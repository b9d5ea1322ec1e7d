"""DuckDB: what its columns are to us, and ours to it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import inf, nan

from tests.types.expecting import Native, Ours, Refused, Ticks

NINES = "9" * 38
UUID = "123e4567-e89b-12d3-a456-426614174000"
AT = datetime(2024, 2, 29, 23, 59, 59, 999999)
FAR = Refused("'infinity' has no place")

NATIVE = [
    Native("tinyint", "-128", "int8", -128),
    Native("smallint", "-32768", "int16", -32768),
    Native("integer", "-2147483648", "int32", -2147483648),
    Native("bigint", "-9223372036854775808", "int64", -9223372036854775808),
    Native("hugeint", str(2**127 - 1), "int128", 2**127 - 1),
    Native("hugeint", f"'{-(2**127)}'", "int128", -(2**127)),
    Native("utinyint", "255", "uint8", 255),
    Native("usmallint", "65535", "uint16", 65535),
    Native("uinteger", "4294967295", "uint32", 4294967295),
    Native("ubigint", "18446744073709551615", "uint64", 2**64 - 1),
    Native("uhugeint", f"'{2**128 - 1}'", "string", str(2**128 - 1)),
    Native("bignum", f"'{10**50}'", "string", str(10**50)),
    Native("boolean", "true", "bool", True),
    # floats
    Native("float", "0.1", "float32", 0.10000000149011612),
    Native("float", "'nan'", "float32", nan),
    Native("double", "0.1", "float64", 0.1),
    Native("double", "5e-324", "float64", 5e-324),
    Native("double", "'-0.0'", "float64", -0.0),
    Native("double", "'-infinity'", "float64", -inf),
    # decimals
    Native("decimal(18,4)", "1.5", "decimal(18, 4)", Decimal("1.5000")),
    Native("decimal(4,2)", "1.5", "decimal(4, 2)", Decimal("1.50")),
    Native("decimal(38,0)", f"'{NINES}'", "decimal(38, 0)", Decimal(NINES)),
    Native("decimal(38,38)", f"'0.{NINES}'", "decimal(38, 38)", Decimal(f"0.{NINES}")),
    # days and moments
    Native("date", "'0001-01-01'", "date", date(1, 1, 1)),
    Native("date", "'9999-12-31'", "date", date(9999, 12, 31)),
    Native("date", "'0044-03-15 (BC)'", "date", Ticks(-735160)),
    Native("date", "'infinity'", "date", FAR),
    Native("date", "'-infinity'", "date", FAR),
    Native("timestamp", f"'{AT}'", "datetime(us)", AT),
    Native("timestamp", "'0001-01-01'", "datetime(us)", datetime(1, 1, 1)),
    Native("timestamp", "'9999-12-31 23:59:59.999999'", "datetime(us)", datetime.max),
    Native("timestamp", "'0044-03-15 (BC)'", "datetime(us)", Ticks(-735160 * 86_400_000_000)),
    Native("timestamp", "'infinity'", "datetime(us)", FAR),
    Native("timestamp", "'-infinity'", "datetime(us)", FAR),
    Native(
        "timestamp_s", "'2024-02-29 23:59:59'", "datetime(us)", datetime(2024, 2, 29, 23, 59, 59)
    ),
    Native("timestamp_s", "'infinity'", "datetime(us)", FAR),
    Native(
        "timestamp_ms",
        "'2024-02-29 00:00:00.123'",
        "datetime(ms)",
        datetime(2024, 2, 29, 0, 0, 0, 123000),
    ),
    Native("timestamp_ms", "'-infinity'", "datetime(ms)", FAR),
    Native(
        "timestamp_ns",
        "'2024-01-01 00:00:00.123456789'",
        "datetime(ns)",
        Ticks(1704067200123456789),
    ),
    Native("timestamp_ns", "'infinity'", "datetime(ns)", FAR),
    Native(
        "timestamptz",
        "'2024-07-01 02:00+02'",
        "datetime(us, UTC)",
        datetime(2024, 7, 1, tzinfo=UTC),
    ),
    Native("timestamptz", "'infinity'", "datetime(us, UTC)", FAR),
    Native("time", "'23:59:59.999999'", "time", time(23, 59, 59, 999999)),
    Native("time", "'24:00:00'", "time", Refused("'24:00:00' is no time")),
    Native("time_ns", "'12:00:00.123456789'", "time", Ticks(43200123456789)),
    Native("timetz", "'12:30:00+02'", "string", "12:30:00+02"),
    Native("interval", "interval '1 month 2 days 3 seconds'", "string", "1 month 2 days 00:00:03"),
    # texts
    Native("varchar", "'漢字 😀'", "string", "漢字 😀"),
    Native("varchar", "''", "string", ""),
    Native("varchar", "'a' || chr(0) || 'b'", "string", "a\0b"),
    Native("uuid", f"'{UUID}'", "string", UUID),
    Native("json", "'{\"a\":  1.0}'", "string", '{"a":  1.0}'),
    Native("enum('low', 'very high')", "'very high'", "string", "very high"),
    Native("bit", "'0101'", "string", "0101"),
    Native("union(n integer, t varchar)", "'a'", "string", "a"),
    Native("variant", "'a'::variant", "string", "a"),
    Native("geometry", "'POINT(1 2)'", "string", "POINT (1 2)"),
    # bytes
    Native("blob", r"'\x00\xFF'", "binary", b"\0\xff"),
    Native("blob", "''", "binary", b""),
    # lists and the like
    Native("integer[]", "[1, null]", "list(int32)", [1, None]),
    Native("integer[]", "[]", "list(int32)", []),
    Native("integer[2]", "[1, 2]", "array(int32, 2)", [1, 2]),
    Native("varchar[][]", "[['a'], []]", "list(list(string))", [["a"], []]),
    Native("uuid[]", f"['{UUID}']", "list(string)", [UUID]),
    Native(
        "decimal(38,10)[]", "[1.0000000001]", "list(decimal(38, 10))", [Decimal("1.0000000001")]
    ),
    Native("enum('a', 'b')[]", "['a', null]", "list(string)", ["a", None]),
    Native("hugeint[]", f"[{2**127 - 1}]", "string", f"[{2**127 - 1}]"),
    Native("time[]", "['24:00:00']", "string", '["24:00:00"]'),
    Native("interval[]", "[interval '1 day']", "string", '["1 day"]'),
    Native("date[]", "['2024-02-29']", "list(date)", [date(2024, 2, 29)]),
    Native("date[]", "['infinity']", "list(date)", FAR),
    Native("timestamp[][]", "[['infinity'::timestamp]]", "list(list(datetime(us)))", FAR),
    Native(
        "struct(a integer, b varchar)",
        "{'a': 1, 'b': null}",
        "struct(a: int32, b: string)",
        {"a": 1, "b": None},
    ),
    Native(
        'struct("a b" timestamptz)',
        "{'a b': 'infinity'::timestamptz}",
        'struct("a b": datetime(us, UTC))',
        FAR,
    ),
    Native("struct(a interval)", "{'a': interval '1 day'}", "string", '{"a":"1 day"}'),
    Native(
        "struct(interval integer)", "{'interval': 1}", "struct(interval: int32)", {"interval": 1}
    ),
    Native(
        "map(varchar, decimal(38,10))",
        "map{'a': 1.0000000001}",
        "list(struct(key: string, value: decimal(38, 10)))",
        [{"key": "a", "value": Decimal("1.0000000001")}],
    ),
    Native(
        "map(integer[], integer)",
        "map{[1]: 2}",
        "list(struct(key: list(int32), value: int32))",
        [{"key": [1], "value": 2}],
    ),
    Native("map(varchar, interval)", "map{'a': interval '1 day'}", "string", '{"a":"1 day"}'),
    Native("map(varchar, integer)[]", "[map{'a': 1}]", "string", '[{"a":1}]'),
]

OURS = [
    Ours("bool", True, "BOOLEAN", True),
    Ours("int8", -128, "TINYINT", -128),
    Ours("int16", -32768, "SMALLINT", -32768),
    Ours("int32", -2147483648, "INTEGER", -2147483648),
    Ours("int64", 9223372036854775807, "BIGINT", 9223372036854775807),
    Ours("int128", 2**127 - 1, "HUGEINT", 2**127 - 1),
    Ours("int128", -(2**127), "HUGEINT", -(2**127)),
    Ours("uint8", 255, "UTINYINT", 255),
    Ours("uint16", 65535, "USMALLINT", 65535),
    Ours("uint32", 4294967295, "UINTEGER", 4294967295),
    Ours("uint64", 2**64 - 1, "UBIGINT", 2**64 - 1),
    Ours("float32", 0.10000000149011612, "FLOAT", 0.10000000149011612),
    Ours("float32", nan, "FLOAT", nan),
    Ours("float64", -inf, "DOUBLE", -inf),
    Ours("decimal(38, 38)", Decimal(f"0.{NINES}"), "DECIMAL(38,38)", Decimal(f"0.{NINES}")),
    Ours("decimal(18, 4)", Decimal("1.5000"), "DECIMAL(18,4)", Decimal("1.5000")),
    Ours("string", "漢字 😀", "VARCHAR", "漢字 😀"),
    Ours("string", "a\0b", "VARCHAR", "a\0b"),
    Ours("string", "", "VARCHAR", ""),
    Ours("binary", b"\0\xff", "BLOB", b"\0\xff"),
    Ours("date", date(1, 1, 1), "DATE", date(1, 1, 1)),
    Ours("time", time(23, 59, 59, 999999), "TIME", time(23, 59, 59, 999999)),
    Ours("datetime(us)", AT, "TIMESTAMP", AT),
    Ours(
        "datetime(ms)",
        datetime(2024, 1, 1, 0, 0, 0, 1000),
        "TIMESTAMP_MS",
        datetime(2024, 1, 1, 0, 0, 0, 1000),
    ),
    Ours(
        "datetime(us, UTC)",
        AT.replace(tzinfo=UTC),
        "TIMESTAMP WITH TIME ZONE",
        "2024-02-29 23:59:59.999999+00",
    ),
    Ours(
        "datetime(us, Europe/Paris)",
        AT.replace(tzinfo=UTC),
        "TIMESTAMP WITH TIME ZONE",
        "2024-02-29 23:59:59.999999+00",
        "datetime(us, UTC)",
    ),
    Ours(
        "datetime(ms, UTC)",
        datetime(2024, 1, 1, 0, 0, 0, 1000, tzinfo=UTC),
        "TIMESTAMP WITH TIME ZONE",
        "2024-01-01 00:00:00.001+00",
        "datetime(us, UTC)",
        datetime(2024, 1, 1, 0, 0, 0, 1000, tzinfo=UTC),
    ),
    Ours("categorical", "red", "VARCHAR", "red", "string"),
    Ours("enum(low, high)", "low", "VARCHAR", "low", "string"),
    Ours("list(int64)", [1, None], "BIGINT[]", [1, None]),
    Ours("array(int64, 2)", [1, 2], "BIGINT[2]", (1, 2)),
    Ours(
        'struct("a b": int64, c: list(string))',
        {"a b": 1, "c": ["x"]},
        'STRUCT("a b" BIGINT, c VARCHAR[])',
        {"a b": 1, "c": ["x"]},
    ),
]

REFUSED = {
    "duration": "cannot hold duration",
    "null": "cannot hold null",
    "datetime(ns, UTC": "cannot hold datetime(ns, UTC)",
}
"""Cases of `hygge.testing.cases` that begin so are refused, with these words."""
