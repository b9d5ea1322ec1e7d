"""What the server answers with ([MS-TDS] 2.2.7)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import COLLATION, Kind, wide

DONE, DONE_PROC, DONE_IN_PROC = 0xFD, 0xFE, 0xFF
MORE, ERROR, COUNT, ATTENTION = 0x01, 0x02, 0x10, 0x20
_SERVER = "hygge test server"
VERSION = bytes([16, 0, 0x10, 0])


def short(text: str) -> bytes:
    letters = wide(text)
    return bytes([len(letters) // 2]) + letters


def long(text: str) -> bytes:
    letters = wide(text)
    return struct.pack("<H", len(letters) // 2) + letters


def _sized(token: int, body: bytes) -> bytes:
    return struct.pack("<BH", token, len(body)) + body


def done(token: int = DONE, status: int = 0, count: int | None = None) -> bytes:
    status |= COUNT if count is not None else 0
    return struct.pack("<BHHQ", token, status, 0, count or 0)


def error(failed: SqlError) -> bytes:
    body = struct.pack("<iBB", failed.number, 1, failed.severity) + long(failed.text[:4000])
    return _sized(0xAA, body + short(_SERVER) + short("") + struct.pack("<I", 1))


def changed(what: int, new: str, old: str = "") -> bytes:
    """ENVCHANGE: 1 the database, 2 the language, 4 the packet size."""
    return _sized(0xE3, bytes([what]) + short(new) + short(old))


def changed_bytes(what: int, new: bytes, old: bytes = b"") -> bytes:
    """ENVCHANGE: 7 the collation, 8 a transaction begun, 9 committed, 10 rolled back."""
    return _sized(0xE3, bytes([what, len(new)]) + new + bytes([len(old)]) + old)


def collation() -> bytes:
    return changed_bytes(7, COLLATION)


def login_accepted() -> bytes:
    """LOGINACK: TDS 7.4, and SQL Server 2022's version."""
    body = b"\x01" + b"\x74\0\0\x04" + short("Microsoft SQL Server") + VERSION
    return _sized(0xAD, body)


NULLABLE, WRITABLE, IDENTITY, COMPUTED = 0x01, 0x08, 0x10, 0x20


def columns(named: Sequence[tuple[str, Kind]], flags: Sequence[int] = ()) -> bytes:
    """COLMETADATA."""
    out = bytearray(struct.pack("<BH", 0x81, len(named)))
    for n, (name, kind) in enumerate(named):
        flag = flags[n] if flags else NULLABLE | WRITABLE
        out += struct.pack("<IH", 0, flag) + kind.info + short(name[:128])
    return bytes(out)


def status(value: int) -> bytes:
    """RETURNSTATUS of a procedure."""
    return struct.pack("<Bi", 0x79, value)


def returned(name: str, value: int) -> bytes:
    """RETURNVALUE: an output parameter that is an int."""
    head = b"\xac" + struct.pack("<H", 0) + short(name) + b"\x01" + struct.pack("<IH", 0, 0)
    return head + b"\x26\x04\x04" + struct.pack("<i", value)


def info(text: str) -> bytes:
    """INFO: what PRINT says."""
    body = struct.pack("<iBB", 0, 1, 0) + long(text[:4000])
    return _sized(0xAB, body + short(_SERVER) + short("") + struct.pack("<I", 1))
