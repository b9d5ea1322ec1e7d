"""Which folder it is: one that was deleted and made again is another.

The service goes by the folder's ETag. A disk gives the number of a folder that is gone to the next
one that is made, so the engine writes a name of its own into each folder that it sees first.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from hygge.core.errors import StoreError
from hygge.filesystems.filesystem import FileSystem
from hygge.mirroring.zone import TableFolder

IDENTITY: Final = "_hygge_mirror.json"
_KIND: Final = "folder:"


def identity_of(files: FileSystem, folder: str) -> str:
    """`folder:…` as an engine wrote it there; nothing behind the colon where none has. Blocks."""
    told = _written(files, folder)
    return _KIND if told is None else told[0]


def _written(files: FileSystem, folder: str) -> tuple[str, datetime] | None:
    """The identity, and since when it has been one. Raises StoreError where it cannot be read."""
    text = files.get(f"{folder}/{IDENTITY}")
    if text is None:
        return None
    try:
        told = json.loads(text)
        return str(told["identity"]), datetime.fromisoformat(told["since"])
    except (ValueError, KeyError, TypeError) as failed:
        raise StoreError(
            "what the local mirror has written of this folder cannot be read",
            file=files.url(f"{folder}/{IDENTITY}"),
            hint="put it back; without it, the folder is another table, and is mirrored anew",
        ) from failed


@dataclass(frozen=True)
class Folder:
    """A table's folder with its identity, which is new where no engine had seen the folder."""

    folder: TableFolder
    identity: str
    since: datetime
    new: bool = False

    @classmethod
    def of(cls, files: FileSystem, folder: TableFolder) -> Folder:
        told = _written(files, folder.path)
        if told is None:
            return cls(folder, _KIND + secrets.token_hex(16), datetime.now(UTC), new=True)
        return cls(folder, *told)

    def marked(self, files: FileSystem) -> Folder:
        """The same once its identity is written down; or as somebody else has written it."""
        if not self.new:
            return self
        told = {"identity": self.identity, "since": self.since.isoformat()}
        files.put_once(f"{self.folder.path}/{IDENTITY}", json.dumps(told).encode())
        return Folder.of(files, self.folder)
