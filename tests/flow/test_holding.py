"""Leases that flows hold: given back, however they end."""

from __future__ import annotations

import asyncio

import pytest

from hygge.core.lease import Lease, Owner
from hygge.flow.holding import holding


class SlowLeases:
    """Takes its time to give a lease, and gives it whatever comes, as a busy thread does."""

    def __init__(self) -> None:
        self.asked, self.granted = asyncio.Event(), asyncio.Event()
        self.held = set[Lease]()

    async def lease(self, name: str, seconds: float) -> Lease:
        taken = Lease(name, Owner("here", "boot", 1, "1", "nonce"))
        self.asked.set()
        try:
            await self.granted.wait()
        finally:
            self.held.add(taken)
        return taken

    async def renew(self, lease: Lease, seconds: float) -> None:
        """Never lost."""

    async def release(self, lease: Lease) -> None:
        self.held.remove(lease)


def test_a_lease_that_is_being_taken_while_its_flow_is_cancelled_is_given_back() -> None:
    async def story() -> None:
        leases = SlowLeases()

        async def flow() -> None:
            async with holding(leases, "people", 60):
                pytest.fail("a cancelled flow does not begin")

        task = asyncio.create_task(flow())
        await leases.asked.wait()
        task.cancel()
        await asyncio.sleep(0)
        leases.granted.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert leases.held == set()

    asyncio.run(story())
