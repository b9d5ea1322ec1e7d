"""Packets of TDS 7.4, and the TLS handshake that travels inside them ([MS-TDS] 2.2.3, 3.3.5.1)."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from dataclasses import dataclass

from tests.servers.tds import tokens

BATCH, RPC, REPLY, ATTENTION, BULK, TRANSACTION, LOGIN, PRELOGIN = 1, 3, 4, 6, 7, 14, 16, 18
_HEADER = struct.Struct(">BBHHBB")
_LAST = 0x01


class Closed(ConnectionError):
    """The client is gone."""


@dataclass(frozen=True)
class Message:
    kind: int
    body: bytes


class Wire:
    """One connection. `tls` once it is encrypted; TLS records travel in packets until then."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.packet_size, self.stays_encrypted = 4096, False
        self.tls: ssl.SSLObject | None = None
        self._into, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._guard = threading.Lock()  # one thread reads while another writes
        self._plain, self._at = bytearray(), 0

    # bytes

    def _received(self) -> bytes:
        data = self.sock.recv(65536)
        if not data:
            raise Closed
        return data

    def _exactly(self, count: int) -> bytes:
        while len(self._plain) - self._at < count:
            if self._at:
                del self._plain[: self._at]
                self._at = 0
            self._more()
        data = bytes(self._plain[self._at : self._at + count])
        self._at += count
        return data

    def _more(self) -> None:
        if self.tls is None:
            self._plain += self._received()
            return
        with self._guard:
            try:
                data = self.tls.read(1 << 20)
            except ssl.SSLWantReadError:
                data = None
        if data is None:
            received = self._received()
            with self._guard:
                self._into.write(received)
            return
        if not data:
            raise Closed
        self._plain += data

    def _send(self, data: bytes) -> None:
        if self.tls is not None:
            with self._guard:
                self.tls.write(data)
                data = self._out.read()
        self.sock.sendall(data)

    # messages

    def read(self) -> Message:
        """The next message. Raises Closed."""
        body = bytearray()
        while True:
            kind, status, length, *_ = _HEADER.unpack(self._exactly(_HEADER.size))
            body += self._exactly(length - _HEADER.size)
            if status & _LAST:
                return Message(kind, bytes(body))

    def write(self, data: bytes, kind: int = REPLY) -> None:
        """A whole message."""
        self.write_part(data, last=True, kind=kind)

    def write_part(self, data: bytes, *, last: bool, kind: int = REPLY, number: int = 1) -> int:
        """Packets of a message; all are full but the last. Returns the next packet's number."""
        size = self.packet_size - _HEADER.size
        out = bytearray()
        for at in range(0, max(len(data), 1), size):
            piece = data[at : at + size]
            ends = last and at + size >= len(data)
            length = len(piece) + _HEADER.size
            out += _HEADER.pack(kind, int(ends), length, 0, number & 255, 0) + piece
            number += 1
        self._send(bytes(out))
        return number

    def begins_with_tls(self) -> bool:
        """Whether the client encrypts all from its first byte on (TDS 8.0)."""
        return self.sock.recv(1, socket.MSG_PEEK) == b"\x16"

    def handshake_first(self, context: ssl.SSLContext) -> None:
        """TLS that is not within packets."""
        tls = context.wrap_bio(self._into, self._out, server_side=True)
        while True:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            if answer := self._out.read():
                self.sock.sendall(answer)
            if done:
                self.tls = tls
                return
            self._into.write(self._received())

    def handshake(self, context: ssl.SSLContext) -> None:
        """Raises ssl.SSLError for a client that does not believe us, and Closed."""
        tls = context.wrap_bio(self._into, self._out, server_side=True)
        while True:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            if answer := self._out.read():
                self.write(answer, PRELOGIN)
            if done:
                self.tls = tls
                return
            self._into.write(self.read().body)


class Streamed:
    """A reply that is sent as it grows. A DONE waits: the last one says that nothing follows."""

    def __init__(self, wire: Wire) -> None:
        self._wire, self._data, self._number = wire, bytearray(), 1
        self._waiting: tuple[int, int | None] | None = None

    def __iadd__(self, data: bytes) -> Streamed:
        if self._waiting is not None:
            self._put_done(tokens.MORE)
        self._data += data
        size = self._wire.packet_size - _HEADER.size
        if len(self._data) > 16 * size:
            whole = len(self._data) // size * size
            whole -= size if whole == len(self._data) else 0  # the last packet is not sent yet
            self._number = self._wire.write_part(
                bytes(self._data[:whole]), last=False, number=self._number
            )
            del self._data[:whole]
        return self

    def done(self, token: int, count: int | None = None) -> None:
        """A statement is over."""
        if self._waiting is not None:
            self._put_done(tokens.MORE)
        self._waiting = token, count

    def _put_done(self, status: int) -> None:
        assert self._waiting is not None
        token, count = self._waiting
        self._waiting = None
        self._data += tokens.done(token, status, count)

    def end(self) -> None:
        """The last DONE, and the last packet."""
        if self._waiting is not None:
            self._put_done(0)
        self._wire.write_part(bytes(self._data), last=True, number=self._number)

    @property
    def is_finished(self) -> bool:
        """Whether a DONE is all that is still to be sent."""
        return self._waiting is not None
