"""What can go wrong between a client and the service, wished for by a test."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tests.servers.adls.asking import Request

CODES: Final = {
    403: "AuthorizationFailure",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServerBusy",
}


class Kind(StrEnum):
    REFUSED = "refused"  # answered with `status`; nothing was done
    RESET = "reset"  # the connection ends before anything was done
    LOST = "lost"  # it was done, and the connection ends without an answer
    HELD = "held"  # it waits until the test lets it go on


@dataclass
class Fault:
    """The next `times` requests that `when` is true of, after the first `after`, go wrong."""

    when: Callable[[Request], bool] = lambda request: True
    kind: Kind = Kind.REFUSED
    status: int = 503
    retry_after: int | None = None
    times: int = 1
    after: int = 0
    met: int = 0  # requests that went wrong so far
    reached: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def strikes(self, request: Request) -> bool:
        """Counts: ask once a request, one at a time."""
        if not self.when(request):
            return False
        if self.after:
            self.after -= 1
            return False
        if self.met >= self.times:
            return False
        self.met += 1
        self.reached.set()
        return True
