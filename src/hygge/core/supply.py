"""What there is only so much of, as connections to one system: taken in one step, and in turn.

Who takes one thing after the other, and waits for the second while holding the first, may wait for
ever for somebody who does the same. So all that is needed at once is taken at once, or nothing is.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self, TypeAlias


class Supply:
    """So many of one thing, for all runs of this process together.

    `setting` says how many. What is `saved` for one who waits is given to nobody who comes later,
    so that a large share comes together at last.
    """

    def __init__(self, name: str, size: int, *, setting: str = "", saved: bool = True) -> None:
        self.name, self.size, self.setting, self.saved = name, size, setting, saved
        self.free = size

    def __repr__(self) -> str:
        return f"Supply({self.name!r}, {self.free} of {self.size})"


@dataclass(frozen=True, slots=True)
class Need:
    """Without `least` of a supply it cannot be; more than `most` are of no use."""

    least: int
    most: int


Shares: TypeAlias = Mapping[Supply, int]
Needs: TypeAlias = Mapping[Supply, Need]


@dataclass(eq=False)
class _Waiting:
    """One who waits in the queue, and what was missing, once or more."""

    shares: Shares
    told: asyncio.Future[None]
    granted: bool = False
    missed: set[Supply] = field(default_factory=set)


_LOCK = threading.Lock()
_QUEUE: list[_Waiting] = []


class Taken:
    """Shares that a block holds: first come, first served, but for those who want other things."""

    def __init__(self, shares: Shares) -> None:
        for supply, count in shares.items():
            assert count <= supply.size, f"nobody can have {count} of {supply}"
        self._shares, self._held = shares, False

    async def __aenter__(self) -> Self:
        await self._take()
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._held:
            self._give()

    async def pause(
        self, seconds: float, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """Wait so long without them, then take them again."""
        self._give()
        await sleep(seconds)
        await self._take()

    async def _take(self) -> None:
        mine = _Waiting(self._shares, asyncio.get_running_loop().create_future())
        with _LOCK:
            _QUEUE.append(mine)
            _serve()
        try:
            if not mine.granted:
                await mine.told
        except BaseException:  # a cancelled one, too, leaves the queue
            with _LOCK:
                if mine.granted:
                    _put_back(mine.shares)
                else:
                    _QUEUE.remove(mine)
                _serve()
            raise
        self._held = True

    def _give(self) -> None:
        self._held = False
        with _LOCK:
            _put_back(self._shares)
            _serve()


def _put_back(shares: Shares) -> None:
    for supply, count in shares.items():
        supply.free += count


def _serve() -> None:
    """Give to all for whom there is enough, in turn. Under the lock."""
    saved = set[Supply]()
    for one in [*_QUEUE]:
        missing = {supply for supply, count in one.shares.items() if supply.free < count}
        if not missing and saved.isdisjoint(one.shares):
            _grant(one)
            continue
        one.missed |= {supply for supply in missing if supply.saved}
        saved |= one.missed


def _grant(one: _Waiting) -> None:
    _QUEUE.remove(one)
    one.granted = True
    for supply, count in one.shares.items():
        supply.free -= count
    with suppress(RuntimeError):  # its loop is closed: nobody waits any more
        one.told.get_loop().call_soon_threadsafe(_tell, one.told)


def _tell(told: asyncio.Future[None]) -> None:
    if not told.done():
        told.set_result(None)
