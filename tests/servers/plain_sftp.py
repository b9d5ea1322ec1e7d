"""An SFTP server that knows nothing beyond the protocol, and lets in by a password: Paramiko's."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paramiko import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_SUCCEEDED,
    SFTP_FAILURE,
    SFTP_OK,
    ECDSAKey,
    ServerInterface,
    SFTPAttributes,
    SFTPHandle,
    SFTPServer,
    SFTPServerInterface,
    Transport,
)

PASSWORD = "open sesame"


class _Door(ServerInterface):  # type: ignore[misc]
    def check_auth_password(self, username: str, password: str) -> int:
        return int(AUTH_SUCCESSFUL if password == PASSWORD else AUTH_FAILED)

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return int(OPEN_SUCCEEDED)


def _told(work: Callable[[], object]) -> int:
    try:
        work()
    except OSError as failed:
        return int(SFTPServer.convert_errno(failed.errno))
    return int(SFTP_OK)


class _Disk(SFTPServerInterface):  # type: ignore[misc]
    """Paths are this disk's."""

    def list_folder(self, path: str) -> Any:
        try:
            entries = [*os.scandir(path)]
        except OSError as failed:
            return SFTPServer.convert_errno(failed.errno)
        return [SFTPAttributes.from_stat(entry.stat(), entry.name) for entry in entries]

    def stat(self, path: str) -> Any:
        try:
            return SFTPAttributes.from_stat(Path(path).stat())
        except OSError as failed:
            return SFTPServer.convert_errno(failed.errno)

    lstat = stat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        try:
            handle = os.open(path, flags, 0o666)
        except OSError as failed:
            return SFTPServer.convert_errno(failed.errno)
        opened = SFTPHandle(flags)
        opened.filename = path
        opened.readfile = opened.writefile = os.fdopen(
            handle, "r+b" if flags & os.O_WRONLY else "rb", buffering=0, closefd=True
        )
        opened.stat = lambda: self.stat(path)
        return opened

    def remove(self, path: str) -> int:
        return _told(Path(path).unlink)

    def rename(self, oldpath: str, newpath: str) -> int:
        if Path(newpath).exists():
            return int(SFTP_FAILURE)
        return _told(lambda: Path(oldpath).rename(newpath))

    def mkdir(self, path: str, attr: Any) -> int:
        return _told(Path(path).mkdir)

    def rmdir(self, path: str) -> int:
        return _told(Path(path).rmdir)


@dataclass(frozen=True)
class Plain:
    port: int
    host_key: str

    def settings(self, folder: Path, password: str = PASSWORD) -> dict[str, Any]:
        known = {"host": "127.0.0.1", "port": self.port, "host_key": self.host_key}
        return {**known, "user": "somebody", "password": password, "folder": str(folder)}


@contextmanager
def plain_server() -> Iterator[Plain]:
    key, open_ones = ECDSAKey.generate(), list[Transport]()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                transport = Transport(connection)
                open_ones.append(transport)
                transport.add_server_key(key)
                transport.set_subsystem_handler("sftp", SFTPServer, _Disk)
                transport.start_server(event=threading.Event(), server=_Door())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        port: int = listening.getsockname()[1]
        yield Plain(port, f"{key.get_name()} {key.get_base64()}")
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        for transport in open_ones:
            transport.close()
            transport.join(10)
