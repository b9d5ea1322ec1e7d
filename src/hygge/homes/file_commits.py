"""What a folder's own record says to those who read it: is a commit under way, what is current.

The record is a FileStore's: `_hygge/commits/<table>/<20-digit n>.json`, and beside the data of a
versioned table `_current.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hygge.core.errors import HomeError, SourceChanged
from hygge.filesystems.filesystem import FileSystem

_RECORD = re.compile(r"\d{20}\.json")


@dataclass(frozen=True)
class Commits:
    """The commits into one folder and into the folders right below it; `deep`: at any depth."""

    fs: FileSystem
    folder: str
    deep: bool = False

    def newest(self) -> Sequence[str]:
        """The newest record of each table, all their moves done.

        Raises SourceChanged, naming the flow, where a commit is not finished.
        """
        found = list[str]()
        for records, staging in self._tables():
            names = self._records(records)
            found += names[:1]
            for name in names:
                record = self._json(name)
                if record.get("fate") == "published":
                    self._refuse_unfinished(record, staging)
                    break
        return found

    def _tables(self) -> Iterator[tuple[str, str]]:
        parent, _, table = self.folder.rpartition("/")
        if table:
            commits, staging = f"_hygge/commits/{table}", f"_hygge/staging/{table}"
            yield _inside(parent, commits), _inside(parent, staging)
        for ours in self._ours():
            for below in self.fs.folders(f"{ours}/commits"):
                yield f"{ours}/commits/{below}", f"{ours}/staging/{below}"

    def _ours(self) -> Sequence[str]:
        """hygge's own folders, beside the tables that are here."""
        found = {_inside(self.folder, "_hygge")}
        if self.deep and any(name[0] not in "._" for name in self.fs.folders(self.folder)):
            cut = len(self.folder) + 1 if self.folder else 0
            for file in self.fs.list(self.folder):
                above, records, _ = f"/{file.path[cut:]}".partition("/_hygge/commits/")
                if records:
                    found.add(_inside(self.folder, f"{above}/_hygge".lstrip("/")))
        return sorted(found)

    def _records(self, folder: str) -> list[str]:
        paths = [file.path for file in self.fs.list(folder)]
        return sorted((p for p in paths if _RECORD.fullmatch(p.rpartition("/")[2])), reverse=True)

    def _refuse_unfinished(self, record: dict[str, Any], staging: str) -> None:
        if self.fs.is_folder(f"{staging}/{record.get('load_id')}"):
            flow = record.get("flow")
            raise SourceChanged(
                f"the last load into this folder is not finished; flow {flow} began it",
                file=self.fs.url(self.folder),
                hint=f"run flow {flow} first: it finishes what it began",
            )

    def current(self) -> Sequence[str]:
        """The folders that hold the table: those that `_current.json` names, else the whole."""
        pointer = _inside(self.folder, "_current.json")
        if self.fs.info(pointer) is None:
            return [self.folder]
        named = self._json(pointer).get("folders")
        if not isinstance(named, list):
            raise HomeError("cannot be understood", file=self.fs.url(pointer))
        return [_inside(self.folder, str(name)) for name in named]

    def _json(self, path: str) -> dict[str, Any]:
        try:
            found = json.loads(self.fs.get(path) or b"")
        except ValueError as failed:
            raise HomeError(
                "cannot be understood", file=self.fs.url(path), hint="restore it from a backup"
            ) from failed
        if not isinstance(found, dict):
            raise HomeError("cannot be understood", file=self.fs.url(path))
        return found


def _inside(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
