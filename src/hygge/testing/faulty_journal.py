"""Any Journal, made to fail where a test wants it to."""

from __future__ import annotations

from typing import Any

from hygge.core.journal import Journal
from hygge.testing.faults import Trigger

_READING = ("unfinished", "history", "close")


class FaultyJournal:
    """Asks `trigger` before and after each call that remembers something."""

    def __init__(self, inner: Journal, trigger: Trigger) -> None:
        self._inner, self._trigger = inner, trigger

    def __getattr__(self, name: str) -> Any:
        work = getattr(self._inner, name)
        if name in _READING:
            return work

        async def asked(*args: Any, **kwargs: Any) -> Any:
            self._trigger(f"before {name}")
            answer = await work(*args, **kwargs)
            self._trigger(f"after {name}")
            return answer

        return asked
