"""A thread of one's own: every call on it, cancel waits, nothing is left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, aclosing
from typing import TypeVar

import pytest

from hygge.core import driver_thread
from hygge.core.driver_thread import DriverThread, finish
from hygge.core.errors import DriverHung, FlowTimeout
from hygge.core.worker import keeping_workers

T = TypeVar("T")
LONG = 60.0


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def tell(story: Callable[[], Awaitable[T]]) -> T:
    async def bounded() -> T:
        return await asyncio.wait_for(story(), LONG)

    return asyncio.run(bounded())


class Driver:
    """A driver that can be made to hang, and what it lived through."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.told = list[str]()

    def hang(self) -> str:
        self.told.append("begun")
        self.begun.set()
        self.let_go.wait(LONG)
        self.told.append("ended")
        return "answer"

    def interrupt(self) -> None:
        self.told.append("interrupt")

    def discard(self) -> None:
        self.told.append("discard")

    async def has_begun(self) -> None:
        await asyncio.to_thread(self.begun.wait, LONG)


def test_every_call_is_on_the_same_thread_and_not_on_the_loops() -> None:
    async def story() -> None:
        async with DriverThread("one") as thread, DriverThread("two") as other:
            idents = [await thread.run(threading.get_ident) for _ in range(5)]
            idents += await asyncio.gather(*(thread.run(threading.get_ident) for _ in range(5)))
            assert len({*idents, await other.run(threading.get_ident), threading.get_ident()}) == 3

    tell(story)


def test_calls_come_one_after_the_other_in_order() -> None:
    told = list[int]()

    async def story() -> None:
        async with DriverThread("one") as thread:
            await asyncio.gather(*(thread.run(told.append, n) for n in range(50)))

    tell(story)
    assert told == list(range(50))


def test_it_starts_no_thread_unless_asked() -> None:
    async def story() -> None:
        before = threading.active_count()
        async with DriverThread("one"):
            assert threading.active_count() == before

    tell(story)


def test_closing_twice_is_harmless_and_a_call_starts_it_again() -> None:
    async def story() -> None:
        thread = DriverThread("one")
        assert await thread.run(lambda: 1) == 1
        await thread.aclose()
        await thread.aclose()
        assert await thread.run(lambda: 2) == 2
        await thread.aclose()

    tell(story)


class Panic(BaseException):
    """What native drivers raise when they panic."""


@pytest.mark.parametrize("error", [ValueError, Panic, KeyboardInterrupt, StopAsyncIteration])
def test_its_errors_are_the_callers(error: type[BaseException]) -> None:
    def fail() -> None:
        raise error("no")

    async def story() -> None:
        async with DriverThread("one") as thread:
            with pytest.raises(error, match="no"):
                await thread.run(fail)
            assert await thread.run(lambda: 1) == 1, "and the thread goes on"

    tell(story)


def test_an_exhausted_iterator_is_an_error_and_no_endless_wait() -> None:
    async def story() -> None:
        async with DriverThread("one") as thread:
            with pytest.raises(RuntimeError, match="StopIteration"):
                await thread.run(lambda: next(iter([])))

    tell(story)


def test_cancelling_interrupts_and_waits() -> None:
    driver = Driver()

    def interrupt() -> None:
        driver.interrupt()
        driver.let_go.set()

    async def story() -> None:
        async with DriverThread("one", interrupt=interrupt) as thread:
            call = asyncio.create_task(thread.run(driver.hang))
            await driver.has_begun()
            call.cancel()
            await asyncio.wait([call])
            assert call.cancelled()
            assert driver.told == ["begun", "interrupt", "ended"]
            assert await thread.run(lambda: 1) == 1

    tell(story)


def test_what_cannot_be_interrupted_is_waited_for() -> None:
    driver = Driver()

    async def story() -> None:
        async with DriverThread("one", grace=0) as thread:
            call = asyncio.create_task(thread.run(driver.hang))
            await driver.has_begun()
            for _ in range(3):
                call.cancel()
                await asyncio.wait([call], timeout=0.01)
                assert not call.done()
            driver.let_go.set()
            await asyncio.wait([call])
            assert call.cancelled()

    tell(story)
    assert driver.told == ["begun", "ended"]


def test_a_call_cancelled_before_its_turn_never_happens_and_disturbs_nobody() -> None:
    driver = Driver()

    async def story() -> None:
        async with DriverThread("one", interrupt=driver.interrupt) as thread:
            running = asyncio.create_task(thread.run(driver.hang))
            await driver.has_begun()
            waiting = asyncio.create_task(thread.run(driver.told.append, "never"))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            driver.let_go.set()
            assert await running == "answer"

    tell(story)
    assert driver.told == ["begun", "ended"]


