"""A PostgreSQL server of our own: a free port, a temporary folder, gone with the tests."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from tests.servers.certificates import Papers, papers

USER = "nobody"


def _programs() -> Path:
    """The newest server's programs. Raises FileNotFoundError."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: p.parts[4])
    if not found:
        raise FileNotFoundError("PostgreSQL is not installed; try: apt-get install postgresql")
    return found[-1].parent


def _as_nobody(*command: str) -> None:
    """The server refuses to run as root."""
    who = ["runuser", "-u", USER, "--"] if os.getuid() == 0 else []
    subprocess.run([*who, *command], check=True, capture_output=True, cwd="/")


@cache
def url() -> str:
    """Of a server that runs from now until the process ends."""
    return _started(_folder())


@cache
def encrypted() -> tuple[str, Papers]:
    """Of another, which has a certificate for the name localhost, and who vouches for it."""
    folder = _folder()
    made = papers(folder)
    _give(made.key)
    made.key.chmod(0o600)
    url = _started(folder, f" -c ssl=on -c ssl_cert_file={made.cert} -c ssl_key_file={made.key}")
    return url.replace("@127.0.0.1:", "@localhost:"), made


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="hygge-pg-"))
    _give(folder)
    return folder


def _give(path: Path) -> None:
    if os.getuid() == 0:
        shutil.chown(path, pwd.getpwnam(USER).pw_uid)


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found: int = free.getsockname()[1]
        return found


def _started(folder: Path, more: str = "") -> str:
    programs, port = _programs(), _port()
    data = str(folder / "data")
    _as_nobody(
        str(programs / "initdb"),
        *("-D", data, "-U", "hygge", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"),
    )
    rules = folder / "data" / "pg_hba.conf"
    strict = "host all careful 127.0.0.1/32 scram-sha-256"
    rules.write_text(f"{strict}\n{rules.read_text()}")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off{more}"
    control = [str(programs / "pg_ctl"), "-D", data]
    _as_nobody(*control, "-o", options, "-l", str(folder / "log"), "-w", "start")

    def stop() -> None:
        _as_nobody(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return f"postgresql://hygge@127.0.0.1:{port}/postgres"


@contextmanager
def own_server(
    settings: str = "", *, next_number: int | None = None, standby_of: str | None = None
) -> Iterator[str]:
    """Another server, for a block. `next_number`: of the transaction that it gives next."""
    programs, folder, port = _programs(), _folder(), _port()
    data = folder / "data"
    control = [str(programs / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w"]
    start = [*control, "-o", f"-p {port} -k {folder} -c listen_addresses=127.0.0.1", "start"]
    try:
        if standby_of is not None:
            copy = [str(programs / "pg_basebackup"), "-D", str(data), "-R", "-c", "fast", "-N"]
            _as_nobody(*copy, "-d", standby_of)
        else:
            _as_nobody(str(programs / "initdb"), "-D", str(data), "-U", "hygge", "-N")
        with (data / "postgresql.conf").open("a") as file:
            file.write(f"\nfsync = off\nautovacuum = off\n{settings}")
        _as_nobody(*start)
        if next_number is not None:
            place = f"port={port} host={folder} user=hygge dbname=postgres"
            # what it has made so far must not seem to come later
            _as_nobody(str(programs / "psql"), "-d", place, "-c", "vacuum freeze")
            _as_nobody(*control, "stop")
            _renumber(programs, data, next_number)
            _as_nobody(*start)
        yield f"postgresql://hygge@127.0.0.1:{port}/postgres"
    finally:
        with suppress(subprocess.CalledProcessError):  # it may not have started
            _as_nobody(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _renumber(programs: Path, data: Path, number: int) -> None:
    half = number % 2**32
    told = ["-x", f"{half}", "-u", f"{half}", "-e", f"{number // 2**32}"]
    _as_nobody(str(programs / "pg_resetwal"), "-D", str(data), *told)
    segment = data / "pg_xact" / f"{half // 2**20:04X}"
    _as_nobody("dd", "if=/dev/zero", f"of={segment}", "bs=256k", "count=1")
