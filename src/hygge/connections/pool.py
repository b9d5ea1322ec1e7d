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
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
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
    """The lines to one system. `peak`: how many places were ever taken at once."""

    def __init__(self, name: str, size: int, patience: float) -> None:
        self.name, self.size, self.patience, self.peak = name, size, patience, 0
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
            if not _KEEPERS:
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


class Loan:
    """A place in a pool, once it is needed, and one line in it. For one thread, but for `stop`."""

    def __init__(self, pool: Pool) -> None:
        self._pool, self._lock = pool, threading.RLock()
        self._line: Line | None = None
        self._inside: str | None = None
        self._busy, self._fit, self._stopped = 0, True, False

    @contextmanager
    def using(self, kind: type[L], make: Callable[[], L]) -> Iterator[L]:
        """The line of this kind, made if need be. One whose use fails is not used again."""
        line = self._line if isinstance(self._line, kind) else self._changed(kind, make)
        self._busy += 1
        try:
            yield line
        except BaseException:  # whatever it was, nobody knows what it left
            self._fit = False
            raise
        finally:
            self._busy -= 1

    def _changed(self, kind: type[L], make: Callable[[], L]) -> L:
        assert not self._busy, "a connection that is in use cannot be another"
        self._put_back()
        if self._inside is None:
            self._inside = self._pool.enter(lambda: self._stopped)
        while (kept := self._pool.find(kind)) is not None:
            self._hold(kept)
            if _is_well(kept):
                return kept
            self._fit = False
            self._put_back()
        self._pool.make_room()
        made = make()
        self._hold(made)
        return made

    def _hold(self, line: Line) -> None:
        with self._lock:
            self._line, self._fit = line, True
        if self._stopped:  # it was not there yet to be interrupted
            self._fit = False
            raise ConnectionFailed("stopped while connecting")

    def _put_back(self) -> None:
        """The line into the pool, if it is as good as new; else it ends."""
        if self._line is None:
            return
        try:
            if self._fit and _KEEPERS:
                self._line.clean()  # while it can be interrupted
        except Exception:  # noqa: BLE001 - whatever it was, this line is done with
            self._fit = False
        with self._lock:
            line, self._line = self._line, None
        if not (self._fit and not self._stopped and self._pool.keep(line)):
            line.close()

    def spoil(self) -> None:
        """What was done with the line is more than a cleaning takes back."""
        self._fit = False

    def stop(self) -> None:
        """Stop what is under way; nothing more can be done with it. From another thread."""
        self._stopped = True
        self._pool.wake()
        with self._lock:
            if self._line is not None:
                self._fit = False
                self._line.interrupt()

    def close(self) -> None:
        self._put_back()
        if self._inside is not None:
            who, self._inside = self._inside, None
            self._pool.leave(who)


def _is_well(line: Line) -> bool:
    with suppress(Exception):  # whatever it is, another takes its place
        if not line.is_quiet():
            return False
        if line.used_last < time.monotonic() - TRUSTED_SECONDS:
            line.ping()
        return True
    return False


_LOCK = threading.Lock()
_POOLS: dict[tuple[int, Hashable], Pool] = {}
_KEEPERS: list[object] = []


def pool_of(key: Hashable, name: str, settings: PoolSettings) -> Pool:
    """The pool of those who have this key, in this process. A fork's is its own."""
    with _LOCK:
        found = _POOLS.get((os.getpid(), key))
        if found is None:
            found = Pool(name, settings.pool_size, settings.acquire_timeout)
            _POOLS[os.getpid(), key] = found
        return found


def _close_idle(seconds: float) -> None:
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
            await finish(asyncio.to_thread(_close_idle, 0.0))


async def _sweep() -> None:
    while True:
        await asyncio.sleep(IDLE_SECONDS / 2)
        await asyncio.to_thread(_close_idle, IDLE_SECONDS)
