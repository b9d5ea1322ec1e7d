"""A PostgreSQL server of our own: a free port, a temporary folder, gone with the tests."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
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


def _started(folder: Path, more: str = "") -> str:
    programs = _programs()
    data = str(folder / "data")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
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
