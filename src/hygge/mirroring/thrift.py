"""The footer of a parquet file, read without Arrow: asked of a damaged one, Arrow may end the
process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

_MAGIC: Final = b"PAR1"
_CODECS: Final = ("uncompressed", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4_raw")
_TYPES: Final = (
    "BOOLEAN",
    "INT32",
    "INT64",
    "INT96",
    "FLOAT",
    "DOUBLE",
    "BYTE_ARRAY",
    "FIXED_LEN_BYTE_ARRAY",
)
_DEEPEST: Final = 32

Wanted = Mapping[int, "Wanted | None"]
"""Of a structure: which fields, by number, and which of theirs. None: all there is to it."""

_CHUNK: Final[Wanted] = {1: None, 4: None, 7: None, 9: None, 11: None, 12: {3: None}}
_FOOTER: Final[Wanted] = {3: None, 4: {1: {3: _CHUNK}, 3: None}}


@dataclass(frozen=True, slots=True)
class Chunk:
    """A column within a row group: where its pages lie, and how many values are NULL if told."""

    physical: str
    codec: str
    first: int
    end: int
    nulls: int | None


@dataclass(frozen=True, slots=True)
class Footer:
    """What the end of a file tells. `start`: where it begins. `groups`: rows and chunks of each."""

    start: int
    rows: int
    groups: tuple[tuple[int, tuple[Chunk, ...]], ...]


def footer_of(file: BinaryIO, size: int) -> Footer:
    """Raises ValueError where there is none that can be read."""
    if file.read(4) != _MAGIC:
        raise ValueError("it does not begin with PAR1")
    file.seek(max(0, size - 8))
    tail = file.read(8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC:
        raise ValueError("it does not end with PAR1")
    if length + 12 > size:
        raise ValueError("its footer is longer than the file")
    file.seek(size - 8 - length)
    try:
        found = _Reader(file.read(length)).struct(_FOOTER)
        groups = tuple(
            (_whole(group[3]), tuple(_chunk(one[3]) for one in group[1])) for group in found[4]
        )
        return Footer(size - 8 - length, _whole(found[3]), groups)
    except (AttributeError, IndexError, KeyError, TypeError) as failed:
        raise ValueError("its footer cannot be read") from failed


def _chunk(told: Mapping[int, Any]) -> Chunk:
    codec, kind = _whole(told[4]), _whole(told[1])
    first = _whole(told.get(11) or told[9])
    nulls = told[12].get(3) if 12 in told else None
    return Chunk(
        _TYPES[kind] if 0 <= kind < len(_TYPES) else f"type {kind}",
        _CODECS[codec] if 0 <= codec < len(_CODECS) else f"codec {codec}",
        first,
        first + _whole(told[7]),
        None if nulls is None else _whole(nulls),
    )


def _whole(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError("its footer has no number where one belongs")
    return value


class _Reader:
    """Thrift's compact protocol. Raises IndexError at the end, ValueError for what is none."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def struct(self, wanted: Wanted | None, depth: int = 0) -> dict[int, Any]:
        if depth > _DEEPEST:
            raise ValueError("its footer is nested too deeply")
        found, number = dict[int, Any](), 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            inner = wanted.get(number) if wanted else None
            value = self._value(head & 15, inner, depth + 1, field=True)
            if wanted is None or number in wanted:
                found[number] = value
        return found

    def _value(self, kind: int, wanted: Wanted | None, depth: int, *, field: bool) -> Any:
        match kind:
            case 1 | 2 if field:  # of a field, the kind is the value
                return kind == 1
            case 1 | 2 | 3:
                return self._byte()
            case 4 | 5 | 6:
                return self._zigzag()
            case 7:
                return self._bytes(8)
            case 8:
                return self._bytes(self._varint())
            case 9 | 10:
                return self._list(wanted, depth)
            case 11:
                return self._map(depth)
            case 12:
                return self.struct(wanted, depth)
        raise ValueError("its footer holds what no footer does")

    def _list(self, wanted: Wanted | None, depth: int) -> list[Any]:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._varint()
        return [self._value(head & 15, wanted, depth, field=False) for _ in range(count)]

    def _map(self, depth: int) -> None:
        if count := self._varint():
            kinds = self._byte()
            for _ in range(count):
                self._value(kinds >> 4, None, depth, field=False)
                self._value(kinds & 15, None, depth, field=False)

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, count: int) -> bytes:
        self._at += count
        if self._at > len(self._data):
            raise IndexError(self._at)
        return self._data[self._at - count : self._at]

    def _varint(self) -> int:
        found = shift = 0
        while (byte := self._byte()) & 128:
            found |= (byte & 127) << shift
            shift += 7
        return found | byte << shift

    def _zigzag(self) -> int:
        found = self._varint()
        return (found >> 1) ^ -(found & 1)
