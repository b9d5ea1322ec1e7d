"""A new file on its way: counts its bytes and sums them up as they pass."""

from __future__ import annotations

from abc import ABC, abstractmethod

import xxhash

GATHER = 2**20
"""Small writes are gathered up to this many bytes; larger ones go straight through."""


class DigestingSink(ABC):
    """What the sinks of all filesystems share. `data` is bytes or anything that lends its bytes."""

    def __init__(self) -> None:
        self._size = 0
        self._sum = xxhash.xxh3_128()
        self._gathered = bytearray()
        self._closed = False

    def write(self, data: bytes, /) -> int:
        if self._closed:
            raise ValueError("this file is closed")
        view = memoryview(data).cast("B")
        self._sum.update(view)
        self._size += len(view)
        if len(view) >= GATHER:
            self.flush()
            self._put(view)
        else:
            self._gathered += view
            if len(self._gathered) >= GATHER:
                self.flush()
        return len(view)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Give what was gathered to the system; not durable yet."""
        if self._gathered:
            gathered, self._gathered = self._gathered, bytearray()
            self._put(memoryview(gathered))

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def size(self) -> int:
        return self._size

    @property
    def digest(self) -> str:
        return str(self._sum.hexdigest())

    @property
    def version(self) -> str | None:
        return None

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self.flush()
            self._make_durable()
        finally:
            self._let_go()

    def abort(self) -> None:
        if not self._closed:
            self._closed = True
            self._gathered.clear()
            self._let_go()

    @abstractmethod
    def _put(self, data: memoryview) -> None:
        """All of these bytes, after those before."""

    @abstractmethod
    def _make_durable(self) -> None: ...

    @abstractmethod
    def _let_go(self) -> None:
        """Give the handle back. Called once."""
