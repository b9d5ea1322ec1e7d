"""What is said over one SFTP connection: Paramiko's words, and those that it lacks."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from paramiko import SFTPClient, SSHClient, SSHException
from paramiko.message import Message
from paramiko.sftp import (
    CMD_ATTRS,
    CMD_CLOSE,
    CMD_DATA,
    CMD_EXTENDED,
    CMD_EXTENDED_REPLY,
    CMD_FSETSTAT,
    CMD_FSTAT,
    CMD_HANDLE,
    CMD_INIT,
    CMD_OPEN,
    CMD_READ,
    CMD_VERSION,
    CMD_WRITE,
    SFTP_EOF,
    SFTP_FLAG_CREATE,
    SFTP_FLAG_EXCL,
    SFTP_FLAG_READ,
    SFTP_FLAG_WRITE,
    SFTP_OK,
    SFTPError,
    int64,
)
from paramiko.sftp_attr import SFTPAttributes

from hygge.connections.pool import Line

READ: Final = SFTP_FLAG_READ
WRITE: Final = SFTP_FLAG_WRITE
CREATE: Final = SFTP_FLAG_WRITE | SFTP_FLAG_CREATE | SFTP_FLAG_EXCL
_CHUNK: Final = 2**15
"""What every server takes in one message."""
_FLYING: Final = 64
"""So many messages are on their way before the first answer is needed."""
_PATIENCE: Final = 5.0
"""Seconds for Paramiko's thread to end."""
_HARD_LINK, _FSYNC = "hardlink@openssh.com", "fsync@openssh.com"
_RENAME, _SPACE = "posix-rename@openssh.com", "statvfs@openssh.com"


