"""Places for flows: at most so many at once, each with all the connections that it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hygge.core.supply import Shares, Supply, Taken


class Places:
    """At most `concurrency` flows hold a place; closed, it gives no new ones.

    A place and the flow's own shares are taken in one step: who waits for connections keeps nobody
    from running who needs none.
    """

    def __init__(self, concurrency: int) -> None:
        self._places = Supply("places", concurrency, saved=False)
        self.closed = False

    @asynccontextmanager
    async def place(self, shares: Shares) -> AsyncIterator[Taken | None]:
        """Wait for a place. None: closed meanwhile, do not start."""
        async with Taken({self._places: 1, **shares}) as taken:
            yield None if self.closed else taken
