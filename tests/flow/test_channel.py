"""The passage between reader and writer: everything, in order, within its bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.flow.stage import Stage

from hygge.flow.channel import Budget, Channel
from hygge.testing.harness import people, unordered

TURNS = some.lists(some.integers(0, 4), max_size=40)
SIZES = some.lists(some.integers(0, 60), max_size=25)


def batch(rows: int, number: int = 0) -> pl.DataFrame:
    return pl.DataFrame({"n": [number] * rows}, schema={"n": pl.Int64})


async def turns(count: int) -> None:
    """Let the others go first, so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


def nth(waits: Sequence[int], n: int) -> int:
    return waits[n % len(waits)] if waits else 0


@given(
    sizes=SIZES, sending=TURNS, taking=TURNS, items=some.integers(1, 4), limit=some.integers(0, 400)
)
def test_any_interleaving_delivers_all_in_order_within_bounds(
    sizes: list[int], sending: list[int], taking: list[int], items: int, limit: int
) -> None:
    async def story() -> None:
        budget = Budget(limit)
        channel, sent, taken = Channel(items, budget), 0, list[int]()
        weights = [int(batch(size).estimated_size()) for size in sizes]

        async def send() -> None:
            nonlocal sent
            for number, size in enumerate(sizes):
                await turns(nth(sending, number))
                await channel.send(batch(size, number))
                sent += 1
                assert sent - len(taken) <= items + 1  # one is in the taker's hands
            channel.close()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(send())
            async with aclosing(channel.batches()) as batches:
                async for found in batches:
                    taken.append(found.height)
                    await turns(nth(taking, len(taken)))
        assert taken == sizes
        assert budget.peak <= max([limit, *weights])
        async with asyncio.timeout(5):
            await budget.take(limit)  # all of it was given back

    asyncio.run(story())


@given(
    channels=some.lists(SIZES, min_size=2, max_size=4),
    taking=TURNS,
    limit=some.integers(1, 300),
    stop_after=some.integers(0, 10),
)
def test_channels_that_share_a_budget_never_lock_each_other(
    channels: list[list[int]], taking: list[int], limit: int, stop_after: int
) -> None:
    async def story() -> None:
        budget = Budget(limit)

        async def carry(sizes: list[int], stop: int | None) -> None:
            channel = Channel(2, budget)

            async def send() -> None:
                for size in sizes:
                    await channel.send(batch(size))
                channel.close()

            task = asyncio.create_task(send())
            got = 0
            async with aclosing(channel.batches()) as batches:
                async for _ in batches:
                    await turns(nth(taking, got))
                    got += 1
                    if got == stop:  # the writer failed: its reader is cancelled
                        task.cancel()
                        break
            await asyncio.wait([task])
            assert got == len(sizes) or got == stop

        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            for n, sizes in enumerate(channels):
                tasks.create_task(carry(sizes, stop_after if n == 0 else None))
        async with asyncio.timeout(5):
            await budget.take(limit)

    asyncio.run(story())


def test_a_cancelled_sender_gives_its_bytes_back() -> None:
    async def story() -> None:
        budget = Budget(1000)
        channel = Channel(1, budget)
        await channel.send(batch(10))
        stuck = asyncio.create_task(channel.send(batch(10)))
        await turns(5)
        assert not stuck.done()
        stuck.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stuck
        async with aclosing(channel.batches()) as batches:
            assert (await anext(batches)).height == 10
        async with asyncio.timeout(5):
            await budget.take(1000)

    asyncio.run(story())


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_flow_stays_within_the_budget(stage: Stage, parallel: int) -> None:
    stage.give(*(people(100 * n, 100) for n in range(6)))
    limit = 6 * int(people(0, 2).estimated_size())
    terms = replace(stage.terms(), budget=Budget(limit))
    report = asyncio.run(stage.flow(parallel=parallel).run(terms))
    assert report.error is None
    assert 0 < terms.budget.peak <= limit
    assert stage.rows == unordered(people(0, 600).rows())


def test_one_batch_always_fits(stage: Stage) -> None:
    stage.give(people(0, 40), people(40, 40))
    terms = replace(stage.terms(), budget=Budget(1))
    report = asyncio.run(stage.flow(parallel=4).run(terms))
    assert report.error is None
    assert stage.rows == unordered(people(0, 80).rows())
