"""What a flow shares with the other flows of its run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hygge.core.names import new_run_id
from hygge.flow.channel import Budget

DEFAULT_MEMORY = 2**30
DEFAULT_CONCURRENCY = 8


@dataclass(frozen=True)
class Terms:
    """The bytes, the places and the name that a run gives to its flows.

    `carriers` bounds the partitions carried at once by all of them. `pause` waits so many seconds
    and gives up the flow's place meanwhile.
    """

    run_id: str = field(default_factory=new_run_id)
    coordinator: str = ""
    budget: Budget = field(default_factory=lambda: Budget(DEFAULT_MEMORY))
    carriers: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(DEFAULT_CONCURRENCY)
    )
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
