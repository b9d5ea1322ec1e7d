"""Values on the wire that have no text: little-endian, dates from the year 1 ([MS-TDS] 2.2.5.5)."""

from __future__ import annotations

import struct
from datetime import date, datetime, timedelta
from decimal import Decimal

EPOCH, OLD_EPOCH = date(1, 1, 1), datetime(1900, 1, 1)


def clock_text(ticks: int) -> str:
    """Of 100 ns since midnight, with seven digits."""
    seconds, fraction = divmod(ticks, 10_000_000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:07}"


def unit(scale: int) -> int:
    """Ticks of 100 ns in the last digit of a clock."""
    found: int = 10 ** (7 - scale)
    return found


def clock_size(scale: int) -> int:
    """Bytes of a clock."""
    return 3 if scale < 3 else 4 if scale < 5 else 5


def day_text(day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat()


# onto the wire


def length(raw: bytes) -> bytes:
    return bytes([len(raw)]) + raw


def packed_day(day: int) -> bytes:
    return day.to_bytes(3, "little")


def decimal_size(precision: int) -> int:
    return 4 if precision <= 9 else 8 if precision <= 19 else 12 if precision <= 28 else 16


def packed_money(value: Decimal, size: int) -> bytes:
    number = int(value * 10_000)
    if size == 4:
        return length(number.to_bytes(4, "little", signed=True))
    high, low = number >> 32, number & 0xFFFFFFFF
    return length(struct.pack("<iI", high, low))


def packed_datetime(value: datetime, size: int) -> bytes:
    """`datetime` counts 1/300 s, `smalldatetime` minutes; both days since 1900."""
    since = value - OLD_EPOCH
    if size == 4:
        return length(struct.pack("<HH", since.days, round(since.seconds / 60)))
    return length(
        struct.pack(
            "<iI", since.days, round((since.seconds * 10**6 + since.microseconds) * 3 / 1e4)
        )
    )


# from the wire


def unpacked_decimal(raw: bytes, scale: int) -> Decimal:
    digits = tuple(map(int, str(int.from_bytes(raw[1:], "little"))))
    return Decimal((0 if raw[0] else 1, digits, -scale))


def unpacked_money(raw: bytes) -> Decimal:
    if len(raw) == 4:
        number = int.from_bytes(raw, "little", signed=True)
    else:
        high, low = struct.unpack("<iI", raw)
        number = (high << 32) + low
    return Decimal(number).scaleb(-4)


def old_text(raw: bytes) -> str:
    """`datetime` and `smalldatetime`, with seven digits."""
    if len(raw) == 4:
        days, minutes = struct.unpack("<HH", raw)
        return f"{OLD_EPOCH + timedelta(days=days, minutes=minutes)}.0000000"
    days, parts = struct.unpack("<iI", raw)
    ticks = (parts * 100_000 + 1) // 3
    return f"{(OLD_EPOCH + timedelta(days=days)).date()} {clock_text(ticks)}"


def unpacked_ticks(raw: bytes, scale: int) -> int:
    return int.from_bytes(raw, "little") * unit(scale)
