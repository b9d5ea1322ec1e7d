"""What SQL Server and its driver complain of, as errors of ours.

The driver tells no numbers, so what was said is looked at; sessions are asked to say it in English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import mssql_python

from hygge.connections.pool import LoginExpired, ServerFull
from hygge.core.errors import (
    ConfigError,
    ConnectionFailed,
    DatabaseError,
    HyggeError,
    SourceMissing,
)
from hygge.databases.mssql_types import BINARY_ORDER

_HEAD = re.compile(r"^(?:\[[^\]]*\])+\s*")
_NUMBER = re.compile(
    r"Sql Error: (\d+): Class \d+: State \d+: (.*?)(?: on \S* in .* at line \d+)?$", re.DOTALL
)
_DRIVER = "Failed to load the driver"
_EXPIRED = re.compile(r"token (is|has) expired|37396", re.IGNORECASE)
_AT_THE_DOOR = ("Login failed for", "Cannot open database", "Cannot open server")
_DENIED = re.compile(r"permission (was )?denied|does not have permission|not have permission to")
_NOT_BELIEVED = re.compile(r"certificate|SSL Provider|TLS handshake", re.IGNORECASE)
_CUT_OFF = re.compile(r"unexpected EOF|reset by peer|broken pipe|closed", re.IGNORECASE)
"""How a handshake ends that nobody refused."""
_NO_TABLE = re.compile(r"Invalid object name|Cannot find the object")
_FULL = re.compile(r"session limit|maximum number of (user )?(connections|sessions)|request limit")
_PASSING = re.compile(
    r"was deadlocked on|Lock request time out|Snapshot isolation transaction aborted|"
    r"is not currently available|service is busy|transport-level error",
)
"""What the server says."""
_BROKEN = re.compile(
    r"Communication link failure|TCP Provider|Unable to complete login|Login timeout expired|"
    r"forcibly closed|connection|transport|IO error|timed out|timeout|EOF|closed|Failed to receive",
    re.IGNORECASE,
)
"""What the driver's other half says, which has no kinds of errors."""
_KINDS = {"Communication link failure", "Client unable to establish connection", "Timeout expired"}
_KINDS |= {"Connection timeout expired", "Connection failure during transaction"}
_KINDS |= {"Server rejected the connection", "Connection does not exist", "Serialization failure"}


@contextmanager
def told() -> Iterator[None]:
    """Every error of the driver as one of ours. Its Rust half can panic, which no `except
    Exception` sees."""
    try:
        yield
    except HyggeError:
        raise
    except (mssql_python.Error, RuntimeError, ValueError, TypeError, OSError) as failed:
        raise _ours(failed) from failed
    except BaseException as failed:
        if type(failed).__name__ != "PanicException":
            raise
        raise DatabaseError(f"the driver broke down: {failed}") from failed


def _ours(failed: Exception) -> HyggeError:
    kind = getattr(failed, "driver_error", "")
    what = _HEAD.sub("", getattr(failed, "ddbc_error", "") or str(failed)).strip() or kind
    if found := _NUMBER.search(what):
        what, kind = found[2].strip(), "told by the server"
    if _DRIVER in what:
        return ConfigError(
            "the driver of SQL Server cannot be loaded: a library of the system is not there",
            hint="apt-get install libltdl7 libkrb5-3 libgssapi-krb5-2 (or what your system calls "
            "them)",
        )
    return _by_words(what, kind)


def _by_words(what: str, kind: str) -> HyggeError:
    if _EXPIRED.search(what):
        return LoginExpired(what)
    if any(words in what for words in _AT_THE_DOOR):
        hint = "see user and password of the connection, and that they may open its database"
        return ConfigError(what, hint=hint)
    if _FULL.search(what):
        return ServerFull(what)
    if _NO_TABLE.search(what):
        return SourceMissing(what)
    if _DENIED.search(what):
        return DatabaseError(what, hint="ask for the right to do this")
    if "collation conflict" in what:
        told = f"let keys of texts be `collate {BINARY_ORDER}`, or a full_drop make the table"
        return DatabaseError(what, hint=told)
    at_door = kind in _KINDS or not kind
    if at_door and _NOT_BELIEVED.search(what) and not _CUT_OFF.search(what):
        return ConfigError(
            f"it is not sure who answers: {what}",
            hint="let this machine trust who signed its certificate (/etc/ssl/certs), or "
            "`trust_server_certificate: true` for a server on the same desk",
        )
    if kind in _KINDS or _PASSING.search(what) or (not kind and _BROKEN.search(what)):
        return ConnectionFailed(what)
    return DatabaseError(what)
