"""Ending a call that waits for a server which does not answer: its socket is shut."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
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
    with socket.socket(fileno=os.dup(handle)) as same:
        same.shutdown(socket.SHUT_RDWR)


def known_by(number: int) -> list[int]:
    """The sockets of this process whose TCP_USER_TIMEOUT is this: a driver may not tell them."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if not number or option is None:
        return []
    return [handle for handle in _handles() if _says(handle, option, number)]


def _handles() -> list[int]:
    with suppress(OSError):
        return [int(path.name) for path in Path("/proc/self/fd").iterdir()]
    return []


def _says(handle: int, option: int, number: int) -> bool:
    with suppress(OSError), socket.socket(fileno=os.dup(handle)) as same:
        return same.getsockopt(socket.IPPROTO_TCP, option) == number
    return False
