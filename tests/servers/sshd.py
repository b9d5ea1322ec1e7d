"""A private OpenSSH server: a free port, keys of its own, gone with the tests."""

from __future__ import annotations

import atexit
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

PROGRAM = "/usr/sbin/sshd"


@dataclass(frozen=True)
class Server:
    """Where it listens, and the papers: its own keys, and one that it lets in."""

    port: int
    folder: Path
    number: int

    def settle(self) -> None:
        """Wait until it has done all that was asked by those who are gone."""
        psutil.wait_procs(psutil.Process(self.number).children(recursive=True))

    def weak(self) -> tuple[dict[str, object], Path]:
        """A connection as somebody who may not do all, and a new folder of theirs."""
        user = "nobody" if os.getuid() == 0 else self.user
        place = Path(tempfile.mkdtemp(dir=self.folder))
        shutil.chown(place, user)
        return {**self.settings(), "user": user, "folder": str(place)}, place

    @property
    def user(self) -> str:
        return getpass.getuser()

    @property
    def key_file(self) -> str:
        return str(self.folder / "ours")

    @property
    def known_hosts(self) -> str:
        return str(self.folder / "known_hosts")

    def settings(self, port: int | None = None) -> dict[str, object]:
        """A connection, as a user would write it; `port` of one who passes all on to it."""
        return {
            "host": "127.0.0.1",
            "port": port or self.port,
            "user": self.user,
            "key_file": self.key_file,
            "host_key": (self.folder / "host.pub").read_text().strip(),
        }


@cache
def server(name: str = "") -> Server:
    """One of this name for all tests of this process."""
    if not Path(PROGRAM).exists():
        raise FileNotFoundError("OpenSSH's server is not installed; try: make check, which does")
    folder = Path(tempfile.mkdtemp(prefix="hygge-sshd-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for key in ("host", "ours", "other"):
        make_key(folder / key)
    shutil.copy(folder / "ours.pub", folder / "let_in")
    folder.chmod(0o711)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # root's sshd does not start without
    port = _port()
    (folder / "conf").write_text(_settings(folder, port))
    made = subprocess.Popen(
        [PROGRAM, "-D", "-E", str(folder / "log"), "-f", str(folder / "conf")],
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )

    def stop() -> None:
        made.terminate()
        made.wait()

    atexit.register(stop)
    _wait_for(port, made, folder / "log")
    _, kind, key = f"x {(folder / 'host.pub').read_text()}".split()[:3]
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
    return Server(port, folder, made.pid)


def make_key(path: Path, passphrase: str = "") -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(command, check=True, capture_output=True)


def _settings(folder: Path, port: int) -> str:
    lines = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {folder}/host",
        f"AuthorizedKeysFile {folder}/let_in",
        f"PidFile {folder}/pid",
        "StrictModes no",
        "UsePAM no",
        "UseDNS no",
        "PasswordAuthentication yes",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin yes",
        "MaxStartups 200",
        "MaxSessions 200",
        "Subsystem sftp internal-sftp",
    ]
    return "".join(f"{line}\n" for line in lines)


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found: int = free.getsockname()[1]
        return found


def _wait_for(port: int, made: subprocess.Popen[bytes], log: Path) -> None:
    while made.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as found:
                if found.recv(4) == b"SSH-":
                    return
        except ConnectionRefusedError:
            pass
    raise RuntimeError(f"sshd did not start: {log.read_text()}")
