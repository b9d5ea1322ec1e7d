"""The footer of a parquet file, read without Arrow: asked of a damaged one, Arrow may end the
process."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
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
_MANY: Final = 10_000

Wanted = Mapping[int, "Wanted | None"]
"""Of a structure: which fields, by number, and which of theirs. None: all there is to it."""

_CHUNK: Final[Wanted] = {1: None, 4: None, 7: None, 9: None, 11: None, 12: {3: None}}
_FOOTER: Final[Wanted] = {3: None, 4: {1: {3: _CHUNK}, 3: None}}
_ENDS: Final = (1, 2, 5, 6)
"""Of a chunk's statistics: the least and the greatest value, in the old way and in the new."""
_ONE: Final[Wanted] = {3: {12: dict.fromkeys(_ENDS)}}
_STATISTICS: Final[Wanted] = {4: {1: _ONE}}


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
    start, data = _footer_in(file, size)
    with _damage():
        found = _Reader(data).struct(_FOOTER)
        groups = tuple(
            (_whole(group[3]), tuple(_chunk(one[3]) for one in group[1])) for group in found[4]
        )
        return Footer(start, _whole(found[3]), groups)


def widths_of(file: BinaryIO, size: int, column: int) -> Collection[int]:
    """How many bytes the ends of this column's values have, wherever they are told.

    Raises ValueError where that cannot be read.
    """
    _, data = _footer_in(file, size)
    with _damage():
        found = _Reader(data, only=column).struct(_STATISTICS)
        told = (group[1][0][3].get(12, {}) for group in found[4])
        return {len(one[end]) for one in told for end in _ENDS if end in one}


def _footer_in(file: BinaryIO, size: int) -> tuple[int, bytes]:
    """Where it begins, and its bytes."""
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
    return size - 8 - length, file.read(length)


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
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


def _any(kinds: Collection[int], high: Collection[int] = range(1, 16)) -> bytes:
    """A pattern of one byte whose lower half is one of these."""
    return b"[" + b"".join(b"\\x%02x" % (n << 4 | kind) for n in high for kind in kinds) + b"]"


def _one_of(*patterns: bytes) -> bytes:
    return b"(?:" + b"|".join(patterns) + b")"


@lru_cache(64)
def _usual(count: int) -> re.Pattern[bytes]:
    """So many structures as nearly all are: of fields in order, texts and lists that are short, and
    no more than two structures within each other.

    Passes over what nobody asked for many times as fast as reading it would; what it does not match
    is read.
    """
    number, numbers = rb"[\x80-\xff]{0,9}+[\x00-\x7f]", (4, 5, 6)
    text = _one_of(*(b"\\x%02x.{%d}" % (n, n) for n in range(64)))
    simple = _one_of(_any((1, 2)), _any(numbers) + number)
    lists = _one_of(
        *(_any(numbers, (n,)) + b"(?:%s){%d}" % (number, n) for n in range(15)),
        *(_any((8,), (n,)) + b"(?:%s){%d}" % (text, n) for n in range(4)),
        *(_any((12,), (n,)) + b"(?:%s*+\\x00){%d}" % (simple, n) for n in range(6)),
    )
    field = flat = _one_of(simple, _any((8,)) + text, _any((9,)) + lists)
    for _ in range(2):
        field = _one_of(flat, _any((12,)) + field + rb"*+\x00")
    return re.compile(b"(?:%s*+\\x00){%d}" % (field, count), re.DOTALL)


class _Reader:
    """Thrift's compact protocol. Raises IndexError at the end, ValueError for what is none."""

    def __init__(self, data: bytes, only: int = 0) -> None:
        """`only`: of which column the statistics are wanted."""
        self._data, self._at, self._only = data, 0, only

    def struct(self, wanted: Wanted | None, depth: int = 0) -> dict[int, Any]:
        if depth > _DEEPEST:
            raise ValueError("its footer is nested too deeply")
        found, number = dict[int, Any](), 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            if wanted is None or number in wanted:
                inner = wanted and wanted[number]
                found[number] = self._value(head & 15, inner, depth + 1, field=True)
            else:
                self._skip(head & 15, depth + 1)
        return found

    def _skip(self, kind: int, depth: int, count: int = 1) -> None:
        """Pass over so many of a kind."""
        usual = None
        if kind == 12 and count <= _MANY:
            usual = _usual(count).match(self._data, self._at)
        if usual is not None:
            self._at = usual.end()
            return
        for _ in range(count):
            self._value(kind, None, depth, field=True)

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
        if wanted is _ONE and head & 15 == 12:
            return self._one_of_them(count, depth)
        return [self._value(head & 15, wanted, depth, field=False) for _ in range(count)]

    def _one_of_them(self, count: int, depth: int) -> list[Any]:
        before = min(self._only, count)
        self._skip(12, depth, before)
        found = [self.struct(_ONE, depth)] if before < count else []
        self._skip(12, depth, count - before - len(found))
        return found

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
            if shift > 63:
                raise ValueError("its footer has a number that is none")
        return found | byte << shift

    def _zigzag(self) -> int:
        found = self._varint()
        return (found >> 1) ^ -(found & 1)
