"""The bounded passage between reading and staging: each by count, all together by bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import polars as pl


class _Changes:
    """Waits for what others in the same loop bring about; they tell without waiting."""

    def __init__(self) -> None:
        self._waiting = set[asyncio.Future[None]]()

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(told)
            try:
                await told
            finally:
                self._waiting.discard(told)

    def tell(self) -> None:
        for told in self._waiting:
            if not told.done():
                told.set_result(None)


class Budget:
    """Bytes in memory, for all that is carried in one run.

    Batches in flight and buffers that writers may fill are counted together, and each kind waits
    in its own line, first come, first served. One batch and one buffer always fit, however large:
    a writer never waits for bytes, so what is in flight always lands and gives its bytes back.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._flying, self._buffers, self.peak = limit, 0, 0, 0
        self._batches, self._openings = asyncio.Lock(), asyncio.Lock()
        self._changes = _Changes()

    def _fits(self, weight: int) -> bool:
        return self._flying + self._buffers + weight <= self._limit

    def _note(self) -> None:
        self.peak = max(self.peak, self._flying + self._buffers)

    async def take(self, weight: int) -> None:
        """Wait until a batch of so many bytes may be in memory."""
        async with self._batches:
            await self._changes.until(lambda: not self._flying or self._fits(weight))
            self._flying += weight
            self._note()

    def give(self, weight: int) -> None:
        """A batch has left the process."""
        self._flying -= weight
        self._changes.tell()

    @asynccontextmanager
    async def buffer(self, weight: int) -> AsyncIterator[None]:
        """Room for one writer's buffers while it is open."""
        async with self._openings:
            await self._changes.until(lambda: not self._buffers or self._fits(weight))
            self._buffers += weight
            self._note()
        try:
            yield
        finally:
            self._buffers -= weight
            self._changes.tell()


class Channel:
    """Batches from one reader to one writer, at most `max_items` waiting."""

    def __init__(self, max_items: int, budget: Budget) -> None:
        self._items: deque[tuple[pl.DataFrame, int]] = deque()
        self._max_items, self._budget = max_items, budget
        self._closed, self._changes = False, _Changes()

    async def send(self, batch: pl.DataFrame) -> None:
        """Hand over one batch; waits while the channel or the budget is full."""
        weight = int(batch.estimated_size())
        await self._budget.take(weight)
        try:
            await self._changes.until(lambda: len(self._items) < self._max_items)
        except BaseException:  # a cancelled sender, too, gives back what it took
            self._budget.give(weight)
            raise
        self._items.append((batch, weight))
        self._changes.tell()

    def close(self) -> None:
        """There is no more to come."""
        self._closed = True
        self._changes.tell()

    async def batches(self) -> AsyncGenerator[pl.DataFrame, None]:
        """What was sent, in order, until closed. Ending early gives back what is still waiting."""
        try:
            while True:
                await self._changes.until(lambda: bool(self._items) or self._closed)
                if not self._items:
                    return
                batch, weight = self._items.popleft()
                self._changes.tell()
                try:
                    yield batch
                finally:
                    del batch
                    self._budget.give(weight)  # not before: while written it is in memory
        finally:
            waiting = sum(weight for _, weight in self._items)
            self._items.clear()
            if waiting:
                self._budget.give(waiting)
