"""SQL Server's types: what each is read as, and what a column of ours becomes there.

Moments have up to seven digits there (100 ns), more than microseconds and fewer than nanoseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from hygge.core.errors import HomeError, StoreError, Unsupported
from hygge.core.text import read_as
from hygge.core.types import type_name
from hygge.databases.bends import HINT
from hygge.databases.database import as_it_came

Arrive = Callable[[pl.Series], pl.Series]
Reading = tuple[pl.DataType, str, Arrive]

BINARY_ORDER = "Latin1_General_100_BIN2"
"""The collation of texts that we make columns for: it takes no two letters for one."""
TEXTS = ("char", "varchar", "nchar", "nvarchar", "text", "ntext", "sysname")
_SIZED = re.compile(r"(\w+)\((\d+|max)(?:,(\d+))?\)")

_PLAIN: dict[str, pl.DataType] = {
    "bit": pl.Boolean(),
    "tinyint": pl.UInt8(),
    "smallint": pl.Int16(),
    "int": pl.Int32(),
    "bigint": pl.Int64(),
    "real": pl.Float32(),
    "float": pl.Float64(),
    "date": pl.Date(),
    "binary": pl.Binary(),
    "varbinary": pl.Binary(),
    "image": pl.Binary(),
}
_NATIVE: dict[Any, str] = {
    pl.Boolean(): "bit",
    pl.Int8(): "smallint",
    pl.Int16(): "smallint",
    pl.Int32(): "int",
    pl.Int64(): "bigint",
    pl.Int128(): "decimal(38,0)",
    pl.UInt8(): "tinyint",
    pl.UInt16(): "int",
    pl.UInt32(): "bigint",
    pl.UInt64(): "decimal(20,0)",
    pl.Float32(): "real",
    pl.Float64(): "float(53)",
    pl.String(): f"nvarchar(max) collate {BINARY_ORDER}",
    pl.Categorical(): f"nvarchar(max) collate {BINARY_ORDER}",
    pl.Binary(): "varbinary(max)",
    pl.Date(): "date",
    pl.Time(): "time(7)",
}
_DIGITS = {"ms": 3, "us": 6, "ns": 7}


def declared(kind: pl.DataType) -> str:
    """What a column of ours is there. Raises Unsupported for what would be cut."""
    match kind:
        case pl.Decimal():
            return f"decimal({kind.precision or 38},{kind.scale})"
        case pl.Datetime():
            word = "datetimeoffset" if kind.time_zone else "datetime2"
            return f"{word}({_DIGITS[kind.time_unit]})"
        case pl.Enum():
            return str(_NATIVE[pl.String()])
    if (found := _NATIVE.get(kind)) is None:
        raise Unsupported(f"SQL Server cannot hold {type_name(kind)}", hint="cast it to string")
    return found


def readable(native: str, quoted: str, *, exact: bool) -> Reading:
    """What a type is read as, the SQL that sends it, and what makes it of what is sent.

    `exact`: moments of seven digits are nanoseconds; else what is finer than microseconds is cut.
    """
    sized = _SIZED.fullmatch(native)
    word, size = (sized[1], sized[2]) if sized else (native, "")
    if word in _PLAIN:
        return _PLAIN[word], quoted, as_it_came
    if word == "decimal":
        assert sized is not None
        return _decimal(quoted, int(size), int(sized[3] or 0))
    if word in ("money", "smallmoney"):
        precision = 19 if word == "money" else 10
        return _decimal(f"cast({quoted} as decimal({precision},4))", precision, 4)
    if word in ("datetime", "smalldatetime"):
        digits = 3 if word == "datetime" else 0
        return pl.Datetime("ms"), f"cast({quoted} as datetime2({digits}))", _as(pl.Datetime("ms"))
    if word == "datetime2":
        return _moment(quoted, int(size), zone=None, exact=exact)
    if word == "datetimeoffset":
        utc = f"cast(switchoffset({quoted}, 0) as datetime2({size}))"
        return _moment(utc, int(size), zone="UTC", exact=exact)
    if word == "time":
        return pl.Time(), f"convert(varchar(16), {quoted}, 121)", read_as(pl.Time())
    if word == "rowversion":
        return pl.Int64(), f"cast({quoted} as bigint)", as_it_came
    return pl.String(), _text(word, quoted), as_it_came


def _text(word: str, quoted: str) -> str:
    if word == "uniqueidentifier":
        return f"cast({quoted} as char(36))"
    if word in ("geometry", "geography"):
        return f"{quoted}.ToString()"
    if word in TEXTS[:4]:
        return quoted
    if word == "sql_variant":
        return _variant(quoted)
    long = word in ("text", "ntext", "xml", "json")
    return f"cast({quoted} as nvarchar({'max' if long else 4000}))"


_VARIANTS = {
    "float": "convert(nvarchar(max), cast({0} as float), 3)",
    "real": "convert(nvarchar(max), cast({0} as real), 3)",
    "money": "convert(nvarchar(max), cast({0} as money), 2)",
    "smallmoney": "convert(nvarchar(max), cast({0} as smallmoney), 2)",
    "datetime": "convert(nvarchar(max), cast({0} as datetime), 121)",
    "smalldatetime": "convert(nvarchar(max), cast({0} as smalldatetime), 120)",
    "binary": "convert(nvarchar(max), cast({0} as varbinary(8000)), 1)",
    "varbinary": "convert(nvarchar(max), cast({0} as varbinary(8000)), 1)",
}
"""Those that a plain cast would cut to six digits, to cents, to minutes, or take for letters."""


def _variant(quoted: str) -> str:
    """Whatever a value is by itself, as a text from which it can be had again."""
    told = {kind: sql.format(quoted) for kind, sql in _VARIANTS.items()}
    cases = " ".join(f"when '{kind}' then {sql}" for kind, sql in told.items())
    kind = f"cast(sql_variant_property({quoted}, 'BaseType') as nvarchar(128))"
    return f"case {kind} {cases} else cast({quoted} as nvarchar(max)) end"


def _as(kind: pl.DataType) -> Arrive:
    return lambda values: values.cast(kind)


def _decimal(read: str, precision: int, scale: int) -> Reading:
    kind = pl.Decimal(precision, scale)
    return kind, read, _as(kind)


def _moment(read: str, digits: int, *, zone: str | None, exact: bool) -> Reading:
    if digits == 7 and exact:
        kind = pl.Datetime("ns", zone)
        zulu = " + 'Z'" if zone else ""
        return kind, f"convert(varchar(27), {read}, 121){zulu}", _exact(kind)
    if digits == 7:  # a cast would round, at the end of the last year beyond it
        finer = f"datepart(nanosecond, {read}) % 1000"
        read = f"cast(dateadd(nanosecond, -({finer}), {read}) as datetime2(6))"
    naive = pl.Datetime("us")
    if zone is None:
        return naive, read, _as(naive)
    return pl.Datetime("us", zone), read, lambda v: v.cast(naive).dt.replace_time_zone(zone)


def _exact(kind: pl.DataType) -> Arrive:
    def read(texts: pl.Series) -> pl.Series:
        try:
            return read_as(kind)(texts)
        except HomeError as failed:
            failed.hint = "`moments: microseconds` on the connection takes all years"
            raise

    return read


def sendable(values: pl.Series) -> pl.Series:
    """The type that the column has there. Raises StoreError for what it cannot hold."""
    kind, name = values.dtype, values.name
    if kind.is_float() and not values.is_finite().all():
        raise StoreError("SQL Server cannot hold NaN or infinity", column=name, hint=HINT)
    if kind == pl.Int8():
        return values.cast(pl.Int16)
    if kind == pl.UInt16():
        return values.cast(pl.Int32)
    if kind == pl.UInt32():
        return values.cast(pl.Int64)
    if kind == pl.UInt64():
        return values.cast(pl.Decimal(20, 0))
    if kind == pl.Int128():
        return _wide(values)
    if isinstance(kind, pl.Categorical | pl.Enum):
        return values.cast(pl.String)
    finest = kind == pl.Time() or (isinstance(kind, pl.Datetime) and kind.time_unit == "ns")
    if finest and (values.to_physical() % 100 != 0).any():
        raise StoreError("SQL Server would cut what is finer than 100 ns", column=name, hint=HINT)
    if isinstance(kind, pl.Date | pl.Datetime) and not values.dt.year().is_between(1, 9999).all():
        raise StoreError("SQL Server knows the years 1 to 9999", column=name)
    return values


def _wide(values: pl.Series) -> pl.Series:
    try:
        return values.cast(pl.Decimal(38, 0))
    except pl.exceptions.PolarsError as failed:
        told = "a whole number of more than 38 digits cannot be sent"
        raise StoreError(told, column=values.name, hint="cast it to string") from failed


def compared(native: str, value: Any, place: str) -> tuple[str, Any] | None:
    """A watermark's value as SQL of the column's own type, and what is bound in it; None: texts,
    which the server orders otherwise."""
    word = native.split("(")[0]
    if word == "rowversion":
        return f"cast(cast({place} as bigint) as binary(8))", value
    if isinstance(value, datetime):
        digits = {"datetime": "milliseconds", "smalldatetime": "seconds"}.get(word, "microseconds")
        return f"cast({place} as {native})", value.replace(tzinfo=None).isoformat(timespec=digits)
    if word in ("datetime2", "datetimeoffset") and isinstance(value, int):  # nanoseconds
        second, rest = divmod(value, 10**9)
        when = datetime(1970, 1, 1) + timedelta(seconds=second)
        return f"cast({place} as {native})", f"{when.isoformat()}.{rest // 100:07}"
    if isinstance(value, date | Decimal):
        return f"cast({place} as {native})", str(value)
    if isinstance(value, int) and word not in TEXTS:
        return f"cast({place} as {native})", value
    return None
