"""A short question to a database, which is given up when nothing is answered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

from hygge.core.driver_thread import DriverThread
from hygge.core.errors import ConnectionFailed, FlowTimeout
from hygge.databases.database import Database, Session

T = TypeVar("T")
_HERE = threading.local()


class Question:
    """Calls on a thread, and the sessions that it opened: they are what is interrupted."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []

    def ask(self, work: Callable[[], T]) -> T:
        _HERE.question = self
        try:
            return work()
        finally:
            _HERE.question = None

    def interrupt(self) -> None:
        for session in [*self.sessions]:
            session.interrupt()


def opened(session: Session) -> Session:
    """Known to the question that this thread is at."""
    question: Question | None = getattr(_HERE, "question", None)
    if question is not None:
        question.sessions.append(session)
    return session


def about(database: Database) -> str | None:
    """As Session.about, asked on a connection of its own."""
    with closing(opened(database.connect())) as session:
        return session.about()


async def answered(name: str, work: Callable[[], T], seconds: float | None) -> T:
    """The answer; ConnectionFailed if there is none within so many seconds."""
    question = Question()
    async with DriverThread(name, interrupt=question.interrupt, timeout=seconds) as thread:
        try:
            return await thread.run(question.ask, work)
        except FlowTimeout as late:
            raise ConnectionFailed(f"the database did not answer within {seconds:g} s") from late
