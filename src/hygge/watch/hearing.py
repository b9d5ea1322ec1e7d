"""A printer on a thread of its own: a slow or broken terminal never slows or stops a run."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol, Self

from hygge.core import events

_PAUSE = 0.05
"""Seconds between looks: waking for each event would take the run's time away from it."""


class Printer(Protocol):
    """Shows a run. All three are called on one thread, `close` once and last."""

    def hear(self, event: events.Event) -> None: ...
    def tick(self, now: datetime) -> None: ...
    def close(self) -> None: ...


class Hearing:
    """A Listener that hands every event to a printer's thread, while its block is open.

    `failure` is the first thing that went wrong in the printer, if anything did.
    """

    def __init__(self, printer: Printer, every: float) -> None:
        self._printer, self._every = printer, every
        self._heard: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._listen, name="hygge-watch", daemon=True)
        self._ended = threading.Event()
        self._due = time.monotonic() + every
        self.failure: Exception | None = None

    def __call__(self, event: events.Event) -> None:
        self._heard.put(event)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._thread.join()

    def _listen(self) -> None:
        ended = False
        while not ended:
            ended = self._ended.wait(_PAUSE)
            while not self._heard.empty():
                self._guarded(lambda: self._printer.hear(self._heard.get()))
                self._guarded(self._tick)
            self._guarded(self._tick)
        self._guarded(self._printer.close)

    def _tick(self) -> None:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + self._every
            self._printer.tick(datetime.now(UTC))

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as failed:  # noqa: BLE001 - only listeners may fail quietly
            self.failure = self.failure or failed
