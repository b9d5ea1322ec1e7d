"""Column types by name.

The names are what people write in YAML and read in plans: `int64`, `decimal(18, 4)`,
`datetime(us, UTC)`, `list(string)`. Each stands for exactly one Polars type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import polars as pl

from hygge.core.errors import ConfigError

_PLAIN: Mapping[str, pl.DataType] = {
    "bool": pl.Boolean(),
    "int8": pl.Int8(),
    "int16": pl.Int16(),
    "int32": pl.Int32(),
    "int64": pl.Int64(),
    "int128": pl.Int128(),
    "uint8": pl.UInt8(),
    "uint16": pl.UInt16(),
    "uint32": pl.UInt32(),
    "uint64": pl.UInt64(),
    "float32": pl.Float32(),
    "float64": pl.Float64(),
    "string": pl.String(),
    "binary": pl.Binary(),
    "date": pl.Date(),
    "time": pl.Time(),
    "null": pl.Null(),
    "categorical": pl.Categorical(),
}
_ALIASES: Mapping[str, str] = {
    "boolean": "bool",
    "tinyint": "int8",
    "smallint": "int16",
    "int": "int64",
    "integer": "int64",
    "bigint": "int64",
    "real": "float32",
    "float": "float64",
    "double": "float64",
    "str": "string",
    "text": "string",
    "varchar": "string",
    "bytes": "binary",
    "datetime": "datetime(us)",
    "timestamp": "datetime(us)",
    "timestamptz": "datetime(us, UTC)",
    "duration": "duration(us)",
}
_HEADS: Mapping[str, str] = {"numeric": "decimal", "timestamp": "datetime"}
_NAMES = {kind: name for name, kind in _PLAIN.items()}


def type_name(kind: pl.DataType) -> str:
    """The one name of a Polars type. Raises ConfigError for a type hygge cannot move."""
    match kind:
        case pl.Decimal():
            return f"decimal({kind.precision or 38}, {kind.scale})"
        case pl.Datetime():
            zone = f", {kind.time_zone}" if kind.time_zone else ""
            return f"datetime({kind.time_unit}{zone})"
        case pl.Duration():
            return f"duration({kind.time_unit})"
        case pl.Array():
            return f"array({type_name(_made(kind.inner))}, {kind.shape[0]})"
        case pl.List():
            return f"list({type_name(_made(kind.inner))})"
        case pl.Struct():
            return f"struct({', '.join(map(_field, kind.fields))})"
        case pl.Enum():
            return f"enum({', '.join(_quoted(word) for word in kind.categories)})"
    if (name := _NAMES.get(kind)) is None:
        raise ConfigError(f"the type {kind!r} cannot be moved")
    return name


def parse_type(text: str) -> pl.DataType:
    """The Polars type of a name. Raises ConfigError when it is no type's name."""
    words = _Words(text)
    kind = words.type()
    if not words.at_end():
        words.refuse()
    return kind


def _made(kind: Any) -> pl.DataType:
    made = kind() if isinstance(kind, type) else kind
    assert isinstance(made, pl.DataType)
    return made


def _field(field: pl.Field) -> str:
    return f"{_quoted(field.name)}: {type_name(_made(field.dtype))}"


def _quoted(word: str) -> str:
    return word if word.isidentifier() else '"' + word.replace('"', '""') + '"'


class _Words:
    """Reads a type's name from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def refuse(self) -> NoReturn:
        raise ConfigError(
            f"{self.text!r} is not a type",
            hint="bool, int64, float64, decimal(18, 4), string, binary, date, time, "
            "datetime(us), datetime(us, UTC), list(int64), struct(a: int64)",
        )

    def at_end(self) -> bool:
        self.blank()
        return self.at >= len(self.text)

    def blank(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, mark: str) -> bool:
        self.blank()
        found = self.text.startswith(mark, self.at)
        self.at += len(mark) if found else 0
        return found

    def closes(self) -> bool:
        self.blank()
        return self.text.startswith(")", self.at)

    def need(self, mark: str) -> None:
        if not self.take(mark):
            self.refuse()

    def word(self) -> str:
        self.blank()
        if self.take('"'):
            return self.quoted()
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in '(),:" \t\n':
            self.at += 1
        if start == self.at:
            self.refuse()
        return self.text[start : self.at]

    def quoted(self) -> str:
        out = ""
        while True:
            end = self.text.find('"', self.at)
            if end < 0:
                self.refuse()
            out, self.at = out + self.text[self.at : end], end + 1
            if self.text[self.at : self.at + 1] != '"':
                return out
            out, self.at = out + '"', self.at + 1

    def number(self) -> int:
        word = self.word()
        if not word.isdecimal():
            self.refuse()
        return int(word)

    def type(self) -> pl.DataType:
        name = self.word().lower()
        if not self.take("("):
            if name in _ALIASES:
                return parse_type(_ALIASES[name])
            if name not in _PLAIN:
                self.refuse()
            return _PLAIN[name]
        read = {
            "decimal": self._decimal,
            "datetime": self._datetime,
            "duration": self._duration,
            "list": self._list,
            "array": self._array,
            "struct": self._struct,
            "enum": self._enum,
        }.get(_HEADS.get(name, name), self._none)
        kind = read()
        self.need(")")
        return kind

    def _none(self) -> NoReturn:
        self.refuse()

    def _decimal(self) -> pl.DataType:
        precision = self.number()
        scale = self.number() if self.take(",") else 0
        if not 1 <= precision <= 38 or scale > precision:
            self.refuse()
        return pl.Decimal(precision, scale)

    def _unit(self) -> Any:
        unit = self.word()
        if unit not in ("ms", "us", "ns"):
            self.refuse()
        return unit

    def _datetime(self) -> pl.DataType:
        unit = self._unit()
        return pl.Datetime(unit, self._zone() if self.take(",") else None)

    def _zone(self) -> str:
        zone = self.text[self.at :].partition(")")[0].strip()  # it may be +02:00
        if not zone:
            self.refuse()
        self.at = self.text.index(zone, self.at) + len(zone)
        return zone

    def _duration(self) -> pl.DataType:
        return pl.Duration(self._unit())

    def _list(self) -> pl.DataType:
        return pl.List(self.type())

    def _array(self) -> pl.DataType:
        inner = self.type()
        self.need(",")
        return pl.Array(inner, self.number())

    def _struct(self) -> pl.DataType:
        fields = list[pl.Field]()
        while not self.closes():
            name = self.word()
            self.need(":")
            fields.append(pl.Field(name, self.type()))
            if not self.take(","):
                break
        return pl.Struct(fields)

    def _enum(self) -> pl.DataType:
        words = list[str]()
        while not self.closes():
            words.append(self.word())
            if not self.take(","):
                break
        return pl.Enum(words)
