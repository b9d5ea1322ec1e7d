"""SQLite's types: which words a column declares, and how values lie under them.

Storage follows the words: a type with INT in it is whole numbers, CHAR or TEXT texts, BLOB bytes,
REAL or DOUB floats; any other turns texts that look like numbers into floats. (SQLite's
documentation, "Determination Of Column Affinity".) So an exact decimal is declared with TEXT.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from hygge.core.errors import HomeError, StoreError, Unsupported
from hygge.core.text import read_as, texts_of
from hygge.core.types import type_name
from hygge.databases.arriving import misfit
from hygge.databases.arrow_rows import named
from hygge.databases.bends import HINT
from hygge.databases.database import Field, as_it_came
from hygge.databases.dialect import in_quotes

_OWN: dict[str, pl.DataType] = {
    "int_8_bits": pl.Int8(),  # int8 is another system's bigint
    "int_16_bits": pl.Int16(),
    "int_32_bits": pl.Int32(),
    "uint_8_bits": pl.UInt8(),
    "uint_16_bits": pl.UInt16(),
    "uint_32_bits": pl.UInt32(),
    "unsigned_64_text": pl.UInt64(),  # there is INT in uint, and floats for what is too large
    "float32_real": pl.Float32(),
}
_COMMON: dict[str, pl.DataType] = {
    "bool": pl.Boolean(),
    "boolean": pl.Boolean(),
    "bigint": pl.Int64(),
    "double": pl.Float64(),
    "text": pl.String(),
    "blob": pl.Binary(),
    "date": pl.Date(),
    "time": pl.Time(),
    "datetime": pl.Datetime("us"),
    "timestamp": pl.Datetime("us"),
    "timestamptz": pl.Datetime("us", "UTC"),
    "timestamp with time zone": pl.Datetime("us", "UTC"),
    "numeric": pl.Float64(),
    "decimal": pl.Float64(),
}
_WORDS = {**_OWN, **_COMMON}
_NATIVE = {kind: word for word, kind in [*reversed(_COMMON.items()), *_OWN.items()]}
_SIZED = re.compile(r"(.*?)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_DECIMALS = ("decimal", "numeric", "decimal_text")
_LOOSE = _DECIMALS[:2]
_STOPPED = re.compile(r"bad JSON path: 'hygge ([0-9a-f]*)'")
_MISMATCH = re.compile(r"Type mismatch in column (\d+)")
_MOMENT = re.compile(r"timestamp(tz)?_(ms|ns)")

SENTINEL: dict[pl.DataType, str] = {
    pl.Int64(): "0",
    pl.Float64(): "0.0",
    pl.String(): "''",
    pl.Binary(): "x''",
}


def declared(kind: pl.DataType) -> str:
    """What a column of ours declares. Raises Unsupported."""
    match kind:
        case pl.Decimal():
            return f"decimal_text({kind.precision or 38}, {kind.scale})"
        case pl.Datetime():
            unit = "" if kind.time_unit == "us" else f"_{kind.time_unit}"
            return f"timestamp{'tz' if kind.time_zone else ''}{unit}"
        case pl.Categorical() | pl.Enum():
            return "text"
    if (word := _NATIVE.get(kind)) is None:
        raise Unsupported(f"SQLite cannot hold {type_name(kind)}", hint="cast it to string")
    return word


def kind_of(native: str) -> pl.DataType:
    """What a declared type is read as; words that nobody knows are read by their affinity."""
    plain = " ".join(native.lower().split())
    sized = _SIZED.fullmatch(plain)
    word = sized[1] if sized else plain
    if sized and word in _DECIMALS:
        precision, scale = int(sized[2]), int(sized[3] or 0)
        if 1 <= precision <= 38 and scale <= precision:
            return pl.Decimal(precision, scale)
    if moment := _MOMENT.fullmatch(word):
        unit: Any = moment[2]
        return pl.Datetime(unit, "UTC" if moment[1] else None)
    if word in _WORDS:
        return _WORDS[word]
    for part, kind in (
        ("int", pl.Int64()),
        ("char", pl.String()),
        ("clob", pl.String()),
        ("text", pl.String()),
        ("blob", pl.Binary()),
        ("real", pl.Float64()),
        ("floa", pl.Float64()),
        ("doub", pl.Float64()),
    ):
        if part in word:
            return kind
    return pl.String()


def readable(
    kind: pl.DataType, name: str, native: str
) -> tuple[str, Callable[[pl.Series], pl.Series]]:
    """The SQL that sends a column, and what makes its type of it."""
    quoted = in_quotes(name)
    loose = isinstance(kind, pl.Decimal) or native.lower() in _LOOSE
    if loose or (kind == pl.String() and not _texts(native)):
        sent = f"cast({quoted} as text)"
        read = _only(name, sent, "text", "integer", "real")
        return read, as_it_came if kind == pl.String() else read_as(kind)
    if kind in (pl.Int64(), pl.Float64()):
        return quoted, as_it_came
    if kind == pl.Binary():
        return _only(name, quoted, "blob"), as_it_came
    if kind == pl.Boolean():
        return quoted, _boolean
    if kind.is_integer() and kind != pl.UInt64():
        return quoted, lambda values: _cast(values, kind)
    if kind == pl.Float32():
        return quoted, lambda values: values.cast(kind)
    return _only(name, quoted, "text"), as_it_came if kind == pl.String() else read_as(kind)


def _only(name: str, sent: str, *classes: str) -> str:
    """Only values of these storage classes: the driver makes texts of bytes, and bytes of texts.

    For others, SQLite stops with the words of a path that is none: the column's name, in hex.
    """
    quoted, known = in_quotes(name), ", ".join(f"'{word}'" for word in (*classes, "null"))
    stop = f"json_extract('{{}}', 'hygge ' || substr(typeof({quoted}), 99) || '{_hex(name)}')"
    return f"case when typeof({quoted}) in ({known}) then {sent} else {stop} end"


def _hex(name: str) -> str:
    return name.encode().hex()


def wire(field: Field) -> pl.DataType:
    """As what the driver sends it: whole numbers, floats, texts or bytes."""
    kind = field.column.type
    if kind == pl.Binary():
        return kind
    if field.read.startswith("case "):
        return pl.String()
    return pl.Float64() if kind.is_float() else pl.Int64()


def checked(batch: Any, fields: Sequence[Field]) -> pl.DataFrame:
    """The driver's first batch takes the type of what it meets, and no text of it is looked at."""
    for values, field in zip(batch.columns, fields, strict=True):
        try:
            values.validate(full=True)
        except pa.ArrowException as failed:
            hint = "write `query: select cast(… as blob) …`"
            name = field.column.name
            raise HomeError("a text that is no UTF-8", column=name, hint=hint) from failed
    rows = named(batch, fields)
    for values, field in zip(rows, fields, strict=True):
        if values.dtype != wire(field):
            raise misfit(field.column.name)
    return rows


