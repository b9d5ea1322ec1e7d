"""SQL Server's types: how each is declared, kept in DuckDB, and sent ([MS-TDS] 2.2.5.4).

Moments and times are kept as texts of 27 and 16 characters, with all seven digits: DuckDB's own
have fewer digits, or fewer years. Texts of one length are in the order of what they mean.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import Final

from tests.servers.tds import numbers

COLLATION: Final = bytes([0x09, 0x04, 0xD0, 0x00, 0x34])
"""SQL_Latin1_General_CP1_CI_AS."""
MAX: Final = -1
_WORD = re.compile(r"\[?(\w+)\]?\s*(?:\(\s*(max|\d+)\s*(?:,\s*(\d+)\s*)?\))?", re.IGNORECASE)
_SAME = {"numeric": "decimal", "integer": "int", "timestamp": "rowversion", "dec": "decimal"}
_SAME |= {"double precision": "float", "char varying": "varchar", "sysname": "nvarchar"}
_DEFAULTS = {"decimal": (18, 0), "datetime2": (7, 0), "datetimeoffset": (7, 0), "time": (7, 0)}
_DEFAULTS |= {"sysname": (128, 0), "float": (53, 0)}
_LONGEST = {"nvarchar": 4000, "nchar": 4000, "varchar": 8000, "char": 8000, "decimal": 38}
_LONGEST |= {"varbinary": 8000, "binary": 8000, "float": 53}
_FINE = ("datetime2", "datetimeoffset", "time")

WHOLE: Final = {"tinyint": 1, "smallint": 2, "int": 4, "bigint": 8}
_STORED = {
    "bit": "boolean",
    "tinyint": "utinyint",
    "smallint": "smallint",
    "int": "integer",
    "bigint": "bigint",
    "real": "float",
    "float": "double",
    "money": "decimal(19,4)",
    "smallmoney": "decimal(10,4)",
    "date": "date",
    "uniqueidentifier": "uuid",
    "binary": "blob",
    "varbinary": "blob",
    "image": "blob",
    "rowversion": "blob",
}
MOMENTS: Final = ("datetime", "smalldatetime", "datetime2", "datetimeoffset")
WIDE: Final = ("nchar", "nvarchar", "ntext", "xml")
NARROW: Final = ("char", "varchar", "text")
TEXTS: Final = (*WIDE, *NARROW)
BYTES: Final = ("binary", "varbinary", "image", "rowversion")
LARGE: Final = {"text": "varchar", "ntext": "nvarchar", "xml": "nvarchar", "image": "varbinary"}
ODD: Final = ("hierarchyid", "geography", "geometry", "sql_variant")
"""Kept as texts; never sent as what they are."""


def wide(text: str) -> bytes:
    return text.encode("utf-16-le")


@dataclass(frozen=True)
class Kind:
    """A type with its length (MAX for `max`), precision or scale. Texts of tables have a
    collation; one that COLLATE has given begins with `!`."""

    name: str
    size: int = 0
    scale: int = 0
    collation: str = field(default="", compare=False)

    @classmethod
    def of(cls, text: str) -> Kind:
        """From `decimal(10, 2)` or `[nvarchar](max)`. Raises ValueError for none of ours."""
        found = _WORD.fullmatch(text.strip())
        word = found[1].lower() if found else ""
        if found is None or word not in KNOWN:
            raise ValueError(text)
        name = _SAME.get(word, word)
        size, scale = _DEFAULTS.get(word, _DEFAULTS.get(name, (1, 0)))
        if found[2]:
            size = MAX if found[2].lower() == "max" else int(found[2])
            scale = int(found[3] or 0)
        if size > _LONGEST.get(name, size) or (name in _FINE and size > 7):
            raise ValueError(text)
        if name == "float" and size <= 24:
            name = "real"
        if name in _FINE:
            size, scale = 0, size
        return cls(name, size, scale)

    def __str__(self) -> str:
        match self.name:
            case "decimal":
                return f"decimal({self.size},{self.scale})"
            case "datetime2" | "datetimeoffset" | "time":
                return f"{self.name}({self.scale})"
            case "char" | "varchar" | "nchar" | "nvarchar" | "binary" | "varbinary":
                return f"{self.name}({'max' if self.size == MAX else self.size})"
        return self.name

    @property
    def stored(self) -> str:
        """DuckDB's type."""
        if self.name == "decimal":
            return f"decimal({self.size},{self.scale})"
        return _STORED.get(self.name, "varchar")

    @property
    def width(self) -> int:
        """`max_length` of sys.columns."""
        if self.size == MAX or self.name in LARGE:
            return -1 if self.name not in ("text", "ntext", "image") else 16
        match self.name:
            case "nchar" | "nvarchar":
                return 2 * self.size
            case "char" | "varchar" | "binary" | "varbinary":
                return self.size
            case "decimal":
                return numbers.decimal_size(self.size) + 1
            case "datetime2" | "time" | "datetimeoffset":
                clock = numbers.clock_size(self.scale)
                return clock + {"time": 0, "datetime2": 3, "datetimeoffset": 5}[self.name]
        return _LENGTHS.get(self.name, 0)

    @property
    def info(self) -> bytes:
        """TYPE_INFO, nullable."""
        match self.name:
            case "tinyint" | "smallint" | "int" | "bigint":
                return bytes([0x26, WHOLE[self.name]])
            case "bit":
                return b"\x68\x01"
            case "real":
                return b"\x6d\x04"
            case "float":
                return b"\x6d\x08"
            case "decimal":
                size = numbers.decimal_size(self.size) + 1
                return bytes([0x6A, size, self.size, self.scale])
            case "money" | "smallmoney":
                return bytes([0x6E, self.width])
            case "datetime" | "smalldatetime":
                return bytes([0x6F, self.width])
            case "date":
                return b"\x28"
            case "time" | "datetime2" | "datetimeoffset":
                word = {"time": 0x29, "datetime2": 0x2A, "datetimeoffset": 0x2B}[self.name]
                return bytes([word, self.scale])
            case "uniqueidentifier":
                return b"\x24\x10"
        return self._long_info

    @property
    def is_whole(self) -> bool:
        """Of any length, so that values are sent in parts."""
        return self.size == MAX or self.name in LARGE or self.name in ODD

    @property
    def _long_info(self) -> bytes:
        size = 0xFFFF if self.is_whole else self.width
        if self.name in BYTES:
            word = 0xAD if self.name in ("binary", "rowversion") else 0xA5
            return struct.pack("<BH", word, size)
        word = {"char": 0xAF, "varchar": 0xA7, "text": 0xA7, "nchar": 0xEF}.get(self.name, 0xE7)
        return struct.pack("<BH", word, size) + COLLATION


