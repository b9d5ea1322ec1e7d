"""Lines in a pool: never more than places, kept while a run goes on, closed when they are old."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from hygge.connections import pool as pools
from hygge.connections.loan import Loan
from hygge.connections.pool import Line, LoginExpired, Pool, keeping_connections
from hygge.core.errors import ConnectionFailed

OPEN: list[Plain] = []


class Plain(Line):
    """A line that keeps a record of itself."""

    def __init__(self) -> None:
        self.number, self.cleaned, self.closed = next(_NUMBERS), 0, threading.Event()
        OPEN.append(self)

    def clean(self) -> None:
        self.cleaned += 1

    def is_quiet(self) -> bool:
        return True

    def ping(self) -> None: ...
    def interrupt(self) -> None: ...

    def close(self) -> None:
        OPEN.remove(self)
        self.closed.set()


class Other(Plain):
    """One of another kind."""


_NUMBERS = itertools.count()


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool("here", 2, 5)
    OPEN.clear()
    pools._POOLS[os.getpid(), made] = made
    yield made
    del pools._POOLS[os.getpid(), made]
    assert not OPEN


def used(loan: Loan, kind: type[Plain] = Plain) -> int:
    with loan.using(kind, kind) as line:
        return line.number


def test_without_a_run_nothing_is_kept(pool: Pool) -> None:
    with closing(Loan(pool)) as loan:
        used(loan)
        assert len(OPEN) == 1
    assert not OPEN


def test_while_a_run_goes_on_a_line_is_cleaned_and_kept(pool: Pool) -> None:
    async def story() -> None:
        async with keeping_connections():
            with closing(Loan(pool)) as loan:
                first = used(loan)
            (line,) = OPEN
            assert (line.cleaned, pool.idle) == (1, 1)
            with closing(Loan(pool)) as loan:
                assert used(loan) == first
            pool.drop_idle(60)
            assert pool.idle == 1
            pool.drop_idle(0)
            assert not OPEN

    asyncio.run(story())


def test_lines_that_came_in_by_what_has_expired_are_not_used_again(pool: Pool) -> None:
    async def story() -> None:
        async with keeping_connections():
            with closing(Loan(pool)) as one, closing(Loan(pool)) as two:
                used(one)
                used(two)
            assert pool.idle == 2
            with closing(Loan(pool)) as loan:
                with pytest.raises(LoginExpired), loan.using(Plain, Plain):
                    raise LoginExpired("the token has expired")
                assert pool.idle == 0
            assert not OPEN

    asyncio.run(story())


def test_one_place_has_one_line_of_one_kind_at_a_time(pool: Pool) -> None:
    """Where all places are taken, changing kinds closes what is idle."""

    async def story() -> None:
        async with keeping_connections():
            with closing(Loan(pool)) as one, closing(Loan(pool)) as two:
                used(one)
                used(two)
                for kind in (Other, Plain, Other):
                    used(one, kind)
                    assert len(OPEN) <= pool.size
                assert pool.peak == 2
            pool.drop_idle(0)

    asyncio.run(story())
    assert not OPEN


def test_a_line_that_is_in_use_is_not_changed(pool: Pool) -> None:
    with (
        closing(Loan(pool)) as loan,
        loan.using(Plain, Plain),
        pytest.raises(AssertionError, match="cannot be another"),
    ):
        used(loan, Other)
    assert not OPEN


def test_who_is_stopped_while_connecting_gets_nothing(pool: Pool) -> None:
    loan = Loan(pool)

    def made() -> Plain:
        loan.stop()
        return Plain()

    with (
        closing(loan),
        pytest.raises(ConnectionFailed, match="stopped while connecting"),
        loan.using(Plain, made),
    ):
        pytest.fail("it was stopped")
    assert not OPEN


def test_a_place_is_free_again_if_connecting_fails(pool: Pool) -> None:
    def failing() -> Plain:
        raise ConnectionFailed("nobody is there")

    for _ in range(pool.size + 1):
        with (
            closing(Loan(pool)) as loan,
            pytest.raises(ConnectionFailed, match="nobody"),
            loan.using(Plain, failing),
        ):
            pytest.fail("there is nobody")


def test_old_lines_are_closed_while_nobody_asks(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "IDLE_SECONDS", 0.0)

    async def story() -> None:
        async with keeping_connections():
            with closing(Loan(pool)) as loan:
                used(loan)
                (line,) = OPEN
            assert await asyncio.to_thread(line.closed.wait, 20)

    asyncio.run(story())
