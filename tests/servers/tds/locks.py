"""Locks that sessions hold until their transaction ends: on tables they write, and by name."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Hashable

from tests.servers.tds.errors import DEADLOCK, SqlError

_SOON = 0.05


class Locks:
    """Held by one session, or by several that share it; who has one may take it again."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: dict[Hashable, dict[int, bool]] = {}
        """By session, whether it shares."""
        self._wanted: dict[int, Hashable] = {}
        self.priorities: dict[int, int] = {}
        """Of sessions; 0 otherwise. Of a circle, one of the lowest is the victim."""

    def take(
        self,
        what: Hashable,
        session: int,
        seconds: float | None,
        stopped: Callable[[], bool] = lambda: False,
        *,
        shared: bool = False,
    ) -> bool:
        """False if it was not to be had in time. Raises SqlError for the victim of a deadlock."""
        until = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            try:
                while self._in_the_way(what, session, shared):
                    self._wanted[session] = what
                    if self._is_victim(session):
                        told = "Transaction was deadlocked on lock resources, and has been chosen "
                        raise SqlError(DEADLOCK, told + "as the deadlock victim.", 13)
                    if stopped() or (until is not None and time.monotonic() >= until):
                        return False
                    self._changed.wait(_SOON)
            finally:
                self._wanted.pop(session, None)
            holders = self._held.setdefault(what, {})
            holders[session] = shared and holders.get(session, True)
            return True

    def _in_the_way(self, what: Hashable, session: int, shared: bool) -> set[int]:
        holders = self._held.get(what, {})
        return {
            one for one, shares in holders.items() if one != session and not (shared and shares)
        }

    def _is_victim(self, session: int) -> bool:
        ahead = self._ahead(session)
        if session not in ahead:
            return False
        circle = [one for one in ahead if session in self._ahead(one)]
        mine = self.priorities.get(session, 0)
        return mine <= min(self.priorities.get(one, 0) for one in circle)

    def _ahead(self, session: int) -> set[int]:
        """For whom it waits, and for whom they wait."""
        seen, looking = set[int](), [session]
        while looking:
            one = looking.pop()
            owners = set(self._held.get(self._wanted[one], {})) if one in self._wanted else set()
            looking += owners - seen - {one}
            seen |= owners - {one}
        return seen

    def waiting(self) -> dict[int, Hashable]:
        """By session, for what."""
        with self._changed:
            return dict(self._wanted)

    def release(self, session: int, what: Hashable) -> bool:
        """Whether the session had it."""
        with self._changed:
            had = self._held.get(what, {}).pop(session, None) is not None
            self._changed.notify_all()
            return had

    def release_all(self, session: int, but: Collection[Hashable] = ()) -> None:
        with self._changed:
            for what, holders in self._held.items():
                if what not in but:
                    holders.pop(session, None)
            self._held = {what: holders for what, holders in self._held.items() if holders}
            self._changed.notify_all()

    def owner(self, what: Hashable) -> int | None:
        with self._changed:
            return next(iter(self._held.get(what, {})), None)
