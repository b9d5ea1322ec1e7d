"""Trying again what may help: transient errors only, with growing, jittered waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from hygge.core.errors import HyggeError

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0


def is_transient(failed: BaseException) -> bool:
    """Whether the same attempt may succeed later, unchanged."""
    return isinstance(failed, HyggeError) and failed.transient


async def attempts(
    work: Callable[[], Awaitable[T]],
    retries: int,
    pause: Callable[[float], Awaitable[None]],
    tell: Callable[[int, float, BaseException], None],
) -> T:
    """The result of the first attempt that succeeds; the last error if none does."""
    try:
        return await work()
    except HyggeError as failed:
        if not is_transient(failed):
            raise
        return await _again(failed, work, retries, pause, tell)


async def _again(
    first: HyggeError,
    work: Callable[[], Awaitable[T]],
    retries: int,
    pause: Callable[[float], Awaitable[None]],
    tell: Callable[[int, float, BaseException], None],
) -> T:
    # imported when it is needed: most runs never are, and start a tenth of a second sooner
    from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt
    from tenacity.wait import wait_exponential, wait_random

    failures = [first]

    async def once() -> T:
        if failures:
            raise failures.pop()
        return await work()

    def before(state: RetryCallState) -> None:
        assert state.outcome is not None
        failed = state.outcome.exception()
        assert failed is not None
        tell(state.attempt_number, state.upcoming_sleep, failed)

    retrying = AsyncRetrying(
        retry=retry_if_exception(is_transient),
        stop=stop_after_attempt(retries + 1),
        wait=wait_exponential(FIRST_WAIT, LONGEST_WAIT) + wait_random(0, FIRST_WAIT),
        sleep=pause,
        before_sleep=before,
        reraise=True,
    )
    return await retrying(once)
