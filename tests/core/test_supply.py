"""Shares of what there is only so much of: all at once or none, and in turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from hygge.core.supply import Shares, Supply, Taken


class Block:
    """One who takes shares, and holds them until told."""

    def __init__(self, shares: Shares) -> None:
        self.inside, self.over = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._run(Taken(shares)))

    async def _run(self, taken: Taken) -> None:
        async with taken:
            self.inside.set()
            await self.over.wait()

    async def leave(self) -> None:
        self.over.set()
        await self.task


async def settled() -> None:
    """Whoever can go on has done so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def inside(blocks: Sequence[Block]) -> list[bool]:
    await settled()
    return [block.inside.is_set() for block in blocks]


async def end(blocks: Sequence[Block]) -> None:
    for block in blocks:
        await asyncio.wait_for(block.leave(), 10)


def test_shares_are_taken_all_at_once_or_not_at_all() -> None:
    async def story() -> None:
        one, two = Supply("one", 2), Supply("two", 2)
        first = Block({one: 2})
        both = Block({one: 1, two: 2})
        assert await inside([first, both]) == [True, False]
        assert two.free == 2  # it waits, and holds nothing
        await end([first, both])
        assert (one.free, two.free) == (2, 2)

    asyncio.run(story())


def test_two_who_want_the_same_two_things_do_not_wait_for_each_other() -> None:
    async def story() -> None:
        one, two = Supply("one", 1), Supply("two", 1)
        for _ in range(20):
            await asyncio.wait_for(
                asyncio.gather(*(_pass({one: 1, two: 1}), _pass({two: 1, one: 1}))), 10
            )

    asyncio.run(story())


async def _pass(shares: Shares) -> None:
    async with Taken(shares):
        await asyncio.sleep(0)


def test_a_large_share_is_not_passed_by_small_ones() -> None:
    async def story() -> None:
        supply = Supply("s", 3)
        first, second = Block({supply: 1}), Block({supply: 1})
        large, small = Block({supply: 3}), Block({supply: 1})
        assert await inside([first, second, large, small]) == [True, True, False, False]
        await first.leave()
        assert await inside([large, small]) == [False, False]
        await second.leave()
        assert await inside([large, small]) == [True, False]
        await end([large, small])

    asyncio.run(story())


def test_what_came_together_for_one_is_not_given_away_while_he_waits_for_the_rest() -> None:
    async def story() -> None:
        one, two = Supply("one", 1), Supply("two", 1)
        holds_one, holds_two = Block({one: 1}), Block({two: 1})
        both = Block({one: 1, two: 1})
        await settled()
        await holds_one.leave()
        late = Block({one: 1})
        assert await inside([both, late]) == [False, False]
        await holds_two.leave()
        assert await inside([both, late]) == [True, False]
        await end([both, late])

    asyncio.run(story())


def test_who_wants_other_things_passes() -> None:
    async def story() -> None:
        places, one, two = Supply("places", 2, saved=False), Supply("one", 1), Supply("two", 1)
        first, waiting = Block({places: 1, one: 1}), Block({places: 1, one: 1})
        other = Block({places: 1, two: 1})
        assert await inside([first, waiting, other]) == [True, False, True]
        await end([first, waiting, other])

    asyncio.run(story())


def test_who_is_cancelled_leaves_the_queue() -> None:
    async def story() -> None:
        supply = Supply("s", 1)
        first, second, third = (Block({supply: 1}) for _ in range(3))
        await settled()
        second.task.cancel()
        await settled()
        await first.leave()
        assert await inside([third]) == [True]
        await end([third])
        assert supply.free == 1

    asyncio.run(story())


def test_who_is_cancelled_when_it_was_his_turn_gives_it_back() -> None:
    async def story() -> None:
        supply = Supply("s", 1)
        first, second, third = (Block({supply: 1}) for _ in range(3))
        await settled()
        first.over.set()
        first.task.add_done_callback(lambda _: second.task.cancel())
        assert await inside([third]) == [True]
        await end([third])
        assert supply.free == 1

    asyncio.run(story())


def test_who_pauses_lets_others_have_it() -> None:
    async def story() -> None:
        supply, waited = Supply("s", 1), list[float]()

        async def meanwhile(seconds: float) -> None:
            waited.append(seconds)
            await _pass({supply: 1})

        async with Taken({supply: 1}) as taken:
            await taken.pause(7, meanwhile)
            assert supply.free == 0
        assert (supply.free, waited) == (1, [7])

    asyncio.run(story())


def test_who_is_cancelled_while_he_pauses_has_nothing_to_give_back() -> None:
    async def story() -> None:
        supply = Supply("s", 1)

        async def pausing() -> None:
            async with Taken({supply: 1}) as taken:
                await taken.pause(600)

        task = asyncio.create_task(pausing())
        await settled()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert supply.free == 1

    asyncio.run(story())


def test_two_runs_of_one_process_share() -> None:
    """Each with an event loop of its own."""
    supply, lock, most = Supply("s", 3), threading.Lock(), [0, 0]

    async def one() -> None:
        async with Taken({supply: 2}):
            with lock:
                most[0] += 2
                most[1] = max(most)
            await asyncio.sleep(0)
            with lock:
                most[0] -= 2

    async def many() -> None:
        await asyncio.gather(*(one() for _ in range(50)))

    threads = [threading.Thread(target=lambda: asyncio.run(many())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert most == [0, 2]
    assert supply.free == 3
