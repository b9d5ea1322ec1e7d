"""What PostgreSQL complains of, as errors of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import adbc_driver_postgresql.dbapi as adbc
import psycopg

from hygge.connections.pool import ServerFull
from hygge.core.errors import (
    ConfigError,
    ConnectionFailed,
    DatabaseError,
    HyggeError,
    SourceMissing,
)
from hygge.databases.encryption import not_believed

_PASSING = ("08", "53", "57P", "40001", "40P01", "55P03")
"""SQLSTATE classes of what may be gone the next time: connections, room, locks, deadlocks."""
_NOT_LET_IN = ("28", "3D")
_DENIED, _NO_TABLE, _STOPPED = "42501", "42P01", "57014"
_AT_THE_DOOR = ("authentication failed", "FATAL:  database", "FATAL:  role", "no pg_hba.conf entry")
"""A connection that is refused has no SQLSTATE, only words."""
_FULL = ("too many connections", "too many clients", "connection slots are reserved")
_PASSING_WORDS = ("conflict with recovery", "deadlock detected", "lock timeout")


@contextmanager
def told() -> Iterator[None]:
    """Every error of the drivers as one of ours."""
    try:
        yield
    except HyggeError:
        raise
    except (psycopg.Error, adbc.Error, OSError) as failed:
        raise _ours(failed) from failed


def _ours(failed: Exception) -> HyggeError:
    state = getattr(failed, "sqlstate", None) or ""
    told = str(failed).strip().split("\nLINE ")[0].replace("\n\t", "\n")
    if not state and (doubt := not_believed(told)) is not None:
        return doubt
    if not state and any(words in told for words in _FULL):
        return ServerFull(told)
    if state.startswith(_NOT_LET_IN) or (not state and any(x in told for x in _AT_THE_DOOR)):
        return ConfigError(told, hint="see user, password and dbname of the connection")
    if state == _NO_TABLE:
        return SourceMissing(told)
    if state == _DENIED:
        return DatabaseError(told, hint="ask for the right to do this")
    if state == _STOPPED or "due to statement timeout" in told:
        return DatabaseError(told, hint="give it a longer `statement_timeout`, or read less")
    if "invalid byte sequence for encoding" in told:
        return DatabaseError(
            told, hint="a `query` that makes the column bytes: convert_to(…, 'SQL_ASCII')"
        )
    if state.startswith(_PASSING) or (not state and _is_lost(failed, told)):
        return ConnectionFailed(told)
    return DatabaseError(told)


def _is_lost(failed: Exception, told: str) -> bool:
    """Whether what has no SQLSTATE came of the connection, not of what the server was asked."""
    if isinstance(failed, OSError) and "ERROR:" in told:
        return any(word in told for word in _PASSING_WORDS)
    kinds = (psycopg.OperationalError, adbc.OperationalError, OSError)
    return isinstance(failed, kinds) or "server closed the connection" in told
