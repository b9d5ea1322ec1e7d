"""Changes that wait for the disk together: one transaction, and to each its own answer."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hygge.journal.group_commit import GroupCommit


class Desk:
    """A file that is written by groups, what was executed on it, and a way to hold it up."""

    def __init__(self, path: Path) -> None:
        self.path, self.statements = path, list[str]()
        self.blocker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.blocker.execute("create table words (word text primary key)")
        self.group = GroupCommit("desk", self._open, self._open)
        self.opened, self.busy = 0, threading.Event()

    def _open(self) -> sqlite3.Connection:
        self.opened += 1
        db = sqlite3.connect(self.path, isolation_level=None, timeout=30)
        db.set_trace_callback(self._heard)
        return db

    def _heard(self, statement: str) -> None:
        self.statements.append(statement)
        self.busy.set()

    async def held_up(self, *works: Callable[[sqlite3.Connection], object]) -> list[object]:
        """The answers of works that were all asked for while the file was locked."""
        await asyncio.to_thread(self.blocker.execute, "begin immediate")
        asked = [asyncio.create_task(self.group.change(work)) for work in works]
        await asyncio.sleep(0)  # every task has asked now
        await asyncio.to_thread(self.blocker.execute, "commit")
        return list(await asyncio.gather(*asked, return_exceptions=True))

    def words(self) -> list[str]:
        return [word for (word,) in self.blocker.execute("select word from words order by rowid")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "desk.db")
    yield made
    made.blocker.close()


def add(word: str) -> Callable[[sqlite3.Connection], str]:
    def work(db: sqlite3.Connection) -> str:
        db.execute("insert into words values (?)", (word,))
        return word.upper()

    return work


def test_calls_that_wait_share_a_transaction_and_get_their_own_answers(desk: Desk) -> None:
    words = [f"w{n}" for n in range(200)]

    async def story() -> None:
        answers = await desk.held_up(*map(add, words))
        assert answers == [word.upper() for word in words]
        await desk.group.close()

    asyncio.run(story())
    assert desk.words() == words
    assert desk.statements.count("commit") <= 2, "whoever was first, and all the others"
    assert desk.opened == 1


def test_a_call_that_fails_undoes_nothing_but_itself(desk: Desk) -> None:
    def half(db: sqlite3.Connection) -> None:
        add("half")(db)
        raise LookupError("mine")

    async def story() -> None:
        first, second, third, fourth = await desk.held_up(add("a"), half, add("a"), add("b"))
        assert (first, fourth) == ("A", "B")
        assert isinstance(second, LookupError)
        assert isinstance(third, sqlite3.IntegrityError)
        await desk.group.close()

    asyncio.run(story())
    assert desk.words() == ["a", "b"]


def test_when_the_transaction_fails_all_of_it_are_told_and_the_next_is_a_fresh_one(
    desk: Desk,
) -> None:
    def give_up(db: sqlite3.Connection) -> None:
        db.execute("rollback")
        raise sqlite3.OperationalError("the disk went away")

    async def story() -> None:
        answers = await desk.held_up(add("first"), add("a"), give_up, add("b"))
        # the first may have been taken alone, before the others had asked
        assert all(isinstance(answer, sqlite3.OperationalError) for answer in answers[1:])
        assert await desk.group.change(add("c")) == "C"
        await desk.group.close()

    asyncio.run(story())
    assert [word for word in desk.words() if word != "first"] == ["c"]
    assert desk.opened == 2


def test_a_call_cancelled_before_its_turn_never_happens(desk: Desk) -> None:
    async def story() -> None:
        await asyncio.to_thread(desk.blocker.execute, "begin immediate")
        running = asyncio.create_task(desk.group.change(add("running")))
        await asyncio.to_thread(desk.busy.wait)  # it has the thread, and waits for the file
        waiting = asyncio.create_task(desk.group.change(add("waiting")))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled(), "it need not wait for the one that runs"
        await asyncio.to_thread(desk.blocker.execute, "commit")
        assert await running == "RUNNING"
        await desk.group.change(add("later"))
        await desk.group.close()

    asyncio.run(story())
    assert desk.words() == ["running", "later"]


def test_a_call_cancelled_in_its_turn_is_waited_for(desk: Desk) -> None:
    async def story() -> None:
        await asyncio.to_thread(desk.blocker.execute, "begin immediate")
        running = asyncio.create_task(desk.group.change(add("running")))
        await asyncio.to_thread(desk.busy.wait)
        running.cancel()
        await asyncio.sleep(0)
        assert not running.done()
        await asyncio.to_thread(desk.blocker.execute, "commit")
        await asyncio.wait([running])
        assert running.cancelled()
        assert desk.words() == ["running"]
        await desk.group.close()

    asyncio.run(story())


def test_a_file_that_cannot_be_opened_is_every_callers_error(tmp_path: Path) -> None:
    def refuse() -> sqlite3.Connection:
        raise PermissionError("no")

    async def story() -> None:
        group = GroupCommit("refused", refuse, lambda: None)
        asked = (group.change(add(word)) for word in "abc")
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(answer) for answer in answers] == [PermissionError] * 3
        assert await group.read(lambda db: 1) is None, "there is nothing to read"
        await group.close()

    asyncio.run(story())
