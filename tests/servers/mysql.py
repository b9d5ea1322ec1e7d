"""A MariaDB server of our own: a free port, a temporary folder, gone with the tests."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import pymysql
from tests.servers.certificates import Papers, papers

USER = "nobody"
PATIENCE = 60.0


@cache
def address(*more: str) -> tuple[str, int]:
    """Of a server that runs from now until the process ends; user root, without a password."""
    return "127.0.0.1", _started(_folder(), *more)


@cache
def encrypted() -> tuple[int, Papers]:
    """The port of another, which has a certificate for the name localhost, and who vouches."""
    folder = _folder()
    made = papers(folder)
    _give(made.key)
    return _started(folder, f"--ssl-cert={made.cert}", f"--ssl-key={made.key}"), made


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="hygge-my-"))
    _give(folder)
    return folder


def _give(path: Path) -> None:
    if os.getuid() == 0:
        shutil.chown(path, pwd.getpwnam(USER).pw_uid)


def _started(folder: Path, *more: str) -> int:
    paths = f"{os.environ.get('PATH', '')}:/usr/sbin"
    server = shutil.which("mariadbd", path=paths) or shutil.which("mysqld", path=paths)
    if server is None:
        raise FileNotFoundError("MariaDB is not installed; try: apt-get install mariadb-server")
    who = ["runuser", "-u", USER, "--"] if os.getuid() == 0 else []
    data = folder / "data"
    install = shutil.which("mariadb-install-db") or "mysql_install_db"
    made = ["--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
    subprocess.run([*who, install, *made], check=True, capture_output=True, cwd="/")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    options = [f"--datadir={data}", f"--socket={folder}/sock", f"--port={port}"]
    options += ["--bind-address=127.0.0.1", f"--pid-file={folder}/pid", "--local-infile=1"]
    options += [f"--tmpdir={folder}"]  # a server that starts clears it of others' files, too
    options += ["--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=64M"]
    options += ["--innodb-flush-method=nosync", "--innodb-doublewrite=0", *more]
    process = subprocess.Popen(
        [*who, server, "--no-defaults", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )

    def stop() -> None:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    _wait(port)
    return port


def _wait(port: int) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            pymysql.connect(host="127.0.0.1", port=port, user="root").close()
        except pymysql.Error:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