def test_a_call_that_takes_too_long_is_interrupted() -> None:
    driver = Driver()

    async def story() -> None:
        async with DriverThread("slow", interrupt=driver.let_go.set, timeout=0.05) as thread:
            with pytest.raises(FlowTimeout, match=r"slow .* 0\.05 s"):
                await thread.run(driver.hang)

    tell(story)
    assert driver.told == ["begun", "ended"]


@pytest.mark.parametrize("interrupts", [True, False])
def test_a_call_that_ignores_the_interrupt_loses_its_connection(interrupts: bool) -> None:
    driver = Driver()

    def discard() -> None:
        driver.discard()
        driver.let_go.set()

    async def story() -> None:
        interrupt = driver.interrupt if interrupts else None
        async with DriverThread("one", interrupt=interrupt, discard=discard, grace=0.01) as thread:
            call = asyncio.create_task(thread.run(driver.hang))
            await driver.has_begun()
            call.cancel()
            await asyncio.wait([call])
            assert call.cancelled()

    tell(story)
    assert driver.told == ["begun", *["interrupt"] * interrupts, "discard", "ended"]


def test_an_interrupt_that_fails_is_no_reason_to_stop_there() -> None:
    driver = Driver()

    def interrupt() -> None:
        raise OSError("the connection is gone")

    async def story() -> None:
        async with DriverThread(
            "one", interrupt=interrupt, discard=driver.let_go.set, timeout=0.01, grace=0.01
        ) as thread:
            with pytest.raises(FlowTimeout):
                await thread.run(driver.hang)

    tell(story)


def test_a_call_that_nothing_ends_is_told_and_so_is_every_later_one() -> None:
    driver = Driver()

    async def story() -> None:
        thread = DriverThread(
            "stuck", interrupt=driver.interrupt, discard=driver.discard, timeout=0.01, grace=0.01
        )
        with pytest.raises(DriverHung, match="stuck"):
            await thread.run(driver.hang)
        with pytest.raises(DriverHung, match="stuck"):
            await thread.run(driver.told.append, "never")
        with pytest.raises(DriverHung, match="does not end"):
            await thread.aclose()
        assert driver.told == ["begun", "interrupt", "discard"]
        driver.let_go.set()
        for left in threading.enumerate():
            if left.name == "hygge-stuck":
                await asyncio.to_thread(left.join, LONG)

    tell(story)


def test_a_generator_that_hangs_is_told_without_a_time_limit_too() -> None:
    """Cancelled, it cannot be closed either: its thread is gone for good."""
    driver = Driver()

    def rows() -> Iterator[str]:
        yield driver.hang()

    async def story() -> None:
        thread = DriverThread(
            "stuck", interrupt=driver.interrupt, discard=driver.discard, grace=0.01
        )

        async def read() -> None:
            async with aclosing(thread.iterate(rows)) as given:
                async for _ in given:
                    pass

        reading = asyncio.create_task(read())
        await driver.has_begun()
        reading.cancel()
        await asyncio.wait([reading])
        assert isinstance(reading.exception(), DriverHung)
        with pytest.raises(DriverHung):
            await thread.aclose()
        driver.let_go.set()
        for left in threading.enumerate():
            if left.name == "hygge-stuck":
                await asyncio.to_thread(left.join, LONG)

    tell(story)


class Cursor:
    """An iterator with a life of its own, and the threads that touched it."""

    def __init__(self, rows: int, driver: Driver | None = None) -> None:
        self.left, self.driver = rows, driver
        self.threads, self.closed = {threading.get_ident()}, 0

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        self.threads.add(threading.get_ident())
        if self.driver is not None:
            self.driver.hang()
        if not self.left:
            raise StopIteration
        self.left -= 1
        return self.left

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed += 1

    def interrupt(self) -> None:
        assert self.driver is not None
        self.driver.let_go.set()


def test_an_iterator_lives_and_is_closed_on_its_thread() -> None:
    made = list[Cursor]()

    def start() -> Cursor:
        made.append(Cursor(3))
        return made[0]

    async def story() -> None:
        async with DriverThread("one") as thread:
            given = [row async for row in thread.iterate(start)]
            assert given == [2, 1, 0]
            assert made[0].threads == {await thread.run(threading.get_ident)}

    tell(story)
    assert made[0].closed == 1


def test_a_generator_left_early_is_closed_on_its_thread() -> None:
    closed = list[int]()

    def rows() -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            closed.append(threading.get_ident())

    async def story() -> None:
        async with DriverThread("one") as thread:
            async with aclosing(thread.iterate(rows)) as given:
                async for row in given:
                    assert row == 0
                    break
            assert closed == [await thread.run(threading.get_ident)]

    tell(story)


def test_an_error_of_the_iterator_is_the_readers_and_closes_it() -> None:
    closed = list[str]()

    def rows() -> Iterator[int]:
        try:
            yield 1
            raise LookupError("row 2")
        finally:
            closed.append("closed")

    async def story() -> None:
        async with DriverThread("one") as thread:
            given = thread.iterate(rows)
            assert await anext(given) == 1
            with pytest.raises(LookupError, match="row 2"):
                await anext(given)

    tell(story)
    assert closed == ["closed"]


