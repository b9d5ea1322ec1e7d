"""Rows of MySQL's text protocol, cut into columns, many rows at a time.

A packet is its length in three bytes, its number in one, and a row; a row of 2^24 - 1 bytes or more
goes on in the next packet. A cell is its length and its bytes: lengths from 251 on are told by the
bytes that follow, and 251 itself is NULL. (MySQL's documentation, "MySQL Packets", "Text Resultset
Row" and "Protocol::LengthEncodedInteger".)
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from struct import unpack_from
from typing import Any

import polars as pl
import pyarrow as pa
from pymysql.constants import CR
from pymysql.err import InternalError, OperationalError
from pymysql.protocol import MysqlPacket

from hygge.core.errors import ConnectionFailed

_AT_ONCE = 2**18
_BYTES = 4 * 2**20
_ROWS = 65_536
"""As much of the stream makes a batch."""
_WHOLE = 2**24 - 1
_NULL, _END, _ERROR = 251, 254, 255
_LONGER = {252: 2, 253: 3, 254: 8}


@dataclass(frozen=True)
class Rows:
    """Rows as they came: where each begins and ends among these bytes."""

    data: bytes
    starts: Sequence[int]
    ends: Sequence[int]


def streamed(
    cursor: Any, names: Sequence[str], give_up: Callable[[Iterator[Rows]], None] | None = None
) -> Generator[pl.DataFrame, None, None]:
    """The rows of a cursor that has sent its query, as columns of bytes; if they are not wanted to
    their end, the rest is to `give_up`.

    Raises what the driver raises, and ConnectionFailed for what is not of the protocol.
    """
    result = cursor._result
    rest = packets(result.connection)
    try:
        for rows in rest:
            yield columns(rows, names)
    except GeneratorExit:
        if give_up is not None:
            result.unbuffered_active = False
            give_up(rest)
        raise
    result.unbuffered_active = False


def packets(link: Any) -> Iterator[Rows]:
    """Until the server says that it was all. It sends nothing of its own accord after that."""
    walk = _Walk()
    while not walk.over:
        chunk = link._rfile.read1(_AT_ONCE)
        if not chunk:
            raise OperationalError(CR.CR_SERVER_LOST, "the server closed the connection")
        walk.data += chunk
        joined: Rows | None
        while True:
            walk.on()
            if walk.at >= _BYTES or len(walk.starts) >= _ROWS or walk.long:
                yield from walk.taken()
            if (joined := walk.joined() if walk.long else None) is None:
                break
            yield joined
    yield from walk.taken()
    if walk.at < len(walk.data):
        raise ConnectionFailed("the server said more than was asked")


class _Walk:
    """From packet to packet through what has come so far."""

    def __init__(self) -> None:
        self.data, self.at = bytearray(), 0
        self.starts, self.ends = array("q"), array("q")
        self.over = self.long = False
        self._number: int | None = None

    def on(self) -> None:
        """As far as it goes; stops before a row of several packets, which is `long`."""
        data, at, number = self.data, self.at, self._number
        start, end, stop = self.starts.append, self.ends.append, len(data)
        while at + 4 < stop:
            head = unpack_from("<I", data, at)[0]
            after = at + 4 + (head & _WHOLE)
            if after > stop:
                break
            if head & _WHOLE == _WHOLE:
                self.long = True
                break
            if data[at + 4] >= _END and self._ends(at + 4, after):
                self.over, at = True, after
                break
            if number is not None and head >> 24 != (number + 1) % 256:
                raise InternalError("packets came out of order")
            number = head >> 24
            start(at + 4)
            end(after)
            at = after
        self.at, self._number = at, number

    def _ends(self, at: int, after: int) -> bool:
        """Whether this is the end. Raises the server's error if it is one."""
        if self.data[at] == _ERROR:
            MysqlPacket(bytes(self.data[at:after]), "utf8").raise_for_error()
        return after - at < 9

    def taken(self) -> Iterator[Rows]:
        """What was passed, if anything was; it is forgotten here."""
        if self.starts:
            yield Rows(bytes(memoryview(self.data)[: self.at]), self.starts, self.ends)
        del self.data[: self.at]
        self.at, self.starts, self.ends = 0, array("q"), array("q")

    def joined(self) -> Rows | None:
        """The row of several packets at which it stopped, once it is all there."""
        at, parts, size = 0, list[slice](), _WHOLE
        while size == _WHOLE:
            if at + 4 > len(self.data):
                return None
            head = unpack_from("<I", self.data, at)[0]
            size = head & _WHOLE
            parts.append(slice(at + 4, at + 4 + size))
            at += 4 + size
        if at > len(self.data):
            return None
        whole = b"".join(self.data[part] for part in parts)
        del self.data[:at]
        self.long, self._number = False, head >> 24
        return Rows(whole, [0], [len(whole)])


def columns(rows: Rows, names: Sequence[str]) -> pl.DataFrame:
    """Raises ConnectionFailed for a row that is not cells to its end."""
    size = len(rows.data)
    data = pl.Series(pa.Array.from_buffers(pa.uint8(), size, [None, pa.py_buffer(rows.data)]))
    at, ends = (pl.Series(values, dtype=pl.Int64) for values in (rows.starts, rows.ends))
    found = []
    for name in names:
        begin, length, null = _cells(data, at, ends)
        at = begin + length
        _refuse_short((at > ends).any())
        found.append(_taken(rows.data, begin, at, null).rename(name))
    _refuse_short((at != ends).any())
    return pl.DataFrame(found)


def _cells(
    data: pl.Series, at: pl.Series, ends: pl.Series
) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Where the next cell of each row begins, how long it is, and whether it is NULL."""
    _refuse_short((at >= ends).any())
    head = data.gather(at)
    null = head == _NULL
    begin, length = at + 1, head.cast(pl.Int64)
    if null.any():
        length = length.zip_with(~null, pl.Series([0], dtype=pl.Int64))
    if (head > _NULL).any():
        for mark, width in _LONGER.items():
            here = (head == mark).arg_true()
            _refuse_short((begin.gather(here) + width > ends.gather(here)).any())
            told = pl.Series([0], dtype=pl.Int64).new_from_index(0, len(here))
            for n in range(width):
                told += data.gather(begin.gather(here) + n).cast(pl.Int64) * 256**n
            length = length.scatter(here, told)
            begin = begin.scatter(here, begin.gather(here) + width)
        _refuse_short((head == _ERROR).any())
    return begin, length, null


def _taken(data: bytes, begin: pl.Series, end: pl.Series, null: pl.Series) -> pl.Series:
    """The cells, which lie apart: every other of the pieces into which they cut the bytes."""
    each = pl.int_range(0, 2 * len(begin), dtype=pl.Int64, eager=True)
    cuts = pl.concat([begin, end]).gather(each // 2 + (each % 2) * len(begin))
    count = len(each) - 1
    buffers = [None, cuts.to_arrow().buffers()[1], pa.py_buffer(data)]
    pieces = pa.Array.from_buffers(pa.large_binary(), count, buffers)
    places = pl.int_range(0, count, 2, dtype=pl.Int64, eager=True)
    if null.any():
        places = places.set(null, None)
    return pl.Series(pieces.take(places.to_arrow()))


def _refuse_short(short: bool | None) -> None:
    if short:
        raise ConnectionFailed("a row came cut short")
