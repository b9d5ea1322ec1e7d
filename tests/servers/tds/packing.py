"""Columns of what DuckDB gave, as they are sent ([MS-TDS] 2.2.5.2, 2.2.5.5)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Context, Decimal
from functools import cache
from typing import Any
from uuid import UUID

from tests.servers.tds import numbers
from tests.servers.tds.kinds import BYTES, MAX, NARROW, ODD, TEXTS, WHOLE, Kind, wide

Pack = Callable[[Sequence[Any]], list[bytes]]
_MANY = Context(prec=60)


def rows(chunk: Sequence[Sequence[Any]], packs: Sequence[Pack]) -> bytes:
    """ROW tokens."""
    if not chunk:
        return b""
    columns = [pack(column) for pack, column in zip(packs, zip(*chunk, strict=True), strict=True)]
    return b"\xd1" + b"\xd1".join(map(b"".join, zip(*columns, strict=True)))


def packer(kind: Kind) -> Pack:
    """How a column of this kind is packed."""
    name = kind.name
    if name in (*TEXTS, *BYTES, *ODD):
        return _long(kind)
    if name in WHOLE:
        return _whole(WHOLE[name])
    if name == "bit":
        words = {None: b"\0", True: b"\1\1", False: b"\1\0"}
        return lambda column: [words[v if v is None else bool(v)] for v in column]
    if name in ("real", "float"):
        pack, size = struct.Struct("<Bf" if name == "real" else "<Bd").pack, kind.width
        return lambda column: [b"\0" if v is None else pack(size, v) for v in column]
    one = _one(kind)
    return lambda column: [b"\0" if v is None else one(v) for v in column]


def _whole(size: int) -> Pack:
    pack = struct.Struct({1: "<BB", 2: "<Bh", 4: "<Bi", 8: "<Bq"}[size]).pack
    return lambda column: [b"\0" if v is None else pack(size, int(v)) for v in column]


def _one(kind: Kind) -> Callable[[Any], bytes]:
    name, size, scale = kind.name, kind.size, kind.scale
    match name:
        case "decimal":
            return _decimal(numbers.decimal_size(size), scale)
        case "money" | "smallmoney":
            return lambda v: numbers.packed_money(Decimal(v), kind.width)
        case "datetime" | "smalldatetime":
            return lambda v: numbers.packed_datetime(
                datetime.fromisoformat(as_text(v)[:26]), kind.width
            )
        case "date":
            return lambda v: b"\3" + _packed_day(v if isinstance(v, str) else v.isoformat())
        case "uniqueidentifier":
            return lambda v: b"\x10" + (v if isinstance(v, UUID) else UUID(v)).bytes_le
        case "time":
            return _time(scale)
    return _moment(scale, b"\0\0" if name == "datetimeoffset" else b"")


def _decimal(size: int, scale: int) -> Callable[[Any], bytes]:
    length = size + 1

    def packed(value: Any) -> bytes:
        number = int(_MANY.scaleb(Decimal(value), scale))
        return bytes((length, number >= 0)) + abs(number).to_bytes(size, "little")

    return packed


@cache
def _packed_day(text: str) -> bytes:
    return numbers.packed_day((date.fromisoformat(text) - numbers.EPOCH).days)


def _ticks(text: str) -> int:
    """Of a clock with seven digits."""
    seconds = (int(text[:2]) * 60 + int(text[3:5])) * 60 + int(text[6:8])
    return seconds * 10_000_000 + int(text[9:])


def _moment(scale: int, zone: bytes) -> Callable[[Any], bytes]:
    clock, unit = numbers.clock_size(scale), numbers.unit(scale)
    length = bytes([clock + 3 + len(zone)])

    def packed(value: Any) -> bytes:
        text = value if isinstance(value, str) else as_text(value)
        ticks = (_ticks(text[11:]) // unit).to_bytes(clock, "little")
        return length + ticks + _packed_day(text[:10]) + zone

    return packed


def _time(scale: int) -> Callable[[Any], bytes]:
    clock, unit = numbers.clock_size(scale), numbers.unit(scale)
    length = bytes([clock])

    def packed(value: Any) -> bytes:
        text = value if isinstance(value, str) else as_text(value)
        return length + (_ticks(text[-16:]) // unit).to_bytes(clock, "little")

    return packed


def as_text(value: Any) -> str:
    """A moment or a time of DuckDB's own, with seven digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds") + "0"
    if isinstance(value, time):
        return f"{value:%H:%M:%S}.{value.microsecond:06}0"
    return f"{value.isoformat()} 00:00:00.0000000"


def _long(kind: Kind) -> Pack:
    """Texts and bytes: with their length, or in parts where they may be of any length."""
    raw = _raw(kind)
    if kind.is_whole:
        return lambda column: [_parts(None if v is None else raw(v)) for v in column]
    pack = struct.Struct("<H").pack

    def packed(value: Any) -> bytes:
        data = raw(value)
        return pack(len(data)) + data

    return lambda column: [b"\xff\xff" if v is None else packed(v) for v in column]


def _raw(kind: Kind) -> Callable[[Any], bytes]:
    name, size = kind.name, kind.size
    if name in BYTES:
        return lambda v: v if isinstance(v, bytes) else bytes(v)
    if name in ("char", "nchar") and size != MAX:
        if name == "nchar":
            return lambda v: wide(str(v).ljust(size))
        return lambda v: str(v).ljust(size).encode("cp1252", "replace")
    if name in NARROW:
        return lambda v: str(v).encode("cp1252", "replace")
    return lambda v: str(v).encode("utf-16-le")


def _parts(data: bytes | None) -> bytes:
    if data is None:
        return b"\xff" * 8
    body = struct.pack("<I", len(data)) + data if data else b""
    return struct.pack("<Q", len(data)) + body + b"\0\0\0\0"
