"""Delta tables: what their columns are to us, and ours to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from math import inf
from typing import Any

import pyarrow as pa

AT = datetime(2024, 2, 29, 23, 59, 59, 999999)
ZONED = AT.replace(tzinfo=UTC)
PAIR = pa.struct([("a", pa.int64()), ("b", pa.string())])

NATIVE: list[tuple[Any, Any, str, Any]] = [
    (pa.bool_(), True, "bool", True),
    (pa.int8(), -128, "int8", -128),
    (pa.int16(), -32768, "int16", -32768),
    (pa.int32(), 2**31 - 1, "int32", 2**31 - 1),
    (pa.int64(), -(2**63), "int64", -(2**63)),
    (pa.float32(), 0.5, "float32", 0.5),
    (pa.float64(), -inf, "float64", -inf),
    (pa.float64(), 0.1, "float64", 0.1),
    (pa.decimal128(38, 10), Decimal("1.0000000001"), "decimal(38, 10)", Decimal("1.0000000001")),
    (pa.string(), "漢字 😀", "string", "漢字 😀"),
    (pa.string(), "", "string", ""),
    (pa.binary(), b"\0\xff", "binary", b"\0\xff"),
    (pa.date32(), date(1, 1, 1), "date", date(1, 1, 1)),
    (pa.date32(), date(9999, 12, 31), "date", date(9999, 12, 31)),
    (pa.timestamp("us"), AT, "datetime(us)", AT),
    (
        pa.timestamp("us", "UTC"),
        AT.replace(tzinfo=UTC),
        "datetime(us, UTC)",
        AT.replace(tzinfo=UTC),
    ),
    (pa.list_(pa.int64()), [1, None], "list(int64)", [1, None]),
    (PAIR, {"a": 1, "b": None}, "struct(a: int64, b: string)", {"a": 1, "b": None}),
    (
        pa.map_(pa.string(), pa.int64()),
        [("x", 1)],
        "list(struct(key: string, value: int64))",
        [{"key": "x", "value": 1}],
    ),
]
"""An Arrow type that the library writes, a value, and as what it is read."""

HELD: Mapping[str, str] = {
    "uint8": "int16",
    "uint16": "int32",
    "uint32": "int64",
    "uint64": "decimal(20, 0)",
    "categorical": "string",
    "datetime(ms)": "datetime(us)",
    "datetime(ms, UTC)": "datetime(us, UTC)",
    "datetime(us, Europe/Paris)": "datetime(us, UTC)",
    "array(int64, 2)": "list(int64)",
}
"""As what a column is held that is not as it was."""

REFUSED: Mapping[str, str] = {
    "time": "cannot hold time",
    "duration": "cannot hold duration",
    "null": "cannot hold null",
    "int128": "cannot hold int128",
    "datetime(ns": "cannot hold datetime(ns",
}
"""Cases of `hygge.testing.cases` that begin so are refused, with these words."""
