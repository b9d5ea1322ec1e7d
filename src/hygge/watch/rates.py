"""How numbers are said, and how fast rows go by."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from datetime import datetime, timedelta

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def rows(count: int) -> str:
    """`12,345 rows`, `1 row`."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def flows(names: Collection[str]) -> str:
    """`200 flows`, `1 flow`; `1 flow, 5 tables` where some are the entities of one flow."""
    written = len({name.partition(".")[0] for name in names})
    told = f"{written:,} flow{'' if written == 1 else 's'}"
    return told if written == len(names) else f"{told}, {len(names):,} tables"


def size(count: float) -> str:
    """`812 B`, `12.3 MB`: powers of a thousand, as disks are sold."""
    step = 0
    while count >= 999.95 and step < len(_SIZES) - 1:
        count, step = count / 1000, step + 1
    return f"{count:.0f} B" if step == 0 else f"{count:.1f} {_SIZES[step]}"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `2 min 05 s`, `1 h 02 min`: no finer than a person cares."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Rate:
    """Rows a second over the last moments, so that a stall shows."""

    def __init__(self, began: datetime, window: timedelta = timedelta(seconds=10)) -> None:
        self._began, self._window = began, window
        self._seen = deque[tuple[datetime, int]]()

    def add(self, at: datetime, count: int) -> None:
        """So many rows went by at this time."""
        # batches of one tenth of a second count as one, so that a fast flow stays cheap
        if self._seen and at - self._seen[-1][0] < timedelta(seconds=0.1):
            first, before = self._seen.pop()
            self._seen.append((first, before + count))
        else:
            self._seen.append((at, count))
        self._forget(at)

    def per_second(self, now: datetime) -> float:
        """Rows a second, seen from now."""
        self._forget(now)
        span = min(self._window, max(now - self._began, timedelta(seconds=1)))
        return sum(count for _, count in self._seen) / span.total_seconds()

    def _forget(self, now: datetime) -> None:
        while self._seen and now - self._seen[0][0] > self._window:
            self._seen.popleft()
