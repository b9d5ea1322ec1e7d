"""Locks that sessions hold until their transaction ends: on tables they write, and by name."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Hashable

from tests.servers.tds.errors import DEADLOCK, SqlError

_SOON = 0.05


class Locks:
    """Exclusive ones, each of one session; a session that has one may take it again."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: dict[Hashable, int] = {}
        self._wanted: dict[int, Hashable] = {}

    def take(
        self,
        what: Hashable,
        session: int,
        seconds: float | None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> bool:
        """False if it was not to be had in time. Raises SqlError for the victim of a deadlock."""
        until = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            try:
                while self._held.get(what, session) != session:
                    self._wanted[session] = what
                    if self._is_circle(session):
                        told = "Transaction was deadlocked on lock resources, and has been chosen "
                        raise SqlError(DEADLOCK, told + "as the deadlock victim.", 13)
                    if stopped() or (until is not None and time.monotonic() >= until):
                        return False
                    self._changed.wait(_SOON)
            finally:
                self._wanted.pop(session, None)
            self._held[what] = session
            return True

    def _is_circle(self, session: int) -> bool:
        seen, at = set[int](), session
        while at in self._wanted:
            owner = self._held.get(self._wanted[at])
            if owner is None or owner in seen:
                return False
            if owner == session:
                return True
            seen.add(owner)
            at = owner
        return False

    def release(self, session: int, what: Hashable) -> bool:
        """Whether the session had it."""
        with self._changed:
            had = self._held.get(what) == session
            if had:
                del self._held[what]
                self._changed.notify_all()
            return had

    def release_all(self, session: int, but: Collection[Hashable] = ()) -> None:
        with self._changed:
            for held in [w for w, s in self._held.items() if s == session and w not in but]:
                del self._held[held]
            self._changed.notify_all()

    def owner(self, what: Hashable) -> int | None:
        with self._changed:
            return self._held.get(what)
