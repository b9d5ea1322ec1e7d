"""A wire to a server that does harm on purpose, at one message of all that pass it.

A message is what one side sends in one go. Messages are counted over all connections, in both
directions. Once the harm is done, the wire is as good as before: only its connection suffers.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Self

_PIECE = 1 << 16
_AT_ONCE = struct.pack("ii", 1, 0)


class Wire(StrEnum):
    """What can happen to a connection."""

    RESET = "reset"
    """Both sides are told that it is gone; the message is lost."""
    STALL = "stall"
    """Nothing passes any more, and nobody is told."""
    HALF_OPEN = "half_open"
    """The client is told that it is gone, the server is not."""
    DOWN = "down"
    """The server is gone, with all connections, until it is `up` again."""
    LOST_REPLY = "lost_reply"
    """The message arrives; the answer does not, and both are told that it is gone."""


class Proxy:
    """Listens on `port` and passes all on to a server. `met`: the message that met its harm."""

    def __init__(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._lock, self._links = threading.Lock(), list[_Link]()
        self._harm, self._at = Wire.RESET, 0
        self._about: Callable[[bytes], bool] = _any
        self.count, self.met, self.down = 0, b"", False

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.forget()

    def arm(self, harm: Wire, at: int, about: Callable[[bytes], bool] | None = None) -> None:
        """Do this harm at the n-th message from now (of those from the client that it is about)."""
        with self._lock:
            self._harm, self._at, self._about = harm, at, about or _any
            self.count, self.met = 0, b""

    def up(self) -> None:
        """It listens again."""
        self.down = False

    def forget(self) -> None:
        """End all connections there are, as a machine that is switched off."""
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            link.end()

    def harm_of(self, data: bytes, from_client: bool) -> Wire | None:
        """What is to be done at this message; asked once for each."""
        with self._lock:
            if self._about is not _any and not (from_client and self._about(data)):
                return None
            self.count += 1
            if self.count != self._at:
                return None
            self.met, self.down = data, self._harm is Wire.DOWN
            return self._harm

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                if self.down:
                    _reset(client)
                    continue
                try:
                    server = socket.create_connection(self._to)
                except OSError:
                    _reset(client)
                    continue
                link = _Link(self, client, server)
                with self._lock:
                    self._links.append(link)
                link.begin()


class _Link:
    """One connection, by its two sockets; a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._deaf = self._losing = False

    def begin(self) -> None:
        for ends in ((self._client, self._server), (self._server, self._client)):
            threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def end(self) -> None:
        _reset(self._client)
        _reset(self._server)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_PIECE):
                if self._losing and source is self._server:
                    break
                if not self._deaf:
                    self._harmed(self._proxy.harm_of(data, source is self._client))
                if not self._deaf:
                    target.sendall(data)
        if not self._deaf:
            self.end()

    def _harmed(self, harm: Wire | None) -> None:
        if harm is Wire.LOST_REPLY:
            self._losing = True
        elif harm is not None:
            self._deaf = True
            if harm is Wire.RESET:
                self.end()
            if harm is Wire.DOWN:
                self._proxy.forget()
            if harm is Wire.HALF_OPEN:
                _reset(self._client)


def _any(data: bytes) -> bool:
    return True


def _reset(end: socket.socket) -> None:
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        end.shutdown(socket.SHUT_RDWR)
    end.close()
