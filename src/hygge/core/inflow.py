"""Whatever comes piece by piece, into one call that takes it so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, Queue
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Inflow(Generic[T]):
    """A driver's call that pulls, and whoever pushes. The call has a thread of its own, and one
    piece waits while it works on another.

    `made` makes what the driver takes of a piece, for whoever pushes it.
    """

    def __init__(self, made: Callable[[T], Any], call: Callable[[Iterator[Any]], None]) -> None:
        self._made, self._call = made, call
        self._waiting: Queue[Any] = Queue(1)
        self._over, self._given_up = threading.Event(), False
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="inflow", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether the call has returned, or failed."""
        return self._over.is_set()

    def put(self, given: T) -> None:
        """Wait until there is room. Raises what the call raised."""
        ready = self._made(given)
        if not self._over.is_set():
            self._waiting.put(ready)
        if self._over.is_set():
            self._raise()

    def end(self) -> None:
        """There is no more to come: wait until all is in. Raises what the call raised."""
        if not self._over.is_set():
            self._waiting.put(None)
        self._thread.join()
        self._raise()

    def abandon(self) -> None:
        """The call is to fail, if it has not ended: nothing of it may stay."""
        self._given_up = True
        self._drain()
        if not self._over.is_set():
            self._waiting.put(None)
        self._thread.join()

    def _raise(self) -> None:
        if self._failed is not None:
            raise self._failed
        if not self._thread.is_alive() and self._given_up:
            raise _GivenUp

    def _run(self) -> None:
        try:
            self._call(self._pulled())
        except BaseException as failed:  # noqa: BLE001 - whoever pushes is told
            self._failed = failed
        finally:
            self._over.set()
            self._drain()  # who waits for room need not any more

    def _pulled(self) -> Iterator[Any]:
        while (ready := self._waiting.get()) is not None:
            yield ready
            del ready
        if self._given_up:
            raise _GivenUp

    def _drain(self) -> None:
        with suppress(Empty):
            self._waiting.get_nowait()


class _GivenUp(Exception):
    """Tells the driver that what it has is not all."""
