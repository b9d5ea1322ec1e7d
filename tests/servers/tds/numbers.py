"""Values on the wire that have no text: little-endian, dates from the year 1 ([MS-TDS] 2.2.5.5)."""

from __future__ import annotations

import re
import struct
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

EPOCH, OLD_EPOCH = date(1, 1, 1), datetime(1900, 1, 1)
_MOMENT = re.compile(
    r"(?:(?P<day>\d{4}-\d\d-\d\d)[ T]?)?(?:(?P<h>\d\d):(?P<m>\d\d)(?::(?P<s>\d\d)(?:\.(?P<f>\d{1,7}))?)?)?"
    r" ?(?P<zone>Z|[+-]\d\d:\d\d)?"
)
DAY = 864_000_000_000
"""Ticks of 100 ns."""


def ticks_of(text: str) -> tuple[int, int, int]:
    """Days since the year 1, ticks since midnight, and minutes east. Raises ValueError."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    day = (date.fromisoformat(found["day"]) - EPOCH).days if found["day"] else 693_595
    seconds = (int(found["h"] or 0) * 60 + int(found["m"] or 0)) * 60 + int(found["s"] or 0)
    fraction = int((found["f"] or "").ljust(7, "0"))
    zone, east = found["zone"] or "Z", 0
    if zone != "Z":
        east = (int(zone[1:3]) * 60 + int(zone[4:])) * (-1 if zone[0] == "-" else 1)
    return day, seconds * 10_000_000 + fraction, east


def rounded(day: int, ticks: int, scale: int) -> tuple[int, int]:
    """To so many digits; half goes up, but never beyond the last day."""
    unit = 10 ** (7 - scale)
    up = (ticks + unit // 2) // unit * unit
    if up < DAY:
        return day, up
    last = (date.max - EPOCH).days
    return (day + 1, 0) if day < last else (day, ticks // unit * unit)


def clock_text(ticks: int, scale: int) -> str:
    seconds, fraction = divmod(ticks, 10_000_000)
    whole = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{whole}.{f'{fraction:07}'[:scale]}" if scale else whole


def day_text(day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat()


def utc(day: int, ticks: int, east: int) -> tuple[int, int]:
    """The same moment in UTC."""
    total = day * DAY + ticks - east * 600_000_000
    return divmod(total, DAY)


# onto the wire


def length(raw: bytes) -> bytes:
    return bytes([len(raw)]) + raw


def whole(value: int, size: int, *, signed: bool = True) -> bytes:
    return length(value.to_bytes(size, "little", signed=signed))


def packed_clock(ticks: int, scale: int) -> bytes:
    size = 3 if scale < 3 else 4 if scale < 5 else 5
    return (ticks // 10 ** (7 - scale)).to_bytes(size, "little")


def packed_day(day: int) -> bytes:
    return day.to_bytes(3, "little")


def decimal_size(precision: int) -> int:
    return 4 if precision <= 9 else 8 if precision <= 19 else 12 if precision <= 28 else 16


def packed_decimal(value: Decimal, precision: int, scale: int) -> bytes:
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    number = int("".join(map(str, digits))) if digits else 0
    shift = exponent + scale
    number = number * 10**shift if shift >= 0 else number // 10**-shift
    return length(bytes([1 - sign]) + number.to_bytes(decimal_size(precision), "little"))


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
        struct.pack("<iI", since.days, round((since.seconds * 10**6 + since.microseconds) * 3 / 1e4))
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


def unpacked_datetime(raw: bytes) -> datetime:
    if len(raw) == 8:
        days, parts = struct.unpack("<iI", raw)
        return OLD_EPOCH + timedelta(days=days, milliseconds=round(parts * 10 / 3))
    days, minutes = struct.unpack("<HH", raw)
    return OLD_EPOCH + timedelta(days=days, minutes=minutes)


def unpacked_ticks(raw: bytes, scale: int) -> int:
    return int.from_bytes(raw, "little") * 10 ** (7 - scale)


def moment(value: datetime | date | time | str) -> str:
    """As text that `ticks_of` reads."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat(" ")
    return value if isinstance(value, str) else value.isoformat()
