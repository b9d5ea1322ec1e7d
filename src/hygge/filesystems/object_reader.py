"""One object, read from anywhere in it: a read is a ranged request, or comes from what is here."""

from __future__ import annotations

import io
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

_AHEAD: Final = 4 * 2**20
"""Whoever reads on where the last read ended gets so much at once."""
_TAIL: Final = 2**16
"""The end is asked for at once: most formats begin there."""
_READERS: Final = 3
_IN_MEMORY: Final = 64 * 2**20
"""Bytes that are fetched before they are asked for, at most, by all readers together; a larger
piece is not."""

Fetch = Callable[[int, int], bytes | memoryview]


class ObjectReader(io.RawIOBase):
    """A seekable file whose bytes are fetched by `fetch(start, end)`."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        super().__init__()
        self._size, self._fetch = size, fetch
        self._at = self._last = 0
        self._start, self._held = 0, memoryview(b"")  # what was fetched, and where it begins
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
        if not self._has(start, end):
            self._fill(start, end)
        self._at = self._last = end
        return bytes(self._held[start - self._start : end - self._start])

    def expect(self, spans: Sequence[tuple[int, int]]) -> None:
        """These pieces will be read, in this order: fetch them while others are worked on."""
        self._coming.expect([span for span in spans if span[1] - span[0] <= _IN_MEMORY])

    def close(self) -> None:
        self._coming.close()
        super().close()

    def _has(self, start: int, end: int) -> bool:
        return self._start <= start and end <= self._start + len(self._held)

    def _fill(self, start: int, end: int) -> None:
        if (found := self._coming.taken(start, end)) is not None:
            self._start, self._held = found
            return
        if end == self._size and end - start < _TAIL:
            start = max(0, end - _TAIL)
        elif start == self._last:
            end = min(self._size, max(end, start + _AHEAD))
        self._start, self._held = start, memoryview(self._fetch(start, end))


class Room:
    """What all readers of this process have in memory of pieces that they expect."""

    def __init__(self, most: int) -> None:
        self._most, self._taken, self._lock = most, 0, threading.Lock()

    def take(self, size: int, *, needed: bool) -> bool:
        """Whether there is room for it; there always is for what is read now."""
        with self._lock:
            fits = needed or self._taken + size <= self._most
            self._taken += size if fits else 0
            return fits

    def give(self, size: int) -> None:
        with self._lock:
            self._taken -= size


ROOM: Final = Room(_IN_MEMORY)


class _Coming:
    """Pieces on their way, in the order in which they will be read."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._wanted = deque[tuple[int, int]]()
        self._asked = deque[tuple[int, int, Future[bytes | memoryview]]]()
        self._pool: ThreadPoolExecutor | None = None
        self._read_now = 0

    def expect(self, spans: Sequence[tuple[int, int]]) -> None:
        self._wanted = deque(spans)
        self._go_on()

    def taken(self, start: int, end: int) -> tuple[int, memoryview] | None:
        """The piece with these bytes, if it is one that was expected; those before it are over."""
        coming = [(low, high) for low, high, _ in self._asked]
        if not any(low <= start and end <= high for low, high in (*coming, *self._wanted)):
            return None
        while True:
            ROOM.give(self._read_now)
            if not self._asked:
                self._ask(needed=True)
            low, high, piece = self._asked.popleft()
            self._read_now = high - low
            if low <= start and end <= high:
                self._go_on()
                return low, memoryview(piece.result())

    def _go_on(self) -> None:
        """Ask for as much as may lie in memory."""
        while self._wanted and len(self._asked) < _READERS and self._ask(needed=False):
            pass

    def _ask(self, *, needed: bool) -> bool:
        low, high = self._wanted[0]
        if not ROOM.take(high - low, needed=needed):
            return False
        self._wanted.popleft()
        self._pool = self._pool or ThreadPoolExecutor(_READERS, "fetch")
        self._asked.append((low, high, self._pool.submit(self._fetch, low, high)))
        return True

    def close(self) -> None:
        self._wanted.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        ROOM.give(self._read_now + sum(high - low for low, high, _ in self._asked))
        self._read_now = 0
        self._asked.clear()
