"""Rows of MySQL's text protocol, cut into their cells: the driver takes thrice as long for it.

A cell is its length and its bytes; lengths from 251 on are told by the bytes that follow, and 251
itself is NULL. (MySQL's documentation, "Text Resultset Row" and "Protocol::LengthEncodedString".)
"""

from __future__ import annotations

from typing import Any

from hygge.core.errors import ConnectionFailed

_NULL = 251
_LONGER = {252: 2, 253: 3, 254: 8}


def as_bytes(cursor: Any) -> None:
    """Let a cursor that has sent its query give each row as a tuple of bytes, uninterpreted."""
    cursor._result._read_row_from_packet = lambda packet: cells(packet.get_all_data())


def cells(row: bytes) -> tuple[bytes | None, ...]:
    """Raises ConnectionFailed for a row that ends in the middle of a cell."""
    found, at, end = list[bytes | None](), 0, len(row)
    add = found.append
    while at < end:
        size = row[at]
        at += 1
        if size == _NULL:
            add(None)
            continue
        if size > _NULL:
            start = at + _LONGER[size]
            size = int.from_bytes(row[at:start], "little")
            at = start
        start, at = at, at + size
        add(row[start:at])
    if at != end:
        raise ConnectionFailed("a row came cut short")
    return tuple(found)
