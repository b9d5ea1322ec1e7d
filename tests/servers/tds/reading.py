"""What clients send: types and values of parameters and of bulk rows ([MS-TDS] 2.2.5.5)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from tests.servers.tds import numbers
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import MAX, Kind
from tests.servers.tds.numbers import clock_text, day_text

FIXED = {0x30: 1, 0x32: 1, 0x34: 2, 0x38: 4, 0x3A: 4, 0x3B: 4, 0x3C: 8, 0x3D: 8}
FIXED |= {0x3E: 8, 0x7A: 4, 0x7F: 8}
_NAMES = {0x30: "tinyint", 0x32: "bit", 0x34: "smallint", 0x38: "int", 0x3A: "smalldatetime"}
_NAMES |= {0x3B: "real", 0x3C: "money", 0x3D: "datetime", 0x3E: "float", 0x7A: "smallmoney"}
_NAMES |= {0x7F: "bigint", 0x24: "uniqueidentifier", 0x28: "date", 0x29: "time"}
_NAMES |= {0x2A: "datetime2", 0x2B: "datetimeoffset", 0x68: "bit", 0x6A: "decimal"}
_NAMES |= {0x6C: "decimal", 0xA5: "varbinary", 0xAD: "binary", 0xA7: "varchar", 0xAF: "char"}
_NAMES |= {0xE7: "nvarchar", 0xEF: "nchar", 0x22: "image", 0x23: "text", 0x63: "ntext"}
_SIZED = {
    0x26: {1: "tinyint", 2: "smallint", 4: "int", 8: "bigint"},
    0x6D: {4: "real", 8: "float"},
    0x6E: {4: "smallmoney", 8: "money"},
    0x6F: {4: "smalldatetime", 8: "datetime"},
}
_NULL, _WHOLE = 0x1F, 0xFFFF


class Reader:
    """Bytes, from the first to the last."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data, self.at = data, at

    def take(self, count: int) -> bytes:
        data = self._data[self.at : self.at + count]
        if len(data) < count:
            raise SqlError(4804, "Premature end-of-message while reading.")
        self.at += count
        return data

    def number(self, word: str) -> int:
        (value,) = struct.unpack("<" + word, self.take(struct.calcsize("<" + word)))
        return int(value)

    def short_text(self) -> str:
        return self.take(2 * self.number("B")).decode("utf-16-le")

    def text(self) -> str:
        return self.take(2 * self.number("H")).decode("utf-16-le")

    @property
    def left(self) -> int:
        return len(self._data) - self.at

    @property
    def next(self) -> int:
        return self._data[self.at]

    def partly(self) -> bytes | None:
        """A value of unknown length, in chunks (PLP); None for NULL."""
        if self.number("Q") == 0xFFFFFFFFFFFFFFFF:
            return None
        data = bytearray()
        while count := self.number("I"):
            data += self.take(count)
        return bytes(data)


@dataclass(frozen=True)
class Sent:
    """A type as it was sent: the byte that names it, its length, precision and scale."""

    word: int
    size: int = 0
    precision: int = 0
    scale: int = 0

    @classmethod
    def read(cls, r: Reader) -> Sent:
        word = r.number("B")
        if word in FIXED or word in (_NULL, 0x28):
            return cls(word)
        if word in (0x24, 0x26, 0x68, 0x6D, 0x6E, 0x6F):
            return cls(word, r.number("B"))
        if word in (0x6A, 0x6C):
            return cls(word, r.number("B"), r.number("B"), r.number("B"))
        if word in (0x29, 0x2A, 0x2B):
            return cls(word, scale=r.number("B"))
        if word in (0xA5, 0xAD):
            return cls(word, r.number("H"))
        if word in (0xA7, 0xAF, 0xE7, 0xEF):
            size = r.number("H")
            r.take(5)
            return cls(word, size)
        if word in (0x22, 0x23, 0x63):
            size = r.number("I")
            r.take(0 if word == 0x22 else 5)
            return cls(word, size)
        raise SqlError(8009, f"Data type 0x{word:02X} is unknown.")

    @property
    def kind(self) -> Kind:
        name = _NAMES.get(self.word) or _SIZED.get(self.word, {}).get(self.size, "int")
        if name == "decimal":
            return Kind(name, self.precision, self.scale)
        if name in ("nvarchar", "nchar"):
            return Kind(name, MAX if self.size == _WHOLE else self.size // 2)
        if name in ("varchar", "char", "varbinary", "binary"):
            return Kind(name, MAX if self.size == _WHOLE else self.size)
        return Kind(name, 0, self.scale)

    def value(self, r: Reader) -> Any:
        """As DuckDB keeps it; None for NULL."""
        raw = self._raw(r)
        return None if raw is None else self._meant(raw)

    def _raw(self, r: Reader) -> bytes | None:
        if self.word == _NULL:
            return None
        if self.word in FIXED:
            return r.take(FIXED[self.word])
        if self.word in (0xA5, 0xAD, 0xA7, 0xAF, 0xE7, 0xEF):
            if self.size == _WHOLE:
                return r.partly()
            count = r.number("H")
            return None if count == 0xFFFF else r.take(count)
        if self.word in (0x22, 0x23, 0x63):
            count = r.number("I")
            return None if count == 0xFFFFFFFF else r.take(count)
        count = r.number("B")
        return r.take(count) if count else None

    def _meant(self, raw: bytes) -> Any:
        name = self.kind.name
        match name:
            case "bit":
                return bool(raw[0])
            case "tinyint":
                return raw[0]
            case "smallint" | "int" | "bigint":
                return int.from_bytes(raw, "little", signed=True)
            case "real" | "float":
                return struct.unpack("<f" if len(raw) == 4 else "<d", raw)[0]
            case "decimal":
                return numbers.unpacked_decimal(raw, self.scale)
            case "money" | "smallmoney":
                return numbers.unpacked_money(raw)
            case "uniqueidentifier":
                return UUID(bytes_le=raw)
            case "nvarchar" | "nchar" | "ntext":
                return raw.decode("utf-16-le")
            case "varchar" | "char" | "text":
                return raw.decode("cp1252", "replace")
            case "date":
                return date.fromisoformat(day_text(int.from_bytes(raw, "little")))
            case "datetime" | "smalldatetime":
                return numbers.old_text(raw)
            case "time" | "datetime2" | "datetimeoffset":
                return self._moment(raw)
        return raw

    def _moment(self, raw: bytes) -> str:
        if self.word == 0x29:
            return clock_text(numbers.unpacked_ticks(raw, self.scale))
        if self.word == 0x2B:
            raw = raw[:-2]  # kept in UTC, as it is sent
        ticks = numbers.unpacked_ticks(raw[:-3], self.scale)
        return f"{day_text(int.from_bytes(raw[-3:], 'little'))} {clock_text(ticks)}"
