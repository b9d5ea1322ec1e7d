"""One object, read from anywhere in it: a read is a ranged request, or comes from what is here."""

from __future__ import annotations

import io
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

_AHEAD: Final = 4 * 2**20
"""Whoever reads on where the last read ended gets so much at once."""
_TAIL: Final = 2**16
"""The end is asked for at once: most formats begin there."""
_READERS: Final = 3
_IN_MEMORY: Final = 64 * 2**20
"""Bytes that are fetched before they are asked for, at most, by all readers together; a larger
piece is not."""

_PART: Final = 8 * 2**20
"""Larger pieces are fetched in parts: who fetches has each twice for a moment."""

Fetch = Callable[[int, int], bytes | memoryview]


class ObjectReader(io.RawIOBase):
    """A seekable file whose bytes are fetched by `fetch(start, end)`."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        super().__init__()
        self._size, self._fetch = size, fetch
        self._at = self._last = 0
        self._held = _NOTHING
        self._coming = _Coming(fetch)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def readall(self) -> bytes:
        return self.read(self._size - self._at)

    def read(self, size: int | None = -1, /) -> bytes:
        if self.closed:
            raise ValueError("this file is closed")
        start = self._at
        end = self._size if size is None or size < 0 else min(self._size, start + size)
        if start >= end:
            return b""
        if not self._held.has(start, end):
            self._held = _NOTHING  # let go before the next one comes
            self._held = self._filled(start, end)
        self._at = self._last = end
        return self._held.read(start, end)

    def expect(self, spans: Sequence[tuple[int, int]]) -> None:
        """These pieces will be read, in this order: fetch them while others are worked on."""
        self._coming.expect([span for span in spans if span[1] - span[0] <= _IN_MEMORY])

    def close(self) -> None:
        self._coming.close()
        super().close()

    def _filled(self, start: int, end: int) -> Held:
        if (found := self._coming.taken(start, end)) is not None:
            return found
        if end == self._size and end - start < _TAIL:
            start = max(0, end - _TAIL)
        elif start == self._last:
            end = min(self._size, max(end, start + _AHEAD))
        return fetched(self._fetch, start, end)


@dataclass(frozen=True)
class Held:
    """What was fetched from `start` on, in parts of one size; the last may be smaller."""

    start: int
    parts: Sequence[memoryview]

    def has(self, start: int, end: int) -> bool:
        return self.start <= start and end <= self.start + sum(map(len, self.parts))

    def read(self, start: int, end: int) -> bytes:
        found, at = list[memoryview](), self.start
        for part in self.parts:
            if at < end and start < at + len(part):
                found.append(part[max(0, start - at) : end - at])
            at += len(part)
        return bytes(found[0]) if len(found) == 1 else b"".join(found)


def fetched(fetch: Fetch, start: int, end: int) -> Held:
    parts = range(start, end, _PART)
    return Held(start, [memoryview(fetch(at, min(at + _PART, end))) for at in parts])


_NOTHING: Final = Held(0, ())


class Room:
    """Memory for what is expected, shared evenly by all readers of this process that expect."""

    def __init__(self, most: int) -> None:
        self._most, self._readers, self._lock = most, 0, threading.Lock()

    def join(self) -> None:
        with self._lock:
            self._readers += 1

    def leave(self) -> None:
        with self._lock:
            self._readers -= 1

    @property
    def share(self) -> int:
        """Bytes that one reader may have."""
        return self._most // max(1, self._readers)


ROOM: Final = Room(_IN_MEMORY)


class _Coming:
    """Pieces on their way, in the order in which they will be read."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._wanted = deque[tuple[int, int]]()
        self._asked = deque[tuple[int, int, Future[Held]]]()
        self._pool: ThreadPoolExecutor | None = None
        self._read_now, self._expects = 0, False

    def expect(self, spans: Sequence[tuple[int, int]]) -> None:
        self._wanted = deque(spans)
        if not self._expects:
            self._expects = True
            ROOM.join()
        self._go_on()

    def taken(self, start: int, end: int) -> Held | None:
        """The piece with these bytes, if it is one that was expected; those before it are over."""
        coming = [(low, high) for low, high, _ in self._asked]
        if not any(low <= start and end <= high for low, high in (*coming, *self._wanted)):
            return None
        while True:
            if not self._asked:
                self._ask()
            low, high, piece = self._asked.popleft()
            self._read_now = high - low
            if low <= start and end <= high:
                self._go_on()
                return piece.result()

    def _go_on(self) -> None:
        """Ask for as much as may lie in memory, with what is read now."""
        while self._wanted and len(self._asked) < _READERS:
            held = self._read_now + sum(high - low for low, high, _ in self._asked)
            low, high = self._wanted[0]
            if held and held + high - low > ROOM.share:
                return
            self._ask()

    def _ask(self) -> None:
        low, high = self._wanted.popleft()
        self._pool = self._pool or ThreadPoolExecutor(_READERS, "fetch")
        self._asked.append((low, high, self._pool.submit(fetched, self._fetch, low, high)))

    def close(self) -> None:
        self._wanted.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        if self._expects:
            self._expects = False
            ROOM.leave()
