"""Several inserts at once into the staging of one part, each on a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

import polars as pl

from hygge.databases.database import Session, Table

_LEAST = 16_384
"""Rows that are worth an insert of their own, whatever the database thinks."""


class Workers:
    """Threads that take rows in any order: each row knows its place. One piece waits while all are
    at work, and whoever brings another waits, too.

    What fails first ends the rest, and is raised by the next call.
    """

    def __init__(self, connect: Callable[[], Session], table: Table, count: int, rows: int) -> None:
        self._connect, self._table, self._rows = connect, table, max(rows, _LEAST)
        self._turn = threading.Condition()
        self._next: pl.DataFrame | None = None
        self._failed: BaseException | None = None
        self._over = False
        self._sessions = list[Session]()
        self._threads = [
            threading.Thread(target=self._work, name=f"inserts-{n}", daemon=True)
            for n in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, rows: pl.DataFrame) -> None:
        for piece in rows.iter_slices(self._rows):
            with self._turn:
                self._turn.wait_for(lambda: self._next is None or self._failed is not None)
                self._raise()
                self._next = piece
                self._turn.notify_all()

    def end(self) -> None:
        """There is no more to come: wait until all is in."""
        with self._turn:
            self._over = True
            self._turn.notify_all()
        self._join()
        self._raise()

    def abandon(self) -> None:
        """Nothing of it is wanted any more, if it has not ended."""
        if any(thread.is_alive() for thread in self._threads):
            self.interrupt()
        self._join()

    def interrupt(self) -> None:
        """Stop all. From another thread."""
        self._fail(_GivenUp("given up"))
        with self._turn:  # so that none is closed meanwhile
            for session in self._sessions:
                session.interrupt()

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _raise(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _fail(self, failed: BaseException) -> None:
        with self._turn:
            self._failed = self._failed or failed
            self._turn.notify_all()

    # on each thread

    def _work(self) -> None:
        try:
            session = self._opened()
            try:
                self._insert(session)
            finally:
                with self._turn:
                    self._sessions.remove(session)
                session.close()
        except BaseException as failed:  # noqa: BLE001 - whoever brings rows is told
            self._fail(failed)

    def _opened(self) -> Session:
        session = self._connect()
        with self._turn:
            self._sessions.append(session)
        return session

    def _insert(self, session: Session) -> None:
        inflow = None
        try:
            while (rows := self._taken()) is not None:
                inflow = inflow or session.inflow(self._table)
                if inflow is not None:
                    inflow.put(rows)
                else:
                    session.insert(self._table, rows)
            if inflow is not None and self._failed is None:
                inflow.end()
        finally:
            if inflow is not None:
                inflow.abandon()

    def _taken(self) -> pl.DataFrame | None:
        """What is to be inserted next; None: no more."""
        with self._turn:
            self._turn.wait_for(
                lambda: self._next is not None or self._over or self._failed is not None
            )
            if self._failed is not None:
                return None
            rows, self._next = self._next, None
            self._turn.notify_all()
            return rows


class _GivenUp(Exception):
    """Whoever brought the rows does not want them any more."""