def test_cancelling_a_read_interrupts_by_its_iterator_and_closes_it() -> None:
    driver = Driver()
    cursor = Cursor(3, driver)

    async def story() -> None:
        async with DriverThread("one") as thread:

            async def read() -> None:
                async with aclosing(thread.iterate(lambda: cursor)) as given:
                    async for _ in given:
                        pass

            reading = asyncio.create_task(read())
            await driver.has_begun()
            reading.cancel()
            await asyncio.wait([reading])
            assert reading.cancelled()

    tell(story)
    assert cursor.closed == 1


def test_an_iterator_that_was_just_starting_when_cancelled_is_closed_too() -> None:
    driver, cursor = Driver(), Cursor(3)

    def start() -> Cursor:
        driver.hang()
        return cursor

    async def story() -> None:
        async with DriverThread("one", interrupt=driver.let_go.set) as thread:
            reading = asyncio.create_task(anext(thread.iterate(start)))
            await driver.has_begun()
            reading.cancel()
            await asyncio.wait([reading])
            assert reading.cancelled()

    tell(story)
    assert cursor.closed == 1


def test_an_iterator_that_was_just_starting_when_cancelled_gives_nothing() -> None:
    driver, asked = Driver(), list[str]()

    class Slow(Cursor):
        def __next__(self) -> int:
            asked.append("next")
            return super().__next__()

    cursor = Slow(3)

    def start() -> Cursor:
        driver.hang()
        return cursor

    async def story() -> None:
        async with DriverThread("one") as thread:
            reading = asyncio.create_task(anext(thread.iterate(start)))
            await driver.has_begun()
            reading.cancel()
            for _ in range(9):  # a cancel takes some rounds of the loop to arrive
                await asyncio.sleep(0)
            driver.let_go.set()
            await asyncio.wait([reading])
            assert reading.cancelled()

    tell(story)
    assert (asked, cursor.closed) == ([], 1)


def test_a_call_that_is_done_when_it_is_cancelled_is_not_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver, calls = Driver(), list[asyncio.Task[int]]()
    tell_plainly = driver_thread._Call._tell

    def tell_and_cancel(call: driver_thread._Call, result: int, failed: None) -> None:
        tell_plainly(call, result, failed)
        calls[0].cancel()

    monkeypatch.setattr(driver_thread._Call, "_tell", tell_and_cancel)

    async def story() -> None:
        async with DriverThread("one", interrupt=driver.interrupt) as thread:
            calls.append(asyncio.create_task(thread.run(threading.get_ident)))
            await asyncio.wait(calls)
            assert calls[0].cancelled()
            monkeypatch.undo()

    tell(story)
    assert driver.told == []


def test_a_thread_is_given_back_though_the_giving_is_cancelled() -> None:
    driver = Driver()

    async def story() -> None:
        thread = DriverThread("one")
        call = asyncio.create_task(thread.run(driver.hang))
        await driver.has_begun()
        closing = asyncio.create_task(thread.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        driver.let_go.set()
        await asyncio.wait([closing])
        assert closing.cancelled()
        assert await call == "answer"

    tell(story)


def test_kept_threads_end_though_the_run_is_cancelled_meanwhile() -> None:
    async def story() -> list[threading.Thread]:
        threads = list[threading.Thread]()

        async def run() -> None:
            async with keeping_workers(), AsyncExitStack() as opened:
                for _ in range(3):
                    thread = await opened.enter_async_context(DriverThread("one"))
                    threads.append(await thread.run(threading.current_thread))
                me = asyncio.current_task()
                assert me is not None
                asyncio.get_running_loop().call_soon(me.cancel)

        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(run())
        return threads

    for thread in tell(story):
        thread.join(LONG)
        assert not thread.is_alive()


# finish


def test_finish_gives_the_result_or_the_error() -> None:
    async def fail() -> None:
        raise LookupError("no")

    async def story() -> None:
        assert await finish(asyncio.sleep(0, "done")) == "done"
        with pytest.raises(LookupError, match="no"):
            await finish(fail())

    tell(story)


@pytest.mark.parametrize("fails", [True, False])
def test_finish_ends_its_work_however_often_it_is_cancelled(fails: bool) -> None:
    told = list[str]()

    async def story() -> None:
        may_end = asyncio.Event()

        async def work() -> None:
            told.append("begun")
            await may_end.wait()
            told.append("ended")
            if fails:
                raise LookupError("no")

        task = asyncio.create_task(finish(work()))
        for _ in range(5):
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.sleep(0)
        assert told == ["begun"]
        assert not task.done()
        may_end.set()
        await asyncio.wait([task])
        assert task.cancelled(), "the cancel gets through, late"

    tell(story)
    assert told == ["begun", "ended"]
