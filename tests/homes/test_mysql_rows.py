"""Rows of MySQL's protocol are cut exactly where the server meant it."""

from __future__ import annotations

import pytest

from hygge.core.errors import ConnectionFailed
from hygge.databases.mysql_rows import cells


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


@pytest.mark.parametrize("size", [0, 1, 250, 251, 252, 65_535, 65_536, 2**24 - 1, 2**24])
def test_cells_of_every_length_between_others(size: int) -> None:
    values = (b"first", None, b"\xfb" * size, b"", None, b"last")

    assert cells(b"".join(map(cell, values))) == values


@pytest.mark.parametrize("lost", [1, 4, 5])
def test_a_row_cut_short_is_no_row(lost: int) -> None:
    row = cell(b"whole") + cell(b"x" * 300)

    with pytest.raises(ConnectionFailed):
        cells(row[:-lost])


def test_a_length_cut_short_is_no_row() -> None:
    with pytest.raises(ConnectionFailed):
        cells(cell(b"x" * 300)[:2])
