"""Operating system threads, lent to one DriverThread at a time."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Final

_IDLE: Final = "hygge-idle"
_SOON: Final = 0.0005
"""Seconds; whoever asks without a pause keeps the lock that a thread needs to end."""


class Worker:
    """One thread that makes calls in the order they came, until it is ended."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # a daemon: a driver that never returns must not keep the process from ending
        self.thread = threading.Thread(target=self._work, name=_IDLE, daemon=True)
        self.thread.start()

    def put(self, call: Callable[[], None]) -> None:
        """Have it made after those before. It must not raise."""
        self._calls.put(call)

    async def end(self) -> None:
        """Let it make what it has, and see it gone."""
        self.abandon()
        while self.thread.is_alive():  # noqa: ASYNC110 - it has no way to tell once it is gone
            await asyncio.sleep(_SOON)

    def abandon(self) -> None:
        """Let it end by itself, whenever it is free again."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
            del call  # what it holds is not to live until the next one


_KEPT: ContextVar[list[Worker] | None] = ContextVar("_KEPT", default=None)


def lend(name: str) -> Worker:
    """A thread that does nothing else until it is given back."""
    kept = _KEPT.get()
    worker = kept.pop() if kept else Worker()
    worker.thread.name = f"hygge-{name}"
    return worker


def keep(worker: Worker) -> bool:
    """Whether it is kept for the next, having no call left to make; if not, end it."""
    kept = _KEPT.get()
    if kept is None:
        return False
    worker.thread.name = _IDLE
    kept.append(worker)
    return True


@asynccontextmanager
async def keeping_workers() -> AsyncIterator[None]:
    """Threads that are given back within are used again within, and ended at its end.

    Starting one costs the event loop more than most calls that it makes.
    """
    kept = list[Worker]()
    token = _KEPT.set(kept)
    try:
        yield
    finally:
        _KEPT.reset(token)
        for worker in kept:  # all are told, even if we are cancelled while we wait for the first
            worker.abandon()
        for worker in kept:
            await worker.end()
