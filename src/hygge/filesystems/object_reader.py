"""One object, read from anywhere in it: a read is a ranged request, or comes from what is here."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final

_AHEAD: Final = 4 * 2**20
"""Whoever reads on where the last read ended gets so much at once."""
_TAIL: Final = 2**16
"""The end is asked for at once: most formats begin there."""


class ObjectReader(io.RawIOBase):
    """A seekable file whose bytes are fetched by `fetch(start, end)`."""

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        super().__init__()
        self._size, self._fetch = size, fetch
        self._at = self._last = 0
        self._start, self._held = 0, b""  # what was fetched, and where it begins

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
        if not (self._start <= start and end <= self._start + len(self._held)):
            self._fill(start, end)
        self._at = self._last = end
        return self._held[start - self._start : end - self._start]

    def _fill(self, start: int, end: int) -> None:
        if end == self._size and end - start < _TAIL:
            start = max(0, end - _TAIL)
        elif start == self._last:
            end = min(self._size, max(end, start + _AHEAD))
        self._start, self._held = start, self._fetch(start, end)
