"""One place in a pool, while somebody needs it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from hygge.connections.pool import TRUSTED_SECONDS, Line, LoginExpired, Pool, ServerFull, keeping
from hygge.core.errors import ConnectionFailed

L = TypeVar("L", bound=Line)


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
        except BaseException as failed:  # whatever it was, nobody knows what it left
            self._fit = False
            if isinstance(failed, LoginExpired):
                self._pool.drop_idle(0)
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
        made = self._made(make)
        self._hold(made)
        return made

    def _made(self, make: Callable[[], L]) -> L:
        """Others may be about to leave: one that we interrupted goes when the server sees it."""
        until = time.monotonic() + self._pool.patience
        while True:
            try:
                return make()
            except ServerFull:
                self._pool.refused += 1
                if self._stopped or time.monotonic() > until:
                    raise
            self._pool.rest()

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
            if self._fit and keeping():
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
