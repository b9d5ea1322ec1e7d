"""Holding a lease while a block runs, renewed at a third of its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from hygge.core.driver_thread import finish
from hygge.core.errors import ConnectionFailed, HyggeError, StoreError
from hygge.core.lease import Lease, Leases


class Held:
    """A lease in use. `lost`: another run has it now; nothing more may be done in its name."""

    def __init__(self, lease: Lease) -> None:
        self.lease, self.lost = lease, False


@asynccontextmanager
async def holding(leases: Leases, name: str, seconds: float) -> AsyncIterator[Held]:
    """The lease, for as long as the block runs. Losing it cancels the block: FlowBusy."""
    held = Held(await _taken(leases, name, seconds))

    async def renew() -> None:
        while True:
            await asyncio.sleep(seconds / 3)
            try:
                await leases.renew(held.lease, seconds)
            except HyggeError:
                held.lost = True
                raise

    try:
        async with asyncio.TaskGroup() as tasks:
            heart = tasks.create_task(renew())
            yield held
            heart.cancel()
    except BaseExceptionGroup as failed:
        error = first_error(failed)
        raise error from error.__cause__
    finally:
        await _give_back(leases, held.lease)


async def _taken(leases: Leases, name: str, seconds: float) -> Lease:
    """Cancelled meanwhile, it is given back: nobody else could have it while this process lives."""
    taking = asyncio.ensure_future(leases.lease(name, seconds))
    try:
        return await finish(taking)
    except asyncio.CancelledError:
        if not taking.cancelled() and taking.exception() is None:
            await _give_back(leases, taking.result())
        raise


async def _give_back(leases: Leases, lease: Lease) -> None:
    # one that cannot be given back runs out; the rows have landed, or not, all the same
    with suppress(StoreError, ConnectionFailed):
        await finish(leases.release(lease))


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that made the others, out of a group."""
    inner = group.exceptions[0]
    return first_error(inner) if isinstance(inner, BaseExceptionGroup) else inner
