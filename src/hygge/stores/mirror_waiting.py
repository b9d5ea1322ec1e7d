"""Between dropping a mirrored table and making it anew: how long Fabric takes to forget it.

BP: the table must be gone from what the service tells of its tables before its folder is there
again, or the old one goes on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Final

from hygge.core.errors import StoreError
from hygge.filesystems.filesystem import FileSystem

_AGAIN: Final = 5.0
_MARK: Final = "_dropped.json"


class Waiting:
    """`longest` seconds at most, from when the drop was seen to be done; less where `knows` tells
    whether the service still knows the table, and it does not."""

    def __init__(
        self, files: FileSystem, longest: float, knows: Callable[[], bool | None] | None = None
    ) -> None:
        self._fs, self._longest, self._knows = files, longest, knows

    def since(self, staging: str) -> float | None:
        """When the folder was dropped, in seconds since 1970; None: it was not yet."""
        found = self._fs.get(f"{staging}/{_MARK}")
        return float(json.loads(found)["since"]) if found else None

    def begin(self, staging: str) -> float:
        """It is dropped: written down, so that a crash does not begin the wait anew."""
        self._fs.put_once(f"{staging}/{_MARK}", json.dumps({"since": time.time()}).encode())
        since = self.since(staging)
        if since is None:
            raise StoreError("what was staged is gone", folder=self._fs.url(staging))
        return since

    def left(self, since: float) -> float:
        """So many seconds are to be waited before one looks again; 0: it is over. A clock that went
        back waits no longer."""
        left = max(0.0, min(self._longest, self._longest - (time.time() - since)))
        if not left or self._knows is None:
            return left
        known = self._knows()
        return left if known is None else min(left, _AGAIN) if known else 0.0
