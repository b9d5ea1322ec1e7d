"""A SQL Server for tests: one that is there already, or one of our own that speaks its protocol.

HYGGE_TEST_MSSQL_URL names one that is there. Ours proves what we send, never SQL Server itself.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.servers.certificates import Papers, papers

VARIABLE = "HYGGE_TEST_MSSQL_URL"
USER, PASSWORD = "sa", "Hygge-4-tests"
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Address:
    """Where a server is, and who comes in."""

    host: str
    port: int
    user: str = USER
    password: str = PASSWORD
    database: str = "master"

    @property
    def url(self) -> str:
        return f"mssql://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}"


def is_real() -> bool:
    """Whether tests talk to a real SQL Server."""
    return bool(os.environ.get(VARIABLE))


def header() -> str:
    """What a run of tests should say of the server that it uses."""
    if is_real():
        return f"SQL Server: the one in {VARIABLE}"
    return f"SQL Server: not a real one (set {VARIABLE}), but ours that speaks its protocol"


@cache
def url() -> str:
    """Of a server that runs from now until the process ends."""
    return os.environ.get(VARIABLE) or address().url


@cache
def address() -> Address:
    """Of the same."""
    if is_real():
        parts = urlsplit(os.environ[VARIABLE])
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        database = parts.path.lstrip("/") or "master"
        return Address(parts.hostname or "", parts.port or 1433, user, password, database)
    return Address("127.0.0.1", started())


@cache
def encrypted() -> tuple[Address, Papers]:
    """Of another of ours, whose certificate is for localhost, and who vouches for it."""
    folder = Path(tempfile.mkdtemp(prefix="hygge-tds-"))
    made = papers(folder)
    return Address("localhost", started("--cert", str(made.cert), "--key", str(made.key))), made


def connection_text(**given: Any) -> str:
    """For ODBC: what is given takes the place of what would come in; None leaves it out."""
    where = address()
    parts = {"Server": f"{where.host},{where.port}", "UID": where.user, "PWD": where.password}
    parts |= {"Encrypt": "no", "TrustServerCertificate": "yes"} | given
    return ";".join(f"{name}={value}" for name, value in parts.items() if value is not None)


def started(*more: str) -> int:
    """A server of our own, until the process ends: its port."""
    command = [sys.executable, "-m", "tests.servers.tds", "--leashed", "--password", PASSWORD]
    process = subprocess.Popen(
        [*command, *more],
        cwd=_ROOT,
        stdin=subprocess.PIPE,  # closed when we end, however that comes about
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    atexit.register(_end, process)
    assert process.stdout is not None
    return int(process.stdout.readline())


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
