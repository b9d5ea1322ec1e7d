"""Connections to one system: at most so many at once, used again while a run goes on.

A `Pool` has `size` places. Who works has a place, and in it one line, of one kind at a time; lines
that nobody uses lie in the pool and take no place, but are closed where another must be opened. So
there are never more lines than places.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from pydantic import Field

from hygge.core.config import Settings
from hygge.core.driver_thread import finish
from hygge.core.errors import ConnectionFailed
from hygge.core.supply import Supply

IDLE_SECONDS: Final = 60.0
"""A line that nobody used for so long is closed."""
TRUSTED_SECONDS: Final = 5.0
"""One that lay for longer is asked whether it still answers."""


_PAUSE = 0.05


class ServerFull(ConnectionFailed):
    """The server lets nobody in any more, as long as all stay who are there."""

    def __init__(self, what: str, **known: object) -> None:
        known.setdefault("hint", "set a smaller `pool_size`, or let the server have more of them")
        super().__init__(what, **known)  # type: ignore[arg-type]


class LoginExpired(ConnectionFailed):
    """What was shown at the door is good no longer: nor are the other lines that came in by it."""


class PoolSettings(Settings):
    """How many connections there may be; for settings of systems that are reached by them."""

    pool_size: int = Field(
        default=24, ge=1, le=10_000, description="Connections at once, at most, of all its flows"
    )
    acquire_timeout: float = Field(
        default=60, gt=0, description="Seconds to wait for one of them, where all are in use"
    )


class Line(ABC):
    """One connection as a driver has it, fresh or as good as fresh."""

    used_last = 0.0

    @abstractmethod
    def clean(self) -> None:
        """Take back what a use left: transactions, settings, locks, temporary tables. Raises where
        that cannot be."""

    @abstractmethod
    def is_quiet(self) -> bool:
        """Whether nothing has come that nobody asked for: a farewell, say. Without a question."""

    @abstractmethod
    def ping(self) -> None:
        """Raises if the server does not answer any more."""

    @abstractmethod
    def interrupt(self) -> None:
        """Stop the call that is under way. From another thread; the line ends by it."""

    @abstractmethod
    def close(self) -> None:
        """Raises nothing; returns when the server knows it, too, if it tells."""


L = TypeVar("L", bound=Line)


class Pool:
    """The lines to one system. `peak`: how many places were ever taken at once; `refused`: how
    often the server had none left for us."""

    def __init__(self, name: str, size: int, patience: float) -> None:
        self.name, self.size, self.patience = name, size, patience
        self.peak = self.refused = 0
        self.supply = Supply(f"connections to {name}", size, setting="pool_size")
        self._changed = threading.Condition()
        self._places, self._idle = list[str](), list[Line]()

    def enter(self, stopped: Callable[[], bool]) -> str:
        """Take a place, and say for whom. Raises ConnectionFailed if there is none for too long."""
        me, until = threading.current_thread().name, time.monotonic() + self.patience
        with self._changed:
            while len(self._places) >= self.size:
                if stopped():
                    raise ConnectionFailed("stopped while waiting for a connection")
                if (left := until - time.monotonic()) <= 0:
                    raise self._full(me)
                self._changed.wait(left)
            self._places.append(me)
            self.peak = max(self.peak, len(self._places))
            return me

    def _full(self, me: str) -> ConnectionFailed:
        users = ", ".join(sorted(set(self._places)))
        return ConnectionFailed(
            f"no connection to {self.name} came free within {self.patience:g} s for {me}: "
            f"all {self.size} (pool_size) are with {users}",
            hint="set a larger `pool_size` or `acquire_timeout`, or run fewer flows at once",
        )

    def leave(self, who: str) -> None:
        with self._changed:
            self._places.remove(who)
            self._changed.notify_all()

    def rest(self) -> None:
        """Wait a moment, less if something changes meanwhile."""
        with self._changed:
            self._changed.wait(_PAUSE)

    def wake(self) -> None:
        """Have those who wait see whether they were stopped."""
        with self._changed:
            self._changed.notify_all()

    def find(self, kind: type[L]) -> L | None:
        """The idle line of this kind that was used last."""
        with self._changed:
            for line in reversed(self._idle):
                if type(line) is kind:
                    self._idle.remove(line)
                    return line
        return None

    def keep(self, line: Line) -> bool:
        """Whether it is kept for the next; if not, close it."""
        with self._changed:
            if not keeping():
                return False
            line.used_last = time.monotonic()
            self._idle.append(line)
            return True

    def make_room(self) -> None:
        """Close what is idle, the oldest first, until a place without a line may have one."""
        while True:
            with self._changed:
                full = len(self._places) + len(self._idle) > self.size
                oldest = self._idle.pop(0) if full and self._idle else None
            if oldest is None:
                return
            oldest.close()

    def drop_idle(self, seconds: float) -> None:
        """Close what nobody used for so long."""
        before = time.monotonic() - seconds
        with self._changed:
            old = [line for line in self._idle if line.used_last <= before]
            self._idle = [line for line in self._idle if line.used_last > before]
        for line in old:
            line.close()

    @property
    def idle(self) -> int:
        return len(self._idle)


_LOCK = threading.Lock()
_POOLS: dict[tuple[int, Hashable], Pool] = {}
_KEEPERS: list[object] = []


def keeping() -> bool:
    """Whether lines are kept that nobody uses now."""
    return bool(_KEEPERS)


def pool_of(key: Hashable, name: str, settings: PoolSettings) -> Pool:
    """The pool of those who have this key, in this process. A fork's is its own."""
    with _LOCK:
        found = _POOLS.get((os.getpid(), key))
        if found is None:
            found = Pool(name, settings.pool_size, settings.acquire_timeout)
            _POOLS[os.getpid(), key] = found
        return found


def close_idle(seconds: float = 0.0) -> None:
    """Close what nobody used for so long, in all pools of this process."""
    with _LOCK:
        pools = [pool for (process, _), pool in _POOLS.items() if process == os.getpid()]
    for pool in pools:
        pool.drop_idle(seconds)


@asynccontextmanager
async def keeping_connections() -> AsyncIterator[None]:
    """Lines that are given back within are used again within, and closed at its end."""
    me = object()
    _KEEPERS.append(me)
    sweeping = asyncio.create_task(_sweep())
    try:
        yield
    finally:
        sweeping.cancel()
        _KEEPERS.remove(me)
        if not _KEEPERS and any(pool.idle for pool in [*_POOLS.values()]):
            await finish(asyncio.to_thread(close_idle, 0.0))


async def _sweep() -> None:
    while True:
        await asyncio.sleep(IDLE_SECONDS / 2)
        await asyncio.to_thread(close_idle, IDLE_SECONDS)
