"""Places for flows: at most so many at once, and none for one that only waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Places:
    """At most `concurrency` flows hold a place; closed, it gives no new ones."""

    def __init__(self, concurrency: int) -> None:
        self._free = asyncio.Semaphore(concurrency)
        self.closed = False

    @asynccontextmanager
    async def place(self) -> AsyncIterator[bool]:
        """Wait for a place. False: closed meanwhile, do not start."""
        async with self._free:
            yield not self.closed

    async def pause(self, seconds: float) -> None:
        """Wait so long without the place that the caller holds, then take one again."""
        self._free.release()
        try:
            await asyncio.sleep(seconds)
        finally:
            await self._free.acquire()
