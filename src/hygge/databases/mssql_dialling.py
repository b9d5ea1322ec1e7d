"""Connections to SQL Server that are being made: none takes longer than it may, and all can be
stopped.

The driver bounds a login, but neither the TLS handshake before it nor the first question after it.
"""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from hygge.core.errors import ConnectionFailed, HyggeError
from hygge.databases.hanging_up import hang_up, mark, marked

_NUMBERS = itertools.count()
_PORT: Final = 1433
_REACH: Final = "see the server's name and port, and whether this machine may reach it"


class Dialling:
    """The connections that one session makes, one at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._numbers: tuple[int, int] | None = None

    @contextmanager
    def anew(self) -> Iterator[tuple[int, int]]:
        """Make one within, whose seconds of silence are these two: by them its socket is known.

        Raises ConnectionFailed where that takes too long.
        """
        self._numbers = _known_by()
        over, late = threading.Event(), list[bool]()

        def watch() -> None:
            while not over.wait(self._seconds):  # its socket may not be there yet
                late.append(True)
                self.stop()

        watching = threading.Thread(target=watch, name="hygge-dialling", daemon=True)
        watching.start()
        try:
            yield self._numbers
        except HyggeError as failed:
            if not late:
                raise
            told = f"the server did not let us in within {self._seconds:g} s"
            raise ConnectionFailed(told, hint=_REACH) from failed
        finally:
            over.set()
            watching.join()
            self._numbers = None

    def stop(self) -> None:
        """Whoever makes one now is told that it is gone. From another thread."""
        if (numbers := self._numbers) is not None:
            for wire in marked(numbers):
                with wire, suppress(OSError):
                    hang_up(wire.fileno())


def knock(where: str, numbers: tuple[int, int], seconds: float) -> None:
    """Raise ConnectionFailed where nobody listens. The driver would try again until its time is
    over, and not tell why."""
    host, _, port = where.removeprefix("tcp:").partition(",")
    if "\\" in host or ":" in host or (port and not port.isdecimal()):
        return  # an instance, say, whose port its server tells
    host = "localhost" if host in (".", "(local)") else host
    failed: OSError | None = None
    try:
        for family, kind, number, _, address in socket.getaddrinfo(
            host, int(port or _PORT), type=socket.SOCK_STREAM
        ):
            with socket.socket(family, kind, number) as wire:
                mark(wire, numbers)
                wire.settimeout(seconds)
                try:
                    wire.connect(address)
                except OSError as refused:
                    failed = refused
                else:
                    return
    except OSError as unknown:
        failed = unknown
    why = failed and (failed.strerror or failed)
    raise ConnectionFailed(f"nobody answers: {why}", hint=_REACH) from failed


def _known_by() -> tuple[int, int]:
    """Two numbers that no other connection has as its seconds of silence."""
    number = next(_NUMBERS)
    return 100 + number % 900, 100 + number // 900 % 900


def wire_known_by(numbers: tuple[int, int]) -> socket.socket | None:
    """A handle of our own for the socket, which the driver does not tell."""
    found = marked(numbers)
    for other in found[1:]:
        other.close()
    return found[0] if found else None
