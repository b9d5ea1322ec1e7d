"""What a Delta table remembers: its own log, in which each of our commits tells what it was.

A version is a file that is made once, whoever comes second finds it taken: so the log itself says
which load was published and which was erased. Nobody's commit comes between what we looked at and
the next number, or ours is not written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from time import time
from typing import Any

from hygge.core.errors import StoreError
from hygge.core.journal import from_json, to_json
from hygge.core.names import begun
from hygge.filesystems.filesystem import FileSystem
from hygge.stores.commit_log import Fate, Record

Action = Mapping[str, Any]
_VERSION = re.compile(r"(\d{20})\.json")
_HALF = re.compile(r"_\d{20}\.json\.[^.]+")
_OURS = "hygge"
_ORIGIN = {"operation": "CREATE TABLE", "operationParameters": {}, "engineInfo": "hygge"}
_APART = timedelta(days=1)
"""No two clocks are so far apart: what was begun so long before is older."""


@dataclass(frozen=True)
class Commit:
    """One version: what it did, and what it says of itself if it is ours."""

    version: int
    actions: Sequence[Action]

    @property
    def record(self) -> Record | None:
        """Raises ValueError for one that a later hygge wrote."""
        for action in self.actions:
            told = action.get("commitInfo") or {}
            if _OURS in told:
                return replace(from_json(Record, str(told[_OURS]).encode()), number=self.version)
        return None

    @property
    def added(self) -> list[str]:
        return [str(action["add"]["path"]) for action in self.actions if "add" in action]


class DeltaLog:
    """The versions of one table: `_delta_log/<20-digit n>.json`."""

    def __init__(self, filesystem: FileSystem, folder: str) -> None:
        self._fs, self.folder = filesystem, folder

    def _path(self, version: int) -> str:
        return f"{self.folder}/{version:020}.json"

    def versions(self) -> list[int]:
        """Every version whose commit is kept, the newest first."""
        names = (info.path.rpartition("/")[2] for info in self._fs.list(self.folder))
        return sorted(int(found[1]) for found in map(_VERSION.fullmatch, names) if found)[::-1]

    def read(self, version: int) -> Commit:
        """Raises StoreError for a commit that is gone or cannot be understood."""
        text = self._fs.get(self._path(version))
        try:
            lines = (text or b"?").decode().split("\n")  # a text may have other ends of lines
            commit = Commit(version, [json.loads(line) for line in lines if line.strip()])
            _ = commit.record
        except ValueError as failed:
            raise StoreError(
                "a commit of this Delta table cannot be read",
                file=self._fs.url(self._path(version)),
                hint="use the hygge that wrote it, or restore it from a backup: without it "
                "nobody knows what was published",
            ) from failed
        return commit

    def backwards(self, newest: int | None = None) -> Iterator[Commit]:
        """The commits up to this version, the newest first, read as far as you go."""
        for version in self.versions():
            if newest is None or version <= newest:
                yield self.read(version)

    def ours(self, newest: int | None = None) -> Iterator[Record]:
        """What our commits tell, the newest first."""
        for commit in self.backwards(newest):
            if (record := commit.record) is not None:
                yield record

    def newest(self, version: int | None = None) -> Record | None:
        """The newest load that was published, up to this version; None if there is none."""
        return next((r for r in self.ours(version) if r.fate is Fate.PUBLISHED), None)

    def of(self, load_id: str) -> Record | None:
        """The record that tells this load's fate, if it is written."""
        for record in self.ours():
            if record.load_id == load_id:
                return record
            older = begun(record.load_id) < begun(load_id) - _APART
            if older and record.fate is Fate.PUBLISHED:  # ours would have been its base, or later
                return None
        return None

    def write(self, version: int, record: Record | None, actions: Sequence[Action]) -> bool:
        """Commit this version; False if there is one by this number already."""
        first = {"commitInfo": _info(record) if record else _ORIGIN | {"timestamp": now()}}
        told = [json.dumps(action) for action in (first, *actions)]
        made = self._fs.put_once(self._path(version), "\n".join(told).encode())
        self.sweep()
        return made

    def sweep(self) -> None:
        """Delete what a killed writer left half written. A late one finds its number taken."""
        for info in list(self._fs.list(self.folder)):
            if _HALF.fullmatch(info.path.rpartition("/")[2]):
                self._fs.delete(info.path)


def application(flow: str) -> str:
    """The name that a flow goes by among the applications of a table."""
    return f"hygge:{flow}"


def transaction(record: Record) -> Action:
    """So that other readers of the log, and we when it is cut, see how far the flow has come."""
    number = int(record.load_id[:16], 16)
    told = {"appId": application(record.flow), "version": number, "lastUpdated": now()}
    return {"txn": told}


def now() -> int:
    """Milliseconds since 1970, as the log counts."""
    return int(time() * 1000)


def _info(record: Record) -> Mapping[str, Any]:
    words = {"replace": "WRITE", "append": "WRITE", "merge": "MERGE"}
    operation = words.get(str(record.mode), "HYGGE " + record.fate.upper())
    return {
        "timestamp": now(),
        "operation": operation,
        "operationParameters": {"mode": str(record.mode or ""), "loadId": record.load_id},
        "engineInfo": "hygge",
        _OURS: to_json(record),
    }