_LENGTHS: Final = {
    "bit": 1,
    "real": 4,
    "float": 8,
    "date": 3,
    "money": 8,
    "smallmoney": 4,
    "datetime": 8,
    "smalldatetime": 4,
    "uniqueidentifier": 16,
    "rowversion": 8,
    "hierarchyid": 892,
    "sql_variant": 8016,
    **WHOLE,
}
KNOWN: Final = frozenset(
    {*_SAME, *_LENGTHS, *TEXTS, *BYTES, *MOMENTS, *ODD, "decimal", "time", "date", *WHOLE}
)

_OURS: Final = {
    "BOOLEAN": "bit",
    "UTINYINT": "tinyint",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "USMALLINT": "int",
    "INTEGER": "int",
    "UINTEGER": "bigint",
    "BIGINT": "bigint",
    "UBIGINT": "decimal(20,0)",
    "HUGEINT": "decimal(38,0)",
    "FLOAT": "real",
    "DOUBLE": "float",
    "DATE": "date",
    "UUID": "uniqueidentifier",
    "BLOB": "varbinary(max)",
    "TIME": "time(6)",
    "TIMESTAMP": "datetime2(6)",
    "TIMESTAMP WITH TIME ZONE": "datetimeoffset(6)",
}


def kind_of(stored: str) -> Kind:
    """What a column of DuckDB's is sent as, where nothing is known of what it was declared."""
    if stored.startswith("DECIMAL"):
        return Kind.of(stored.lower())
    return Kind.of(_OURS.get(stored, "nvarchar(max)"))
