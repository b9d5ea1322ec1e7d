"""A new file on its way to an SFTP server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hygge.core.errors import StoreError
from hygge.filesystems.sftp_session import WRITE, Session
from hygge.filesystems.sink import DigestingSink

if TYPE_CHECKING:
    from hygge.filesystems.sftp import SftpFileSystem

_GATHER: Final = 8 * 2**20


class SftpSink(DigestingSink):
    """Bytes go out by 8 MB, each to its place in the file. In between it holds no connection, so
    that open files never wait for each other's."""

    def __init__(self, files: SftpFileSystem, path: str) -> None:
        super().__init__()
        self._files, self._path = files, path
        self._held, self._sent = bytearray(), 0

    def _put(self, data: memoryview) -> None:
        self._held += data
        if len(self._held) >= _GATHER:
            self._send(last=False)

    def _make_durable(self) -> None:
        self._send(last=True)

    def _send(self, last: bool) -> None:
        held, self._held = self._held, bytearray()
        begin, self._sent = self._sent, self._sent + len(held)

        def send(session: Session) -> int | None:
            with session.opened(self._files.full(self._path), WRITE) as handle:
                session.write(handle, begin, memoryview(held))
                if not last:
                    return None
                session.make_durable(handle)
                size = session.about(handle).st_size
                return None if size is None else int(size)

        size = self._files.writing("write this file", self._path, send)
        if size is not None and size != self.size:
            told = "what was written is not there as a whole"
            raise StoreError(told, file=self._files.url(self._path))

    def _let_go(self) -> None:
        self._held.clear()
