"""One thread for one blocking thing.

Drivers block, and many refuse to change threads. A DriverThread gives each open reader or part a
thread that is its alone, and never abandons it: cancelling interrupts the driver and then waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from typing import Any, Final, ParamSpec, Self, TypeVar

from hygge.core.errors import DriverHung, FlowTimeout

T = TypeVar("T")
P = ParamSpec("P")
CHECK_SECONDS: Final = 60.0
"""How long a person who asks whether all is well is kept waiting for one answer."""
_END: Final = object()


class DriverThread:
    """Runs blocking calls, one after the other, on one thread of its own.

    `interrupt` asks the driver to stop what it does; `discard` takes its connection away when that
    did not help within `grace` seconds. `timeout` (seconds) bounds each call; None waits as long as
    it takes. A call that outlives all of it raises DriverHung.
    """

    def __init__(
        self,
        name: str,
        *,
        interrupt: Callable[[], None] | None = None,
        discard: Callable[[], None] | None = None,
        timeout: float | None = None,
        grace: float = 5.0,
    ) -> None:
        self._name, self._interrupt, self._discard = name, interrupt, discard
        self._timeout, self._grace = timeout, grace
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]
        self._calls = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._hung = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The call's result or its exception; cancelling waits until the thread is free again.

        Cancelled before its turn, a call never happens. A thread that hung takes no more calls.
        """
        if self._hung:
            raise self._lost()
        call: Future[T] = Future()
        self._start()
        self._calls.put((call, lambda: work(*args, **kwargs)))
        waiting = asyncio.wrap_future(call)
        try:
            done, _ = await asyncio.wait([waiting], timeout=self._timeout)
        except asyncio.CancelledError:
            await finish(self._stop(call, waiting))
            raise
        if not done:
            await finish(self._stop(call, waiting))
            raise FlowTimeout(f"{self._name} did not answer within {self._timeout:g} s")
        return waiting.result()

    async def iterate(self, start: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
        """What the iterator gives, each step taken on the thread; closed there, too."""
        started = list[Iterator[T]]()  # known even if we are cancelled while it starts
        try:
            await self.run(lambda: started.append(start()))
            (items,) = started
            self._interrupt = getattr(items, "interrupt", None) or self._interrupt
            while (item := await self.run(next, items, _END)) is not _END:
                yield item  # type: ignore[misc]
        finally:
            close = getattr(started[0], "close", None) if started else None
            if close is not None:
                await finish(self.run(close))

    async def aclose(self) -> None:
        """Let the thread end, and see it gone. Raises DriverHung if it is not."""
        if self._thread is None:
            return
        thread, self._thread = self._thread, None
        self._calls.put(None)
        await finish(asyncio.to_thread(thread.join, self._grace))
        if thread.is_alive():
            raise DriverHung(f"the thread of {self._name} does not end")

    def _start(self) -> None:
        if self._thread is None:
            # a daemon: a driver that never returns must not keep the process from ending
            self._thread = threading.Thread(
                target=self._work, name=f"hygge-{self._name}", daemon=True
            )
            self._thread.start()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            future, work = call
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as failed:  # noqa: BLE001 - native drivers raise those
                    future.set_exception(_bearable(failed))
            del future, work, call

    async def _stop(self, call: Future[Any], waiting: asyncio.Future[Any]) -> None:
        if call.cancel():  # another call has the thread, and is not to be interrupted for this one
            return
        last = None if self._timeout is None and self._discard is None else self._grace
        for ask, patience in ((self._interrupt, self._grace), (self._discard, last)):
            if ask is not None:
                with contextlib.suppress(Exception):  # the connection may be gone already
                    await asyncio.to_thread(ask)
            done, _ = await asyncio.wait([waiting], timeout=patience)
            if done:
                if not waiting.cancelled():
                    waiting.exception()  # retrieved: the cancellation is what counts
                return
        self._hung = True
        raise self._lost()

    def _lost(self) -> DriverHung:
        return DriverHung(f"{self._name} holds its thread, even without its connection")


def _bearable(failed: BaseException) -> BaseException:
    """A future refuses StopIteration, and whoever awaits it would wait for ever."""
    if not isinstance(failed, StopIteration):
        return failed
    told = RuntimeError("a driver's call raised StopIteration")
    told.__cause__ = failed
    return told


async def finish(work: Awaitable[T]) -> T:
    """Await to the end, however often we are cancelled meanwhile; then let the cancel through.

    For what must not be left half done: releasing, recovering, closing.
    """
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        if not task.cancelled():
            task.exception()
        raise asyncio.CancelledError
    return task.result()