class Refused(Exception):
    """The server's no; the connection is as good as before."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


class Session(SFTPClient):  # type: ignore[misc]
    """One conversation; for one thread at a time. Files are named by handles while they are open.

    What the server does not know how to do it says at the start: `can_link`, `can_sync`.
    """

    def __init__(self, channel: Any) -> None:
        self.extensions = set[str]()
        self._answers = dict[int, tuple[int, Message]]()
        super().__init__(channel)

    def _send_version(self) -> int:
        """Paramiko's own does not listen to what the server can do."""
        asked = Message()
        asked.add_int(3)
        self._send_packet(CMD_INIT, asked)
        kind, data = self._read_packet()
        if kind != CMD_VERSION:
            raise SFTPError("this is not SFTP")
        told = Message(data)
        version = int(told.get_int())
        while told.get_remainder():
            self.extensions.add(told.get_text())
            told.get_binary()
        return version

    def _convert_status(self, answer: Message) -> None:
        code, said = answer.get_int(), answer.get_text()
        if code == SFTP_EOF:
            raise EOFError(said)
        if code != SFTP_OK:
            raise Refused(code, said)

    # one file

    @contextmanager
    def opened(self, path: str, how: int) -> Iterator[bytes]:
        """A handle of a file, given back."""
        _, answer = self._expect(CMD_HANDLE, CMD_OPEN, path, how, SFTPAttributes())
        handle = bytes(answer.get_binary())
        try:
            yield handle
        except Refused:
            with suppress(Refused):
                self._request(CMD_CLOSE, handle)
            raise
        self._request(CMD_CLOSE, handle)

    def _expect(self, kind: int, *words: Any) -> tuple[int, Message]:
        got, answer = self._request(*words)
        if got != kind:
            raise SFTPError("the server's answer is not one to this question")
        return got, answer

    def about(self, handle: bytes) -> SFTPAttributes:
        _, answer = self._expect(CMD_ATTRS, CMD_FSTAT, handle)
        return SFTPAttributes._from_msg(answer)

    def date(self, handle: bytes, seconds: int) -> None:
        """Say when it was changed last, where the server lets itself be told."""
        told = SFTPAttributes()
        told.st_atime = told.st_mtime = seconds
        with suppress(Refused):
            self._request(CMD_FSETSTAT, handle, told)

    def make_durable(self, handle: bytes) -> None:
        """On the server's disk, where it can be told to."""
        if _FSYNC in self.extensions:
            self._request(CMD_EXTENDED, _FSYNC, handle)

    def read(self, handle: bytes, start: int, end: int) -> bytes:
        """The bytes from `start` on, up to `end` or the file's end; many asked for at once."""
        found, stop = bytearray(end - start), end
        todo = deque((at, min(_CHUNK, end - at)) for at in range(start, end, _CHUNK))
        flying, failed = dict[int, tuple[int, int]](), list[Refused]()
        while todo or flying:
            while todo and len(flying) < _FLYING:
                at, size = todo.popleft()
                flying[self._ask(CMD_READ, handle, int64(at), size)] = (at, size)
            number, kind, answer = self._next()
            at, size = flying.pop(number)
            data = bytes(answer.get_binary()) if kind == CMD_DATA else b""
            if data:
                found[at - start : at - start + len(data)] = data
                if len(data) < size:  # servers may give less than was asked for
                    todo.appendleft((at + len(data), size - len(data)))
                continue
            failed += self._refusal(kind, answer)
            stop = min(stop, at)
            todo.clear()
        if failed:
            raise failed[0]
        return bytes(memoryview(found)[: stop - start])

    def write(self, handle: bytes, at: int, data: memoryview) -> None:
        """All of these bytes, there; many on their way at once."""
        todo = deque(range(0, len(data), _CHUNK))
        flying, failed = set[int](), list[Refused]()
        while todo or flying:
            while todo and len(flying) < _FLYING:
                begin = todo.popleft()
                piece = bytes(data[begin : begin + _CHUNK])
                flying.add(self._ask(CMD_WRITE, handle, int64(at + begin), piece))
            number, kind, answer = self._next()
            flying.discard(number)
            if refusal := self._refusal(kind, answer):
                failed += refusal
                todo.clear()
        if failed:
            raise failed[0]

    def _ask(self, *words: Any) -> int:
        return int(self._async_request(self, *words))

    def _async_response(self, kind: int, answer: Message, number: int) -> None:
        self._answers[number] = (kind, answer)

    def _next(self) -> tuple[int, int, Message]:
        """An answer to something that was asked, in whichever order they come."""
        while not self._answers:
            self._read_response()
        number, (kind, answer) = self._answers.popitem()
        return number, kind, answer

    def _refusal(self, kind: int, answer: Message) -> list[Refused]:
        try:
            if kind != CMD_DATA:
                self._convert_status(answer)
        except Refused as refused:
            return [refused]
        except EOFError:
            pass
        return []

    # names

    @property
    def can_link(self) -> bool:
        return _HARD_LINK in self.extensions

    def name_once(self, source: str, target: str) -> None:
        """The whole file by a name that nobody has yet; Refused if somebody has."""
        if self.can_link:
            self._request(CMD_EXTENDED, _HARD_LINK, source, target)
        else:
            self.rename(source, target)

    def put_over(self, source: str, target: str) -> None:
        """The name for this file from now on, whatever had it."""
        if _RENAME in self.extensions:
            self.posix_rename(source, target)
            return
        try:
            self.rename(source, target)
        except Refused:
            self.lstat(source)  # Refused, too, if it is gone
            self.remove(target)
            self.rename(source, target)

    def free_bytes(self, path: str) -> int | None:
        """Room on the disk; None where the server does not tell."""
        if _SPACE not in self.extensions:
            return None
        kind, answer = self._request(CMD_EXTENDED, _SPACE, path)
        if kind != CMD_EXTENDED_REPLY:
            return None
        told = [int(answer.get_int64()) for _ in range(5)]
        return told[1] * told[4]


class SftpLine(Line):
    """One connection and the conversation over it."""

    def __init__(self, client: SSHClient, seconds: float) -> None:
        self.client = client
        transport = client.get_transport()
        if transport is None:
            raise SSHException("the connection is gone")
        self.session = Session.from_transport(transport)
        self.session.get_channel().settimeout(seconds)

    def clean(self) -> None:
        return None

    def is_quiet(self) -> bool:
        transport = self.client.get_transport()
        return transport is not None and bool(transport.is_active())

    def ping(self) -> None:
        self.session.normalize(".")

    def interrupt(self) -> None:
        self.close()

    def close(self) -> None:
        """Paramiko's thread looks at its socket now and then: it is woken, and waited for."""
        transport = self.client.get_transport()
        with suppress(Exception):  # it is done with
            if transport is not None:
                transport.sock.shutdown(socket.SHUT_RDWR)
            self.client.close()
        if transport is not None and transport is not threading.current_thread():
            transport.join(_PATIENCE)
