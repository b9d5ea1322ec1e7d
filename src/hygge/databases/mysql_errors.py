"""What MySQL and MariaDB complain of, as errors of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pymysql

from hygge.connections.pool import ServerFull
from hygge.core.errors import (
    ConfigError,
    ConnectionFailed,
    DatabaseError,
    HyggeError,
    SourceMissing,
    StoreError,
)
from hygge.databases.encryption import not_believed

_AT_THE_DOOR = {0, 2002, 2003, 2013, 2026}
_FULL = {1040, 1203, 1226}
_PASSING = {1053, 1158, 1159, 1160, 1161, 1205, 1213, 1290, 1317, 2002, 2003, 2006}
_PASSING |= {1927, 2013, 2014, 3169, 4031}
_STOPPED = {1969, 3024}
_NOT_LET_IN, _DENIED, _NO_TABLE = {1044, 1045, 1049}, {1142, 1143, 1227}, {1146}
_NO_LOCAL = {1148, 3948, 4166}
_NO_ROOM = {1021, 1114}


def refuse_changes(warnings: Sequence[Any]) -> None:
    """A warning of LOAD DATA is a value that would not be what was sent. Raises StoreError."""
    if warnings:
        told = str(warnings[0][2])
        named = re.search(r"column '(.+?)'", told)
        column = named[1] if named else None
        raise StoreError(f"the server would change a value: {told}", column=column)


def text(told: Any) -> str:
    """What the server says of itself may come as bytes."""
    return told.decode() if isinstance(told, bytes) else str(told)


@contextmanager
def told() -> Iterator[None]:
    """Every error of the driver as one of ours."""
    try:
        yield
    except HyggeError:
        raise
    except (pymysql.Error, OSError) as failed:
        raise _ours(failed) from failed


def _ours(failed: Exception) -> HyggeError:
    code = failed.args[0] if failed.args and isinstance(failed.args[0], int) else 0
    told = str(failed.args[1] if len(failed.args) > 1 else failed)
    if (doubt := not_believed(told)) is not None and code in _AT_THE_DOOR:
        return doubt
    if code in _FULL:
        return ServerFull(told)
    if code in _NOT_LET_IN:
        return ConfigError(told, hint="see user, password and dbname of the connection")
    if code in _NO_TABLE:
        return SourceMissing(told)
    if code in _DENIED:
        return DatabaseError(told, hint="ask for the right to do this")
    if code in _NO_LOCAL:
        return ConfigError(told, hint="let the server have local_infile = 1")
    if code in _NO_ROOM:
        return DatabaseError(told, hint="make room on the server, and run again")
    if code in _STOPPED:
        return DatabaseError(told, hint="give it a longer max_statement_time, or read less")
    if isinstance(failed, pymysql.InterfaceError):
        return ConnectionFailed(told or "the connection is gone")
    if code in _PASSING or isinstance(failed, OSError):
        return ConnectionFailed(told)
    return DatabaseError(told)
