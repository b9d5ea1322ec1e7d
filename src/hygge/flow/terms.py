"""What a flow shares with the other flows of its run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from hygge.core.names import new_run_id
from hygge.core.supply import Taken
from hygge.flow.channel import Budget

DEFAULT_MEMORY = 2**30
DEFAULT_CONCURRENCY = 8


@dataclass(frozen=True)
class Terms:
    """The bytes, the places and the name that a run gives to its flows.

    `carriers` bounds the partitions carried at once by all of them. `pause` waits so many seconds
    and gives up the flow's place meanwhile. `shares_taken`: the flow's own connections are kept for
    it already.
    """

    run_id: str = field(default_factory=new_run_id)
    coordinator: str = ""
    budget: Budget = field(default_factory=lambda: Budget(DEFAULT_MEMORY))
    carriers: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(DEFAULT_CONCURRENCY)
    )
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    shares_taken: bool = False

    def holding(self, taken: Taken) -> Terms:
        """The same for one flow, whose shares are taken; while it pauses, others may have them."""
        wait = self.pause
        return replace(self, pause=lambda s: taken.pause(s, wait), shares_taken=True)
