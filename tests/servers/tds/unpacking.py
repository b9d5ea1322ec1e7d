"""Rows of a bulk load become columns, many values at a time."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from functools import cache
from typing import Any, Final
from uuid import UUID

import pyarrow as pa
from tests.servers.tds import numbers
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import NARROW, TEXTS, WHOLE, Kind
from tests.servers.tds.reading import FIXED, Reader, Sent

Raw = list[bytes | None]
_ROW, _SHORT_ROW, _DONE = 0xD1, 0xD2, 0xFD
_PARTS: Final = 0
_MANY: Final = Context(prec=60)
_TWO_BYTES: Final = (0xA5, 0xAD, 0xA7, 0xAF, 0xE7, 0xEF)


def table(body: bytes) -> tuple[list[tuple[str, Kind]], pa.Table]:
    """Names and kinds of the columns, and their values."""
    r = Reader(body)
    if r.number("B") != 0x81:
        raise SqlError(4804, "The bulk load has no column metadata.")
    sent, names = [], []
    for _ in range(r.number("H")):
        r.take(6)
        sent.append(Sent.read(r))
        names.append(r.short_text())
    raws = _raws(body, r.at, [_width(one) for one in sent])
    arrays = [decoded(one.kind, raw) for one, raw in zip(sent, raws, strict=True)]
    named = [f"c{n}" for n in range(len(names))]
    return (
        [(name, one.kind) for name, one in zip(names, sent, strict=True)],
        pa.Table.from_arrays(arrays, names=named),
    )


def _width(sent: Sent) -> int:
    """Bytes of a value's length; less than 0 for values that are all of one size."""
    if sent.word in FIXED:
        return -FIXED[sent.word]
    if sent.word in _TWO_BYTES:
        return _PARTS if sent.size == 0xFFFF else 2
    if sent.word in (0x22, 0x23, 0x63):
        raise SqlError(4816, "Columns of text, ntext and image are not loaded here.")
    return 1


def _raws(data: bytes, at: int, widths: Sequence[int]) -> list[Raw]:
    """The bytes of each value, by column."""
    raws: list[Raw] = [[] for _ in widths]
    columns = [(width, raw.append) for width, raw in zip(widths, raws, strict=True)]
    marks = (len(widths) + 7) // 8
    while at < len(data):
        mark = data[at]
        at += 1
        if mark == _ROW:
            at = _row(data, at, columns)
        elif mark == _SHORT_ROW:
            nulls = int.from_bytes(data[at : at + marks], "little")
            at += marks
            for n, column in enumerate(columns):
                if nulls >> n & 1:
                    column[1](None)
                else:
                    at = _row(data, at, (column,))
        else:
            break
    return raws


def _row(data: bytes, at: int, columns: Sequence[tuple[int, Callable[[Any], None]]]) -> int:
    for width, add in columns:
        if width == 1:
            end = at + 1 + data[at]
            add(data[at + 1 : end] if end > at + 1 else None)
            at = end
        elif width == 2:
            length = data[at] | data[at + 1] << 8
            at += 2
            if length == 0xFFFF:
                add(None)
            else:
                add(data[at : at + length])
                at += length
        elif width == _PARTS:
            at = _parts(data, at, add)
        else:
            add(data[at : at - width])
            at -= width
    return at


def _parts(data: bytes, at: int, add: Callable[[Any], None]) -> int:
    if data[at : at + 8] == b"\xff" * 8:
        add(None)
        return at + 8
    at += 8
    made = b""
    while length := int.from_bytes(data[at : at + 4], "little"):
        made += data[at + 4 : at + 4 + length]
        at += 4 + length
    add(made)
    return at + 4


def decoded(kind: Kind, raw: Raw) -> pa.Array:
    """Values as DuckDB is to take them."""
    name = kind.name
    if name in (*WHOLE, "bit"):
        signed, make = name != "tinyint", int.from_bytes
        values: list[Any] = [
            None if v is None else make(v, "little", signed=signed and len(v) > 1) for v in raw
        ]
        return pa.array(values, pa.int64())
    if name in ("real", "float"):
        one = struct.Struct("<f" if name == "real" else "<d").unpack
        return pa.array([None if v is None else one(v)[0] for v in raw], pa.float64())
    if name in TEXTS:
        coding = "cp1252" if name in NARROW else "utf-16-le"
        texts = [None if v is None else v.decode(coding, "replace") for v in raw]
        return pa.array(texts, pa.large_string())
    if name in ("binary", "varbinary", "image"):
        return pa.array(raw, pa.large_binary())
    if name in ("decimal", "money", "smallmoney"):
        return _decimals(kind, raw)
    return _texts(_text(kind), raw)


def _texts(one: Callable[[bytes], str], raw: Raw) -> pa.Array:
    return pa.array([None if v is None else one(v) for v in raw], pa.large_string())


def _decimals(kind: Kind, raw: Raw) -> pa.Array:
    if kind.name != "decimal":
        found = [None if v is None else numbers.unpacked_money(v) for v in raw]
        return pa.array(found, pa.decimal128(19, 4))
    scale, make = -kind.scale, int.from_bytes

    def one(value: bytes) -> Decimal:
        number = make(value[1:], "little")
        return _MANY.scaleb(Decimal(number if value[0] else -number), scale)

    return pa.array([None if v is None else one(v) for v in raw], pa.decimal128(38, kind.scale))


@cache
def _day(raw: bytes) -> str:
    return numbers.day_text(int.from_bytes(raw, "little"))


def _text(kind: Kind) -> Callable[[bytes], str]:
    match kind.name:
        case "uniqueidentifier":
            return lambda v: str(UUID(bytes_le=v))
        case "date":
            return _day
        case "datetime" | "smalldatetime":
            return numbers.old_text
    unit = numbers.unit(kind.scale)

    def clock(raw: bytes) -> str:
        return numbers.clock_text(int.from_bytes(raw, "little") * unit)

    if kind.name == "time":
        return clock
    if kind.name == "datetimeoffset":
        return lambda v: f"{_day(v[-5:-2])} {clock(v[:-5])}"
    return lambda v: f"{_day(v[-3:])} {clock(v[:-3])}"
