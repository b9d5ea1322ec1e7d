"""The kinds of connection to a PostgreSQL server: to talk, for rows, and as others have it."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import psycopg

from hygge.connections.pool import Line
from hygge.databases.hanging_up import (
    POLITE_SECONDS,
    hang_up,
    is_quiet,
    known_by,
    seen_off,
    wire_of,
    within,
)
from hygge.databases.postgres_errors import told
from hygge.databases.postgres_settings import PostgresSettings

_KNOWN_BY = itertools.count(60_001)
"""How long to wait for a silent machine, in milliseconds: a number of its own tells each socket for
rows; 60,000 is that of all others."""
_WHOLE = {"adbc.postgresql.use_copy": "false"}
"""For what is no query: it cannot stand in a COPY."""


class _Asking(Line):
    """By psycopg: a statement and its answer, each at once in force."""

    def __init__(self, wishes: str) -> None:
        with told():
            self.db = psycopg.connect(
                wishes,
                autocommit=True,
                prepare_threshold=None,  # what it prepared would be forgotten by a cleaning
                cursor_factory=psycopg.RawCursor,
            )

    def clean(self) -> None:
        self.db.execute(b"discard all")  # refused within a transaction

    def is_quiet(self) -> bool:
        return is_quiet(self.db.fileno())

    def ping(self) -> None:
        self.db.execute(b"select 1")

    def interrupt(self) -> None:
        """Ask the server first, so that it stops, too."""
        with suppress(psycopg.Error):
            self.db.cancel_safe(timeout=POLITE_SECONDS)
        with suppress(psycopg.Error, OSError):
            hang_up(self.db.fileno())

    def close(self) -> None:
        wires = list[socket.socket]()
        with suppress(psycopg.Error):  # it may be gone already
            wires = wire_of(self.db.fileno())
        seen_off(wires, partial(_closed, self.db))


class Talk(_Asking):
    """With our settings."""

    def __init__(self, settings: PostgresSettings) -> None:
        super().__init__(settings.wishes(more=settings.brisk()))


class Guest(_Asking):
    """With the settings of the server, as anybody has them."""

    def __init__(self, settings: PostgresSettings) -> None:
        super().__init__(settings.wishes(plain=True))


class Bulk(Line):
    """By ADBC: rows, in one COPY a statement, each at once in force."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._known_by = next(_KNOWN_BY)
        self.cursor: Any = None
        with told():
            self.db = adbc.connect(settings.wishes(self._known_by), autocommit=True)

    @contextmanager
    def asking(self) -> Iterator[Any]:
        """A cursor whose call can be interrupted."""
        with self.db.cursor() as self.cursor:
            try:
                yield self.cursor
            finally:
                self.cursor = None

    def whole(self, sql: str) -> None:
        """What gives no rows, by itself."""
        with self.asking() as cursor:
            cursor.adbc_statement.set_options(**_WHOLE)
            cursor.execute(sql)

    def clean(self) -> None:
        self.whole("discard all")

    def is_quiet(self) -> bool:
        with _wires(self._known_by) as wires:
            return all(is_quiet(wire.fileno()) for wire in wires)

    def ping(self) -> None:
        self.whole("select 1")

    def interrupt(self) -> None:
        if (cursor := self.cursor) is not None:
            within(POLITE_SECONDS, cursor.adbc_cancel, adbc.Error)
        with _wires(self._known_by) as wires, suppress(OSError):
            for wire in wires:
                hang_up(wire.fileno())

    def close(self) -> None:
        seen_off(known_by(self._known_by), partial(_closed, self.db))


@contextmanager
def _wires(number: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(wire) for wire in known_by(number)]


def _closed(db: Any) -> None:
    with suppress(psycopg.Error, adbc.Error, OSError):  # it may be gone already
        db.close()
