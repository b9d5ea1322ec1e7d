"""Between dropping a mirrored table and making it anew: how long Fabric takes to forget it.

BP: the table must be gone from what the service tells of its tables before its folder is there
again, or the old one goes on.

A mark is staged before the load is recorded; its name tells when the drop was seen to be done. It
is renamed, never made again: whoever comes late, when staging is gone, leaves nothing behind.
"""

from __future__ import annotations

import time

from hygge.filesystems.filesystem import FileSystem


class Waiting:
    """`longest` seconds at most, from when the drop was seen to be done."""

    def __init__(self, files: FileSystem, longest: float) -> None:
        self._fs, self._longest = files, longest

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

    def left(self, since: float) -> float:
        """So many seconds are to be waited still. A clock that went back waits no longer."""
        return max(0.0, min(self._longest, self._longest - (time.time() - since)))