def misfit_of(told: str, fields: Sequence[Field]) -> HomeError | None:
    """The column whose value made the driver, or SQLite, stop with these words."""
    if found := _STOPPED.search(told):
        return misfit(bytes.fromhex(found[1]).decode())
    if found := _MISMATCH.search(told):
        return misfit(fields[int(found[1])].column.name if fields else "?")
    return None


def _texts(native: str) -> bool:
    return any(part in native.lower() for part in ("char", "clob", "text"))


def _boolean(values: pl.Series) -> pl.Series:
    if not values.drop_nulls().is_in([0, 1]).all():
        raise HomeError("a boolean that is neither 0 nor 1", column=values.name)
    return values.cast(pl.Boolean)


def _cast(values: pl.Series, kind: pl.DataType) -> pl.Series:
    try:
        return values.cast(kind, strict=True)
    except pl.exceptions.PolarsError as failed:
        told = f"a value is out of the range of {type_name(kind)}"
        raise HomeError(told, column=values.name) from failed


def stored(values: pl.Series) -> pl.Series:
    """Values as they lie in a file."""
    kind = values.dtype
    if kind.is_float() and values.is_nan().any():
        raise StoreError("SQLite would store NaN as NULL", column=values.name, hint=HINT)
    if kind == pl.Boolean():
        return values.cast(pl.Int64)
    if kind == pl.UInt64() or isinstance(kind, pl.Decimal):
        return values.cast(pl.String)
    if kind == pl.Null():
        return values.cast(pl.String)
    return texts_of(values)
