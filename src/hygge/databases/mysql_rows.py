"""Rows of MySQL's text protocol, cut into columns, many rows at a time.

A packet is its length in three bytes, its number in one, and a row; a row of 2^24 - 1 bytes or more
goes on in the next packet. A cell is its length and its bytes: lengths from 251 on are told by the
bytes that follow, and 251 itself is NULL. (MySQL's documentation, "MySQL Packets", "Text Resultset
Row" and "Protocol::LengthEncodedInteger".)
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
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
_NULL, _NONE = 251, 255
_END, _ERROR = b"\xfe", b"\xff"
_SHORT = 9
"""A packet shorter than this that begins as the end does is the end."""
_LONGER = {252: 2, 253: 3, 254: 8}
_HEAD = Struct("<I")
_NOTHING = pl.Series([None], dtype=pl.Binary)


@dataclass(frozen=True)
class Rows:
    """Rows as they came: where the head of each lies among these bytes, and where each ends."""

    data: bytes
    heads: Sequence[int]
    ends: Sequence[int]


def streamed(cursor: Any, names: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The rows of a cursor that has sent its query, as columns of bytes.

    Raises what the driver raises, and ConnectionFailed for what is not of the protocol.
    """
    result = cursor._result
    for rows in packets(result.connection):
        yield columns(rows, names)
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
            if walk.at >= _BYTES or len(walk.heads) >= _ROWS or walk.long:
                yield from walk.taken()
            if (joined := walk.joined() if walk.long else None) is None:
                break
            yield joined
    yield from walk.taken()
    if len(walk.data) > _HEAD.size + walk.size:
        raise ConnectionFailed("the server said more than was asked")


class _Walk:
    """From packet to packet through what has come so far."""

    def __init__(self) -> None:
        self.data, self.at = bytearray(), 0
        self.heads = array("q")
        self.over = self.long = False
        self.size = 0  # of what ends it
        self._number: int | None = None

    def on(self) -> None:
        """As far as it goes; stops before a row of several packets, which is `long`.

        Such a row is never passed by: of its first packet there is never all when it is met.
        """
        if self.long:
            return
        data, at, before = self.data, self.at, len(self.heads)
        head, note, stop = _HEAD.unpack_from, self.heads.append, len(self.data) - 3
        while at < stop:  # once a row: nothing that can be seen to later belongs in here
            size = head(data, at)[0] & _WHOLE
            if size < _SHORT and data[at + 4 : at + 5] == _END:
                self.over, self.size = at + 4 + size <= len(data), size
                break
            note(at)
            at += 4 + size
        if at > len(data):
            at = self.heads.pop()
            self.long = head(data, at)[0] & _WHOLE == _WHOLE
        self.at = at
        if (count := len(self.heads) - before) > 0:
            self._refuse(count)

    def _refuse(self, count: int) -> None:
        """Raise for packets that are none of the rows: out of order, or in the end an error."""
        first, last = self.heads[-count], self.heads[-1]
        expected = self.data[first + 3] if self._number is None else self._number + 1
        self._number = self.data[last + 3]
        if self._number != (expected + count - 1) % 256:
            raise InternalError("packets came out of order")
        if self.data[last + 4 : last + 5] == _ERROR:
            MysqlPacket(bytes(self.data[last + 4 : self.at]), "utf8").raise_for_error()

    def taken(self) -> Iterator[Rows]:
        """What was passed, if anything was; it is forgotten here."""
        if self.heads:
            ends = self.heads[1:]
            ends.append(self.at)
            yield Rows(bytes(memoryview(self.data)[: self.at]), self.heads, ends)
        del self.data[: self.at]
        self.at, self.heads = 0, array("q")

    def joined(self) -> Rows | None:
        """The row of several packets at which it stopped, once it is all there."""
        at, parts, size = 0, list[slice](), _WHOLE
        while size == _WHOLE:
            if at + 4 > len(self.data):
                return None
            head = _HEAD.unpack_from(self.data, at)[0]
            size = head & _WHOLE
            parts.append(slice(at + 4, at + 4 + size))
            at += 4 + size
        if at > len(self.data):
            return None
        whole = b"".join(self.data[part] for part in parts)
        del self.data[:at]
        self.long, self._number = False, head >> 24
        return Rows(whole, [-4], [len(whole)])


def columns(rows: Rows, names: Sequence[str]) -> pl.DataFrame:
    """Raises ConnectionFailed for a row that is not cells to its end."""
    size = len(rows.data)
    data = pl.Series(pa.Array.from_buffers(pa.uint8(), size, [None, pa.py_buffer(rows.data)]))
    heads, ends = (pl.Series(values, dtype=pl.Int64) for values in (rows.heads, rows.ends))
    at, turns = heads + _HEAD.size, _turns(len(heads))
    found = []
    for name in names:
        begin, length, null = _cells(data, at, ends)
        at = begin + length
        _refuse_short((at > ends).any())
        found.append(_taken(rows.data, pl.concat([begin, at]).gather(turns), null).rename(name))
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
        _refuse_short((head == _NONE).any())
    return begin, length, null


def _turns(count: int) -> pl.Series:
    """The order in which beginnings and ends, one after the other, are each in turn."""
    each = pl.int_range(0, 2 * count, dtype=pl.Int64, eager=True)
    return (each // 2 + (each % 2) * count).cast(pl.UInt32)


def _taken(data: bytes, cuts: pl.Series, null: pl.Series) -> pl.Series:
    """The cells, which lie apart: every other of the pieces into which they cut the bytes."""
    buffers = [None, cuts.to_arrow().buffers()[1], pa.py_buffer(data)]
    cells = pl.Series(pa.Array.from_buffers(pa.large_binary(), len(cuts) - 1, buffers))
    cells = cells.gather_every(2)
    return cells.zip_with(~null, _NOTHING) if null.any() else cells


def _refuse_short(short: bool | None) -> None:
    if short:
        raise ConnectionFailed("a row came cut short")
