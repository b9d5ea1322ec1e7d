"""The kinds of connection to SQL Server: to talk and to read, by ODBC; and to load in bulk."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import mssql_py_core
import mssql_python
import pyarrow as pa

from hygge.connections.entra import token
from hygge.connections.pool import Line
from hygge.core.errors import ConfigError, ConnectionFailed
from hygge.databases.hanging_up import hang_up, is_quiet, keep_alive, within
from hygge.databases.mssql_dialling import Dialling, knock, wire_known_by
from hygge.databases.mssql_errors import told
from hygge.databases.mssql_settings import MssqlSettings, written

mssql_python.pooling(enabled=False)  # the pool is ours

_ACCESS_TOKEN = 1256
"""SQL_COPT_SS_ACCESS_TOKEN: bytes, with their length before them."""
_POLITE_SECONDS = 1.0
"""A server that is there has been asked to stop by then; from one that is not, no answer comes."""
_MANNERS = (
    "set language us_english; set dateformat ymd; set xact_abort on; set nocount on; "
    "set lock_timeout {wait}; set transaction isolation level read committed"
)


@contextmanager
def _entering(settings: MssqlSettings, dialling: Dialling) -> Iterator[tuple[int, int]]:
    try:
        with dialling.anew() as numbers, told():
            knock(settings.where, numbers, settings.connect_seconds)
            yield numbers
    except (ConfigError, ConnectionFailed) as failed:
        failed.at(server=settings.where, database=settings.which)  # it may tell the user alone
        raise


class Talk(Line):
    """By ODBC: statements, each at once in force, and rows as Arrow."""

    def __init__(self, settings: MssqlSettings, dialling: Dialling) -> None:
        self.cursor: Any = None
        self._manners = _MANNERS.format(wait=1000 * settings.lock_seconds)
        with _entering(settings, dialling) as numbers:
            self.db = mssql_python.connect(
                _string(settings, numbers),
                autocommit=True,
                timeout=settings.connect_seconds,
                attrs_before=_proof(settings),
            )
            self._wire = wire_known_by(numbers)
            try:
                with self.asking() as cursor:
                    cursor.execute(self._manners)
                _settle(self._wire)
            except BaseException:  # nobody else knows of it
                self.close()
                raise

    @contextmanager
    def asking(self) -> Iterator[Any]:
        """A cursor whose call can be interrupted."""
        with self.db.cursor() as self.cursor:
            try:
                yield self.cursor
            finally:
                self.cursor = None

    def clean(self) -> None:
        with told(), self.asking() as cursor:
            cursor.execute(f"if @@trancount > 0 rollback; {self._manners}")

    def is_quiet(self) -> bool:
        return self._wire is None or is_quiet(self._wire.fileno())

    def ping(self) -> None:
        with told(), self.asking() as cursor:
            cursor.execute("select 1").fetchall()

    def interrupt(self) -> None:
        if (cursor := self.cursor) is not None:
            within(_POLITE_SECONDS, cursor.hstmt._cancel, Exception)
        if self._wire is not None:
            with suppress(OSError):
                hang_up(self._wire.fileno())

    def close(self) -> None:
        with suppress(Exception):  # it may be gone already
            self.db.close()
        _put_down(self._wire)


class Bulk(Line):
    """By the driver's other half, which speaks TDS itself: rows in bulk, committed as they go."""

    def __init__(self, settings: MssqlSettings, dialling: Dialling) -> None:
        with _entering(settings, dialling) as numbers:
            self.db = mssql_py_core.PyCoreConnection(_context(settings, numbers))
            self._wire = wire_known_by(numbers)
            try:
                self._ask("set language us_english; select 1")
                _settle(self._wire)
            except BaseException:  # nobody else knows of it
                self.close()
                raise

    def load(self, table: str, rows: pa.Table, columns: list[str]) -> int:
        """How many rows arrived."""
        with told():
            cursor = self.db.cursor()
            try:
                found = cursor.bulkcopy_arrow(
                    table,
                    rows,
                    batch_size=0,
                    timeout=0,
                    column_mappings=columns,
                    keep_nulls=True,
                    table_lock=True,  # staging is a heap, which several may lock so
                )
            finally:
                cursor.close()
            return int(found["rows_copied"])

    def clean(self) -> None:
        """A bulk load leaves nothing behind."""

    def is_quiet(self) -> bool:
        return bool(self.db.is_connected()) and (
            self._wire is None or is_quiet(self._wire.fileno())
        )

    def ping(self) -> None:
        with told():
            self._ask("select 1")

    def _ask(self, sql: str) -> None:
        cursor = self.db.cursor()
        cursor.execute(sql)
        cursor.fetchall()
        cursor.close()

    def interrupt(self) -> None:
        if self._wire is not None:
            with suppress(OSError):
                hang_up(self._wire.fileno())

    def close(self) -> None:
        with suppress(Exception):  # it may be gone already
            self.db.close()
        _put_down(self._wire)


def _settle(wire: socket.socket | None) -> None:
    """It is known by its handle from now on."""
    if wire is not None:
        keep_alive(wire)


def _put_down(wire: socket.socket | None) -> None:
    if wire is not None:
        with suppress(OSError):
            wire.close()


def _string(settings: MssqlSettings, numbers: tuple[int, int]) -> str:
    words = settings.words()
    words |= {"KeepAlive": str(numbers[0]), "KeepAliveInterval": str(numbers[1])}
    words["ConnectRetryCount"] = "0"  # one that broke is not to be another unseen
    if settings.how == "password":
        words |= {"UID": settings.who or "", "PWD": settings.secret()}
    elif settings.how == "integrated":
        words["Trusted_Connection"] = "yes"
    return written(words)


def _proof(settings: MssqlSettings) -> dict[int, int | str | bytes]:
    if settings.how in ("password", "integrated"):
        return {}
    raw = token(settings.entra).encode("utf-16-le")
    return {_ACCESS_TOKEN: len(raw).to_bytes(4, "little") + raw}


_NAMES = {
    "Server": "server",
    "Database": "database",
    "Encrypt": "encryption",
    "TrustServerCertificate": "trust_server_certificate",
    "ServerCertificate": "server_certificate",
    "HostnameInCertificate": "host_name_in_certificate",
    "ApplicationIntent": "application_intent",
    "MultiSubnetFailover": "multi_subnet_failover",
}


def _context(settings: MssqlSettings, numbers: tuple[int, int]) -> dict[str, Any]:
    found: dict[str, Any] = {_NAMES[key]: value for key, value in settings.words().items()}
    found |= {"keep_alive": 1000 * numbers[0], "keep_alive_interval": 1000 * numbers[1]}
    found |= {"connect_timeout": settings.connect_seconds, "connect_retry_count": 0}
    if settings.how == "password":
        found |= {"user_name": settings.who or "", "password": settings.secret()}
    elif settings.how == "integrated":
        found["trusted_connection"] = "yes"
    else:
        found["access_token"] = token(settings.entra)
    return found
