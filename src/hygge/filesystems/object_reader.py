"""One object, read from anywhere in it: a read is a ranged request, or comes from what is here."""

from __future__ import annotations

import io
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
"""Bytes that are fetched before they are asked for, at most; a larger piece is not."""

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


class _Coming:
    """Pieces on their way, in the order in which they will be read."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._wanted = deque[tuple[int, int]]()
        self._asked = deque[tuple[int, int, Future[bytes | memoryview]]]()
        self._pool: ThreadPoolExecutor | None = None

    def expect(self, spans: Sequence[tuple[int, int]]) -> None:
        self._wanted = deque(spans)
        self._go_on()

    def taken(self, start: int, end: int) -> tuple[int, memoryview] | None:
        """The piece with these bytes, if it is one that was expected; those before it are over."""
        if not any(low <= start and end <= high for low, high, _ in self._asked):
            return None
        while True:
            low, high, piece = self._asked.popleft()
            self._go_on()
            if low <= start and end <= high:
                return low, memoryview(piece.result())

    def _go_on(self) -> None:
        """Ask for as much as may lie in memory."""
        while self._wanted and len(self._asked) < _READERS:
            low, high = self._wanted[0]
            held = sum(b - a for a, b, _ in self._asked)
            if self._asked and held + high - low > _IN_MEMORY:
                return
            self._wanted.popleft()
            self._pool = self._pool or ThreadPoolExecutor(_READERS, "fetch")
            self._asked.append((low, high, self._pool.submit(self._fetch, low, high)))

    def close(self) -> None:
        self._wanted.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
