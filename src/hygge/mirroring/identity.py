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

from hygge.filesystems.filesystem import FileSystem
from hygge.mirroring.zone import TableFolder

IDENTITY: Final = "_hygge_mirror.json"
_KIND: Final = "folder:"


def identity_of(files: FileSystem, folder: str) -> str:
    """`folder:…` as an engine wrote it there; nothing behind the colon where none has. Blocks."""
    text = files.get(f"{folder}/{IDENTITY}")
    return _KIND if text is None else str(json.loads(text)["identity"])


@dataclass(frozen=True)
class Folder:
    """A table's folder with its identity, which is new where no engine had seen the folder."""

    folder: TableFolder
    identity: str
    since: datetime
    new: bool = False

    @classmethod
    def of(cls, files: FileSystem, folder: TableFolder) -> Folder:
        text = files.get(f"{folder.path}/{IDENTITY}")
        if text is None:
            return cls(folder, _KIND + secrets.token_hex(16), datetime.now(UTC), new=True)
        told = json.loads(text)
        return cls(folder, told["identity"], datetime.fromisoformat(told["since"]))

    def marked(self, files: FileSystem) -> Folder:
        """The same once its identity is written down; or as somebody else has written it."""
        if not self.new:
            return self
        told = {"identity": self.identity, "since": self.since.isoformat()}
        files.put_once(f"{self.folder.path}/{IDENTITY}", json.dumps(told).encode())
        return Folder.of(files, self.folder)
