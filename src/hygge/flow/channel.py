"""The bounded passage between reading and staging: each by count, all together by bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import polars as pl

from hygge.core.driver_thread import finish


class Budget:
    """Bytes in memory, for all that is carried in one run.

    Batches in flight and buffers that writers may fill are counted together, and each kind waits
    in its own line, first come, first served. One batch and one buffer always fit, however large:
    a writer never waits for bytes, so what is in flight always lands and gives its bytes back.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._flying, self._buffers, self.peak = limit, 0, 0, 0
        self._batches, self._openings = asyncio.Lock(), asyncio.Lock()
        self._changed = asyncio.Condition()

    def _fits(self, weight: int) -> bool:
        return self._flying + self._buffers + weight <= self._limit

    def _note(self) -> None:
        self.peak = max(self.peak, self._flying + self._buffers)

    async def take(self, weight: int) -> None:
        """Wait until a batch of so many bytes may be in memory."""
        async with self._batches, self._changed:
            await self._changed.wait_for(lambda: not self._flying or self._fits(weight))
            self._flying += weight
            self._note()

    async def give(self, weight: int) -> None:
        """A batch has left the process. Cancelled, it is counted and told all the same."""
        self._flying -= weight
        await finish(self._tell())

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    @asynccontextmanager
    async def buffer(self, weight: int) -> AsyncIterator[None]:
        """Room for one writer's buffers while it is open."""
        async with self._openings, self._changed:
            await self._changed.wait_for(lambda: not self._buffers or self._fits(weight))
            self._buffers += weight
            self._note()
        try:
            yield
        finally:
            self._buffers -= weight
            await finish(self._tell())


class Channel:
    """Batches from one reader to one writer, at most `max_items` waiting."""

    def __init__(self, max_items: int, budget: Budget) -> None:
        self._items: deque[tuple[pl.DataFrame, int]] = deque()
        self._max_items, self._budget = max_items, budget
        self._closed, self._changed = False, asyncio.Condition()

    async def send(self, batch: pl.DataFrame) -> None:
        """Hand over one batch; waits while the channel or the budget is full."""
        weight = int(batch.estimated_size())
        await self._budget.take(weight)
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: len(self._items) < self._max_items)
                self._items.append((batch, weight))
                self._changed.notify_all()
        except BaseException:
            await self._budget.give(weight)
            raise

    async def close(self) -> None:
        """There is no more to come."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    async def batches(self) -> AsyncGenerator[pl.DataFrame, None]:
        """What was sent, in order, until closed. Ending early gives back what is still waiting."""
        try:
            while True:
                async with self._changed:
                    await self._changed.wait_for(lambda: bool(self._items) or self._closed)
                    if not self._items:
                        return
                    batch, weight = self._items.popleft()
                    self._changed.notify_all()
                try:
                    yield batch
                finally:
                    del batch
                    await self._budget.give(weight)  # not before: while written it is in memory
        finally:
            waiting = sum(weight for _, weight in self._items)
            self._items.clear()
            if waiting:
                await self._budget.give(waiting)
