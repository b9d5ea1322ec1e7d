"""Between dropping a mirrored table and making it anew: how long Fabric takes to forget it.

BP: the table must be gone from what the service tells of its tables before its folder is there
again, or the old one goes on.

A mark is staged before the load is recorded; its name tells when the drop was seen to be done, its
content whether the service told of the table before. It is renamed, never made again: whoever comes
late, when staging is gone, leaves nothing behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from hygge.filesystems.filesystem import FileSystem

_AGAIN: Final = 5.0
_KNOWN: Final = b"known"


class Waiting:
    """`longest` seconds at most, from when the drop was seen to be done; less where `knows` tells
    whether the service still knows the table, and it did before and does not now."""

    def __init__(
        self, files: FileSystem, longest: float, knows: Callable[[], bool | None] | None = None
    ) -> None:
        self._fs, self.longest, self._knows = files, longest, knows

    @property
    def mark(self) -> bytes:
        """What to stage before the drop. A table that is not told of by then is told of by another
        name, or not yet: that it is not told of later says nothing."""
        known = self._knows is not None and self.longest > 0 and self._knows()
        return _KNOWN if known else b""

    def is_due(self, mark: str) -> bool:
        """Whether the folder is still to be dropped, as far as anybody has told."""
        return self._fs.info(mark) is not None

    def since(self, mark: str) -> float | None:
        """When the folder was dropped, in seconds since 1970; None: it was not yet, or all of the
        load is done and its staging goes."""
        begins = f"{mark}-"
        for info in self._fs.list(mark.rpartition("/")[0]):
            if info.path.startswith(begins):
                return float(info.path.removeprefix(begins))
        return None

    def begin(self, mark: str) -> float | None:
        """It is dropped: written down, so that a crash does not begin the wait anew."""
        self._fs.move(mark, f"{mark}-{time.time():.3f}")
        return self.since(mark)

    def left(self, mark: str, since: float) -> float:
        """So many seconds are to be waited before one looks again; 0: it is over. A clock that went
        back waits no longer."""
        left = max(0.0, min(self.longest, self.longest - (time.time() - since)))
        if not left or self._knows is None or self._fs.get(f"{mark}-{since:.3f}") != _KNOWN:
            return left
        known = self._knows()
        return left if known is None else min(left, _AGAIN) if known else 0.0
