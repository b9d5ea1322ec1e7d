"""Changes that wait for the disk together: one durable transaction for all of them.

A commit takes milliseconds, for one change or for a thousand. Changes that are asked for while a
transaction is being made durable go into the next one, together; each gets its own result or error.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeAlias, TypeVar

from hygge.core.driver_thread import DriverThread

T = TypeVar("T")
Work: TypeAlias = Callable[[sqlite3.Connection], T]
_Call: TypeAlias = tuple[Future[Any], Work[Any]]


class GroupCommit:
    """One connection on one thread, opened by the first change and by the first after a failure.

    `create` opens for writing. `look` opens for reading what is there, or gives None.
    """

    def __init__(
        self,
        name: str,
        create: Callable[[], sqlite3.Connection],
        look: Callable[[], sqlite3.Connection | None],
    ) -> None:
        self._create, self._look = create, look
        self._thread = DriverThread(name)
        self._waiting: deque[_Call] = deque()
        self._db: sqlite3.Connection | None = None

    async def change(self, work: Work[T]) -> T:
        """The result of `work`, which is durable by then; its error, and nothing has changed.

        Cancelled before its turn, it never happens; later, it is waited for.
        """
        answer: Future[T] = Future()
        self._waiting.append((answer, work))
        try:
            # whoever comes first takes all that wait; the others find their answers ready
            await self._thread.run(self._commit_waiting)
        finally:
            answer.cancel()
        return answer.result()

    async def read(self, work: Work[T]) -> T | None:
        """The result of `work`; None if there is no file to read. Makes no file."""
        return await self._thread.run(self._read, work)

    async def close(self) -> None:
        """Close the connection and end the thread. A later call opens them again."""
        try:
            await self._thread.run(self._disconnect)
        finally:
            await self._thread.aclose()

    def _commit_waiting(self) -> None:
        calls = [call for call in self._taken() if call[0].set_running_or_notify_cancel()]
        if not calls:
            return
        try:
            results = self._transaction(calls)
        except BaseException as failed:  # noqa: BLE001 - it is every caller's error
            self._disconnect()
            for answer, _ in calls:
                answer.set_exception(failed)
            return
        for (answer, _), result in zip(calls, results, strict=True):
            if isinstance(result, _Failed):
                answer.set_exception(result.error)
            else:
                answer.set_result(result)

    def _taken(self) -> list[_Call]:
        return [self._waiting.popleft() for _ in range(len(self._waiting))]

    def _transaction(self, calls: list[_Call]) -> list[Any]:
        if self._db is None:
            self._db = self._create()
        self._db.execute("begin immediate")
        results = [_apart(self._db, work) for _, work in calls]
        self._db.execute("commit")
        return results

    def _read(self, work: Work[T]) -> T | None:
        if self._db is None:
            self._db = self._look()
        if self._db is None:
            return None
        try:
            return work(self._db)
        except sqlite3.Error:
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close()  # what is not committed is rolled back


class _Failed:
    """The error of one change, while the others go on."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _apart(db: sqlite3.Connection, work: Work[Any]) -> Any:
    """One change among others: if it fails, it alone is undone."""
    db.execute("savepoint change")
    try:
        result = work(db)
    except Exception as failed:
        if not db.in_transaction:  # the database gave up the whole transaction
            raise
        db.execute("rollback to change")
        db.execute("release change")
        return _Failed(failed)
    db.execute("release change")
    return result
