"""One thread for one blocking thing.

Drivers block, and many refuse to change threads. A DriverThread gives each open reader or part a
thread that is its alone, and never abandons it: cancelling interrupts the driver and then waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Any, Final, ParamSpec, Self, TypeVar

from hygge.core.errors import DriverHung, FlowTimeout
from hygge.core.worker import Worker, keep, lend

T = TypeVar("T")
P = ParamSpec("P")
CHECK_SECONDS: Final = 60.0
"""How long a person who asks whether all is well is kept waiting for one answer."""
_END: Final = object()


class _Call:
    """One call on its way: made on the thread, answered on the loop.

    Leaner than a concurrent Future, whose locks and chains cost more than most of our calls.
    """

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[Any] = loop.create_future()
        self.told: asyncio.Future[None] = loop.create_future()
        """Done with the answer; whoever waits for this one may be cancelled without harm to it."""
        self.unwanted = False
        """Whoever asked has gone: it is to end as soon as it can."""
        self._turn = [True]

    def claim(self) -> bool:
        """Whether it is ours to make, or to drop: only one asker is told so."""
        try:
            return self._turn.pop()  # atomic
        except IndexError:
            return False

    def make(self) -> None:
        if not self.claim():
            return
        result: Any = None
        failed: BaseException | None = None
        try:
            result = self.work()
        except BaseException as raised:  # noqa: BLE001 - native drivers raise those
            failed = _bearable(raised)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self.answer.get_loop().call_soon_threadsafe(self._tell, result, failed)

    def _tell(self, result: Any, failed: BaseException | None) -> None:
        if self.answer.done():
            return
        if failed is None:
            self.answer.set_result(result)
        else:
            self.answer.set_exception(failed)
        if not self.told.done():
            self.told.set_result(None)


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
        self._worker: Worker | None = None
        self._now: _Call | None = None
        self._under_way = 0
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
        call = _Call(lambda: work(*args, **kwargs))
        if self._worker is None:
            self._worker = lend(self._name)
        self._worker.put(lambda: self._make(call))
        self._under_way += 1
        try:
            await self._answered(call)
        finally:
            self._under_way -= call.answer.done()
        result: T = call.answer.result()
        return result

    def _make(self, call: _Call) -> None:
        self._now = call
        call.make()
        self._now = None  # nor is what it holds to live on

    async def _answered(self, call: _Call) -> None:
        try:
            if self._timeout is None:
                await call.told
            else:
                await asyncio.wait([call.answer], timeout=self._timeout)
        except asyncio.CancelledError:
            await finish(self._stop(call))
            raise
        if not call.answer.done():
            await finish(self._stop(call))
            raise FlowTimeout(f"{self._name} did not answer within {self._timeout:g} s")

    async def iterate(self, start: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
        """What the iterator gives, each step taken on the thread; closed there, too."""
        started = list[Iterator[T]]()  # known even if we are cancelled while it starts

        def step() -> T:
            if not started:
                started.append(start())
                self._interrupt = getattr(started[0], "interrupt", None) or self._interrupt
                if self._now is not None and self._now.unwanted:  # it could not be interrupted yet
                    return _END  # type: ignore[return-value]
            item = next(started[0], _END)
            if item is _END:
                close()
            return item  # type: ignore[return-value]

        def close() -> None:
            ended = started.pop() if started else None
            getattr(ended, "close", _nothing)()

        try:
            while (item := await self.run(step)) is not _END:
                yield item
        finally:
            if started:
                await finish(self.run(close))

    async def aclose(self) -> None:
        """Give the thread back once it is free. Raises DriverHung if it does not get free."""
        if self._worker is None:
            return
        worker, self._worker = self._worker, None
        if self._under_way:
            await finish(self._give_back_once_free(worker))
        elif not keep(worker):
            await finish(worker.end())

    async def _give_back_once_free(self, worker: Worker) -> None:
        last = _Call(_nothing)
        worker.put(last.make)
        await asyncio.wait([last.answer], timeout=max(self._grace, 1))
        if not last.answer.done():
            worker.abandon()
            raise DriverHung(f"the thread of {self._name} does not end")
        if not keep(worker):
            await worker.end()

    async def _stop(self, call: _Call) -> None:
        if call.claim():  # another call has the thread, and is not to be interrupted for this one
            call.answer.cancel()
            return
        if call.answer.done():  # cancelled just after: the driver may be at another's call
            call.answer.exception()
            return
        call.unwanted = True
        last = None if self._timeout is None and self._discard is None else self._grace
        for ask, patience in ((self._interrupt, self._grace), (self._discard, last)):
            if ask is not None:
                with contextlib.suppress(Exception):  # the connection may be gone already
                    await asyncio.to_thread(ask)
            await asyncio.wait([call.answer], timeout=patience)
            if call.answer.done():
                if not call.answer.cancelled():
                    call.answer.exception()  # retrieved: the cancellation is what counts
                return
        self._hung = True
        raise self._lost()

    def _lost(self) -> DriverHung:
        return DriverHung(f"{self._name} holds its thread, even without its connection")


def _nothing() -> None:
    """What is asked to learn that all before it is done."""


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
