"""MySQL's types: what each is read as, and how our values are written for LOAD DATA.

The server sends every value as text, and each is read back exactly or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from hygge.core.errors import StoreError, Unsupported
from hygge.core.text import read_as, texts_of
from hygge.core.types import type_name
from hygge.databases.bends import ALLOW, HINT
from hygge.databases.database import as_it_came

Arrive = Callable[[pl.Series], pl.Series]

_INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 32, "int": 32, "integer": 32, "bigint": 64}
_SIGNED = {8: pl.Int8(), 16: pl.Int16(), 32: pl.Int32(), 64: pl.Int64()}
_UNSIGNED = {8: pl.UInt8(), 16: pl.UInt16(), 32: pl.UInt32(), 64: pl.UInt64()}
_BYTES = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")
_TEXTS = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "json", "enum", "set")
_SHAPES = ["geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"]
_SHAPES += ["multipolygon", "geometrycollection"]
_SIZED = re.compile(r"(\w+)\((\d+)(?:,(\d+))?\)")

_NATIVE: dict[Any, str] = {
    pl.Boolean(): "tinyint",
    pl.Int8(): "tinyint",
    pl.Int16(): "smallint",
    pl.Int32(): "int",
    pl.Int64(): "bigint",
    pl.Int128(): "decimal(39,0)",
    pl.UInt8(): "tinyint unsigned",
    pl.UInt16(): "smallint unsigned",
    pl.UInt32(): "int unsigned",
    pl.UInt64(): "bigint unsigned",
    pl.Float32(): "float",
    pl.Float64(): "double",
    pl.String(): "longtext",
    pl.Categorical(): "longtext",
    pl.Binary(): "longblob",
    pl.Date(): "date",
    pl.Time(): "time(6)",
}


def declared(kind: pl.DataType) -> str:
    """What a column of ours is there. Raises Unsupported for what would be cut."""
    match kind:
        case pl.Decimal():
            return f"decimal({kind.precision or 38},{kind.scale})"
        case pl.Datetime() if kind.time_unit != "ns":
            return "datetime(6)"
        case pl.Enum():
            return "longtext"
    if (found := _NATIVE.get(kind)) is None:
        hint = (
            f"cast it to datetime(us), or {ALLOW}"
            if isinstance(kind, pl.Datetime)
            else "cast it to string"
        )
        raise Unsupported(f"MySQL cannot hold {type_name(kind)}", hint=hint)
    return found


def readable(native: str, quoted: str) -> tuple[pl.DataType, str, Arrive]:
    """What a type is read as, the SQL that sends it, and what makes it of what is sent."""
    sized = _SIZED.match(native)
    word = sized[1] if sized else native.split(" ")[0]
    if word in _INTEGERS:
        kinds = _UNSIGNED if "unsigned" in native else _SIGNED
        return _parsed(kinds[_INTEGERS[word]], quoted)
    if word == "decimal" and sized and int(sized[2]) <= 38:
        return _parsed(pl.Decimal(int(sized[2]), int(sized[3] or 0)), quoted)
    if word == "double":
        return _parsed(pl.Float64(), quoted)
    if word == "float":  # which it would print with six digits
        _, read, arrive = _parsed(pl.Float64(), f"cast({quoted} as double)")
        return pl.Float32(), read, lambda texts: arrive(texts).cast(pl.Float32)
    if word == "date":
        return _parsed(pl.Date(), quoted)
    if word == "datetime":
        return _parsed(pl.Datetime("us"), quoted)
    if word == "timestamp":
        return _parsed(pl.Datetime("us", "UTC"), f"concat({quoted}, 'Z')")
    if word == "time":
        return _parsed(pl.Time(), quoted)
    if word == "year":
        return _parsed(pl.Int16(), quoted)
    if word == "bit":
        return _parsed(pl.UInt64(), f"cast({quoted} as unsigned)")
    if word in _BYTES:
        return pl.Binary(), quoted, as_it_came
    if word in _TEXTS:
        return pl.String(), quoted, as_it_came  # cast, one too long for a packet would be NULL
    if word in _SHAPES:
        return pl.String(), f"st_astext({quoted})", as_it_came
    return pl.String(), f"cast({quoted} as char)", as_it_came


def _parsed(kind: pl.DataType, read: str) -> tuple[pl.DataType, str, Arrive]:
    return kind, read, read_as(kind)


def lines(rows: pl.DataFrame, quoted: Callable[[str], str]) -> tuple[bytes, list[str], str]:
    """The rows as LOAD DATA reads them, its list of columns, and what it is to make of some."""
    names, sets, columns = list[str](), list[str](), list[pl.Series]()
    for number, values in enumerate(rows):
        name = quoted(values.name)
        if values.dtype == pl.Binary():
            names.append(f"@v{number}")
            sets.append(f"{name} = unhex(@v{number})")
            columns.append(values.bin.encode("hex").rename(str(number)))
        else:
            names.append(name)
            columns.append(_written(values).rename(str(number)))
    data = pl.DataFrame(columns).write_csv(
        include_header=False, separator="\t", quote_style="never", null_value="\\N"
    )
    return data.encode(), names, f" set {', '.join(sets)}" if sets else ""


def _written(values: pl.Series) -> pl.Series:
    kind = values.dtype
    if kind == pl.Boolean():
        return values.cast(pl.Int8)
    if kind.is_float() and not values.is_finite().all():
        raise StoreError("MySQL cannot hold NaN or infinity", column=values.name, hint=HINT)
    if kind == pl.Float32():
        return values.cast(pl.Float64)  # whose digits are not rounded up beyond the largest
    if isinstance(kind, pl.Datetime):
        return texts_of(values).str.strip_suffix("Z")
    if kind == pl.Time() and (values.to_physical() % 1000 != 0).any():
        raise StoreError("MySQL would cut a time's nanoseconds", column=values.name, hint=HINT)
    if kind == pl.Time():
        return texts_of(values).str.head(15)
    texts = texts_of(values) if kind.is_temporal() or not kind.is_numeric() else values
    if texts.dtype == pl.String():
        marks = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"}
        return texts.str.replace_many(list(marks), list(marks.values()))
    return texts


def quoted(name: str) -> str:
    """An identifier as MySQL writes it."""
    return "`" + name.replace("`", "``") + "`"


def literal(value: Any) -> str:
    """A watermark's value as SQL of its own type."""
    match value:
        case bool() | int() | Decimal():
            return str(value)
        case datetime():
            return f"timestamp'{value.replace(tzinfo=None).isoformat(' ')}'"
        case date():
            return f"date'{value.isoformat()}'"
        case str():
            return f"x'{value.encode().hex()}'"
    raise Unsupported(f"{type(value).__name__} cannot be a watermark in MySQL")


def there_and_back(value: str, native: str, own: str) -> str | None:
    """As Database.there_and_back: MySQL casts to few types by their own names."""
    word = native.split("(")[0].split()[0]
    if word in ("date", "datetime", "decimal", "time", "timestamp"):
        return f"cast({value} as {native.replace('timestamp', 'datetime').split()[0]})"
    if word in ("bigint", "int", "mediumint", "smallint", "tinyint"):
        found = f"cast({value} as {'unsigned' if 'unsigned' in native else 'signed'})"
        return f"cast({found} as char)" if "text" in own else found
    return None
