"""Rows of MySQL's protocol are cut exactly where the server meant it, however they arrive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymysql.err import InternalError, OperationalError, ProgrammingError

from hygge.core.errors import ConnectionFailed
from hygge.databases.mysql_rows import columns, packets, streamed

WHOLE = 2**24 - 1
Row = tuple[bytes | None, ...]


def cell(value: bytes | None) -> bytes:
    if value is None:
        return b"\xfb"
    size = len(value)
    if size < 251:
        return bytes([size]) + value
    for mark, width in ((252, 2), (253, 3), (254, 8)):
        if size < 256**width:
            return bytes([mark]) + size.to_bytes(width, "little") + value
    raise AssertionError


class Sent:
    """What a server sends, packet by packet."""

    def __init__(self) -> None:
        self.data, self.number = bytearray(), 7

    def packet(self, payload: bytes) -> Sent:
        while True:
            part, payload, more = payload[:WHOLE], payload[WHOLE:], len(payload) >= WHOLE
            self.data += len(part).to_bytes(3, "little") + bytes([self.number % 256]) + part
            self.number += 1
            if not more:
                return self

    def rows(self, rows: Sequence[Row]) -> Sent:
        for row in rows:
            self.packet(b"".join(map(cell, row)))
        return self

    def end(self) -> Sent:
        return self.packet(b"\xfe\0\0\0\0")


class Pieces:
    """Gives what was sent in pieces of these sizes, over and over."""

    def __init__(self, data: bytes, sizes: Sequence[int]) -> None:
        self._data, self._sizes, self._at, self._turn = data, sizes, 0, 0

    def read1(self, most: int) -> bytes:
        size = min(self._sizes[self._turn % len(self._sizes)], most)
        self._turn += 1
        found = self._data[self._at : self._at + size]
        self._at += size
        return found


def link(sent: Sent, sizes: Sequence[int] = (2**18,)) -> Any:
    return SimpleNamespace(_rfile=Pieces(bytes(sent.data), sizes))


def read(sent: Sent, width: int, sizes: Sequence[int] = (2**18,)) -> list[Row]:
    result = SimpleNamespace(connection=link(sent, sizes), unbuffered_active=True)
    names = [f"c{n}" for n in range(width)]
    frames = list(streamed(SimpleNamespace(_result=result), names))
    assert not result.unbuffered_active
    return [row for frame in frames for row in frame.rows()]


CELLS = st.one_of(
    st.none(),
    st.binary(max_size=20),
    st.sampled_from([b"", b"\xfb" * 250, b"\xfe" * 251, b"\xff" * 252, b"x" * 65_535]),
    st.just(b"y" * 65_536),
)
SIZES = st.lists(st.integers(1, 70_000), min_size=1, max_size=5)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=300), SIZES)
def test_rows_arrive_as_they_were_sent(rows: list[Row], sizes: list[int]) -> None:
    sent = Sent().rows(rows).end()
    if min(sizes) < 100:
        sizes = [size + len(sent.data) // 1000 for size in sizes]
    assert read(sent, 3, sizes) == rows


@pytest.mark.parametrize("size", [WHOLE - 10, WHOLE - 5, WHOLE - 4, WHOLE, 2**24, 2 * WHOLE])
def test_rows_of_several_packets_between_others(size: int) -> None:
    long: Row = (b"z" * size, b"beside")
    rows: list[Row] = [(b"first", None), long, (b"between", b""), long, long, (None, b"last")]
    assert read(Sent().rows(rows).end(), 2, [100_000, 2**25]) == rows


def test_more_rows_than_make_a_batch() -> None:
    rows: list[Row] = [(b"%d" % n,) for n in range(150_000)]
    frames = [columns(found, ["n"]) for found in packets(link(Sent().rows(rows).end()))]
    assert len(frames) > 1
    assert [row for frame in frames for row in frame.rows()] == rows


def test_no_rows() -> None:
    assert read(Sent().end(), 1) == []


def test_rows_before_an_error_do_not_hide_it() -> None:
    sent = Sent().rows([(b"1",)]).packet(b"\xff\x28\x04#42000You have an error")
    with pytest.raises(ProgrammingError, match="You have an error"):
        read(sent, 1)


def test_a_connection_that_ends() -> None:
    with pytest.raises(OperationalError, match="closed the connection"):
        read(Sent().rows([(b"1",)]), 1)


def test_a_packet_that_was_left_out() -> None:
    sent = Sent().rows([(b"1",)])
    sent.number += 1
    with pytest.raises(InternalError, match="out of order"):
        read(sent.rows([(b"3",)]).end(), 1)


def test_what_comes_after_the_end() -> None:
    sent = Sent().rows([(b"1",)]).end().rows([(b"2",)])
    with pytest.raises(ConnectionFailed, match="more than was asked"):
        read(sent, 1)


def spoilt() -> Iterator[bytes]:
    row = cell(b"whole") + cell(b"x" * 300)
    yield from (row[:-lost] for lost in (1, 4, 300, 301, 302, 303))
    yield row + b"\0"
    yield cell(b"whole") + b"\xff" + b"x" * 255


@pytest.mark.parametrize("row", list(spoilt()))
def test_a_row_cut_short_is_no_row(row: bytes) -> None:
    whole = cell(b"whole") + cell(b"beside")
    with pytest.raises(ConnectionFailed, match="cut short"):
        read(Sent().packet(whole).packet(row).packet(whole).end(), 2)
