"""Ending a call that waits for a server which does not answer: its socket is shut."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

POLITE_SECONDS = 5.0
"""How long to ask the server to stop, before its connection is taken away."""


def within(seconds: float, work: Callable[[], None], *failures: type[Exception]) -> None:
    """Make this call, and do not wait for it any longer than so."""

    def bearing() -> None:
        with suppress(*failures):
            work()

    thread = threading.Thread(target=bearing, name="hygge-cancel", daemon=True)
    thread.start()
    thread.join(seconds)


_ALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 60_000}


def keep_alive(wire: socket.socket) -> None:
    """Ask a silent machine whether it is still there, and give it up after a minute."""
    if wire.family == socket.AF_UNIX:
        return
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _ALIVE.items():
        if hasattr(socket, name):
            wire.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def hang_up(handle: int) -> None:
    """Whoever waits for this socket is told that it is gone."""
    with _same(handle) as wire:
        wire.shutdown(socket.SHUT_RDWR)


def _same(handle: int) -> socket.socket:
    """The socket by a handle of our own: another thread may close the first at any time."""
    mine = os.dup(handle)
    try:
        return socket.socket(fileno=mine)
    except OSError:  # it is no socket
        os.close(mine)
        raise


def known_by(number: int) -> list[socket.socket]:
    """The sockets of this process whose TCP_USER_TIMEOUT is this, by handles of our own: a driver
    may not tell them."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if not number or option is None:
        return []
    return [wire for handle in _handles() if (wire := _saying(handle, option, number))]


def mark(wire: socket.socket, seconds: tuple[int, int]) -> None:
    """Have it ask a silent machine after so many seconds, by which `marked` finds it."""
    if hasattr(socket, "TCP_KEEPIDLE"):
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds[0])
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, seconds[1])


def marked(seconds: tuple[int, int]) -> list[socket.socket]:
    """The sockets of this process that ask a silent machine after so many seconds, and so many
    more each time; by handles of our own."""
    if not hasattr(socket, "TCP_KEEPIDLE"):
        return []
    found = list[socket.socket]()
    for handle in _handles():
        wire = _saying(handle, socket.TCP_KEEPIDLE, seconds[0])
        if wire is None:
            continue
        if wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == seconds[1]:
            found.append(wire)
        else:
            wire.close()
    return found


def _handles() -> list[int]:
    with suppress(OSError):
        return [int(path.name) for path in Path("/proc/self/fd").iterdir()]
    return []


def _saying(handle: int, option: int, number: int) -> socket.socket | None:
    """It is asked by a handle of our own: the number alone may be another's by now."""
    with suppress(OSError):
        wire = _same(handle)
        with suppress(OSError):
            if wire.getsockopt(socket.IPPROTO_TCP, option) == number:
                return wire
        wire.close()
    return None


_FAREWELL_SECONDS = 1.0


def seen_off(wires: Sequence[socket.socket], say: Callable[[], None]) -> None:
    """Say the last word, and wait a moment for the server to hang up: then it has one less."""
    say()
    until = time.monotonic() + _FAREWELL_SECONDS
    for wire in wires:
        with wire, suppress(OSError):
            wire.shutdown(socket.SHUT_WR)
            while (left := until - time.monotonic()) > 0:
                wire.settimeout(left)
                if not wire.recv(1 << 16):
                    break


def wire_of(handle: int) -> list[socket.socket]:
    """The socket by a handle of our own, if it is open."""
    with suppress(OSError):
        return [_same(handle)]
    return []


def is_quiet(handle: int) -> bool:
    """Whether nothing has come: where nobody asked, it would be a farewell."""
    looking = select.poll()
    looking.register(handle, select.POLLIN)
    return not looking.poll(0)
