"""One connection to a MySQL or MariaDB server."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.cursors import SSCursor

from hygge.connections.pool import Line
from hygge.core.errors import HyggeError
from hygge.databases.hanging_up import (
    POLITE_SECONDS,
    hang_up,
    is_quiet,
    keep_alive,
    seen_off,
    wire_of,
    within,
)
from hygge.databases.mysql_errors import told
from hygge.databases.mysql_settings import MysqlSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

_STOPPED = 1317
"""ER_QUERY_INTERRUPTED."""
_RESET = 31
"""COM_RESET_CONNECTION: all is as it was after the login, but for the character set."""


class MysqlLine(Line):
    """By PyMySQL: a statement and its answer, each at once in force."""

    def __init__(self, settings: MysqlSettings) -> None:
        self._settings = settings
        self.db = _dialled(settings)

    def clean(self) -> None:
        self.db._execute_command(_RESET, b"")
        self.db._read_ok_packet()
        with self.db.cursor() as cursor:
            cursor.execute(f"set names utf8mb4, {settled(self._settings)}")

    def is_quiet(self) -> bool:
        return is_quiet(self.db._sock.fileno())

    def ping(self) -> None:
        self.db.ping(reconnect=False)

    @contextmanager
    def streaming(self, sql: str, values: Any) -> Iterator[Any]:
        """A cursor that has sent its query, and whose rows are still on their way."""
        decoders, self.db.decoders = self.db.decoders, {}
        try:
            cursor = self.db.cursor(SSCursor)
            cursor.execute(sql, values)
        finally:
            self.db.decoders = decoders
        try:
            yield cursor
        finally:
            cursor.connection = None  # to close it would read all the rest first, or fail
            if cursor._result is not None:
                cursor._result.unbuffered_active = False

    def give_up(self, rest: Iterator[object]) -> None:
        """Have the server stop, and see off what is on its way: the connection stays. If it was at
        its end by then, the next statement may be stopped instead: one that does nothing."""
        try:
            self._kill()
            with _unless_stopped():
                for _ in rest:
                    pass
            with _unless_stopped(), self.db.cursor() as cursor:
                cursor.execute("do 0")
        except (HyggeError, pymysql.Error, OSError, AttributeError):  # whoever uses it next is told
            self.db._force_close()

    def interrupt(self) -> None:
        """Ask the server first, so that it stops, too: by one connection more, for a moment."""
        within(POLITE_SECONDS, self._kill, HyggeError, pymysql.Error)
        with suppress(OSError, AttributeError):  # it may be closed by now
            hang_up(self.db._sock.fileno())

    def _kill(self) -> None:
        with closing(_dialled(self._settings)) as killer, killer.cursor() as cursor:
            cursor.execute(f"kill query {self.db.thread_id()}")

    def close(self) -> None:
        with suppress(pymysql.Error, OSError, AttributeError):  # it may be gone already
            # one that is not read to its end would read all the rest first
            seen_off(wire_of(self.db._sock.fileno()), self.db._force_close)


@contextmanager
def _unless_stopped() -> Iterator[None]:
    try:
        yield
    except pymysql.Error as failed:
        if failed.args[:1] != (_STOPPED,):
            raise


def _dialled(settings: MysqlSettings) -> Any:
    with told():
        made = pymysql.connect(
            **settings.entry(),
            **settings.encryption(),
            charset="utf8mb4",
            autocommit=True,
            local_infile=True,
            connect_timeout=settings.connect_seconds,
            read_timeout=settings.connect_seconds,
            write_timeout=settings.connect_seconds,
            init_command=f"set {settled(settings)}",
        )
        made._read_timeout = made._write_timeout = None  # what is asked may take its time
        keep_alive(made._sock)
        return made


def settled(settings: MysqlSettings) -> str:
    """What holds in every session of ours."""
    return (
        f"time_zone = '+00:00', innodb_lock_wait_timeout = {settings.lock_seconds}, "
        f"lock_wait_timeout = {settings.lock_seconds}, autocommit = 1, "
        "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'"
    )


@contextmanager
def in_memory(data: bytes) -> Iterator[str]:
    """A file that lies in memory alone, by a path."""
    handle = os.memfd_create("hygge")
    try:
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(data)
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)
