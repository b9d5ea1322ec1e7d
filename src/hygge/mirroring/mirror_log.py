"""What a mirrored table remembers: its own Delta log, in which each version tells what was applied.

So a file and the word that it was applied come together, or not at all. A version is a file that is
made once: whoever comes second finds its number taken.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import time
from typing import Any

from hygge.core.errors import ConfigError, LoadLost, StoreError
from hygge.core.journal import from_json, to_json
from hygge.filesystems.filesystem import FileSystem
from hygge.formats.delta_types import field_of, is_timeless, schema_string
from hygge.mirroring.landed import schema_of
from hygge.mirroring.state import SeenColumn, TableState

Action = Mapping[str, Any]
_VERSION = re.compile(r"(\d{20})\.json")
_HALF = re.compile(r"_\d{20}\.json\.[^.]+")
_OURS = "hyggeMirror"


@dataclass(frozen=True, slots=True)
class Remembered:
    """A table's state, and what else the engine must know of it.

    `reference` is the last file that was applied, which stays in its folder, and `version` how it
    was listed then. `culprit` is the file that the table stopped at, `blame` its SHA-256, and `why`
    the kind. Times are of the last file: when it was written, and when it was applied.
    """

    state: TableState
    reference: str = ""
    version: str = ""
    written: datetime | None = None
    applied: datetime | None = None
    culprit: str = ""
    blame: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of the table. `ends`: between which values its first key lies, as JSON tells them."""

    path: str
    size: int
    rows: int
    ends: tuple[Any, Any] | None = None


@dataclass
class MirrorLog:
    """The versions of one mirrored table, summed up. `version` is -1 where there is none.

    A table that stopped before its first version has its memory in `aside`.
    """

    files: FileSystem
    folder: str
    aside: str
    version: int = -1
    remembered: Remembered | None = None
    columns: tuple[SeenColumn, ...] = ()
    live: dict[str, DataFile] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    """Files that are in no newer version, and when they left: milliseconds since 1970."""

    @classmethod
    def read(cls, files: FileSystem, folder: str, aside: str) -> MirrorLog:
        """Raises ConfigError for a Delta table that no mirror made, StoreError for a torn log."""
        log = cls(files, folder, aside)
        found = log._versions()
        if found != list(range(len(found))):
            hint = "delete the table's folder here: its files are applied anew"
            told = "versions are missing in the log of this mirrored table"
            raise StoreError(told, table=files.url(folder), hint=hint)
        for version in found:
            log._take(version, log._actions(version))
        if found and log.remembered is None:
            told = "this Delta table was not made by `hygge mirror apply`"
            raise ConfigError(told, table=files.url(folder), hint="another --into")
        if not found and (text := files.get(aside)) is not None:
            log.remembered = from_json(Remembered, text)
        return log

    def _path(self, version: int) -> str:
        return f"{self.folder}/_delta_log/{version:020}.json"

    def _versions(self) -> list[int]:
        names = (i.path.rpartition("/")[2] for i in self.files.list(f"{self.folder}/_delta_log"))
        return sorted(int(found[1]) for found in map(_VERSION.fullmatch, names) if found)

    def _actions(self, version: int) -> Sequence[Action]:
        text = self.files.get(self._path(version)) or b""
        return [json.loads(line) for line in text.decode().split("\n") if line.strip()]

    def _take(self, version: int, actions: Iterable[Action]) -> None:
        self.version = version
        for action in actions:
            if told := action.get("add"):
                self.live[told["path"]] = _data_file(told)
            elif told := action.get("remove"):
                self.live.pop(told["path"], None)
                self.gone[told["path"]] = int(told["deletionTimestamp"])
            elif (told := action.get("commitInfo")) and _OURS in told:
                self._remember(from_json(Remembered, json.dumps(told[_OURS])))

    def _remember(self, newer: Remembered) -> None:
        """A version tells the names of its own files, and not of all before it."""
        before = self.remembered.state.processed if self.remembered else {}
        state = replace(newer.state, processed={**before, **newer.state.processed})
        self.remembered, self.columns = replace(newer, state=state), state.columns

    def write(self, newer: Remembered, actions: Sequence[Action], operation: str) -> None:
        """Commit one version. Raises LoadLost where somebody else was faster."""
        info = {
            "timestamp": now(),
            "operation": operation,
            "operationParameters": {"file": newer.reference},
            "engineInfo": "hygge mirror",
            _OURS: json.loads(to_json(self._news(newer))),
        }
        told: list[Action] = [{"commitInfo": info}, *self._shape(newer), *actions]
        text = "\n".join(json.dumps(action) for action in told).encode()
        if not self.files.put_once(self._path(self.version + 1), text):
            hint = "let one `hygge mirror apply` work on a folder"
            told_of = "another apply is at work on this mirrored table"
            raise LoadLost(told_of, table=self.files.url(self.folder), hint=hint)
        self._take(self.version + 1, told)

    def put_aside(self, newer: Remembered) -> None:
        """Remember it where there is no version yet that could tell."""
        self.files.replace(self.aside, to_json(newer).encode())
        self.remembered = newer

    def _news(self, newer: Remembered) -> Remembered:
        known = self.remembered.state.processed if self.version >= 0 and self.remembered else {}
        told = {n: sha for n, sha in newer.state.processed.items() if n not in known}
        return replace(newer, state=replace(newer.state, processed=told))

    def _shape(self, newer: Remembered) -> list[Action]:
        """The table's columns, where they are not as they were, and what readers must know."""
        columns = schema_of(newer.state.columns).columns
        if self.version >= 0 and columns == schema_of(self.columns).columns:
            return []
        fields = [field_of(column) for column in columns]
        features = ["timestampNtz"]
        plain = {"minReaderVersion": 1, "minWriterVersion": 2}
        timeless = {"minReaderVersion": 3, "minWriterVersion": 7}
        timeless |= {"readerFeatures": features, "writerFeatures": features}  # type: ignore[dict-item]
        metadata = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, newer.state.identity)),
            "format": {"provider": "parquet", "options": {}},
            "schemaString": schema_string(fields),
            "partitionColumns": [],
            "configuration": {},
            "createdTime": now(),
        }
        return [{"protocol": timeless if is_timeless(fields) else plain}, {"metaData": metadata}]

    def sweep(self, keep: float) -> None:
        """Delete files that left so many seconds ago, and what killed runs left half done."""
        if self.version < 0:
            return
        for info in list(self.files.list(self.folder)):
            path = info.path.removeprefix(f"{self.folder}/")
            old = info.modified is not None and info.modified < time() - max(keep, _ABANDONED)
            left = path in self.gone and self.gone[path] < now() - keep * 1000
            stranger = path not in self.gone and path not in self.live and _is_ours(path)
            if left or (stranger and old):
                self.files.delete(info.path)


_ABANDONED = 3600.0
"""Seconds after which a file that no version names is nobody's: a slow writer's are younger."""


def _is_ours(path: str) -> bool:
    name = path.rpartition("/")[2]
    return (path.endswith(".parquet") and "/" not in path) or bool(_HALF.fullmatch(name))


def _data_file(told: Mapping[str, Any]) -> DataFile:
    stats = json.loads(told.get("stats") or "{}")
    tags = told.get("tags") or {}
    ends = json.loads(tags["hyggeEnds"]) if "hyggeEnds" in tags else None
    return DataFile(told["path"], told["size"], stats.get("numRecords", 0), ends and tuple(ends))


def added(file: DataFile) -> Action:
    """A file joins the table."""
    told: dict[str, Any] = {
        "path": file.path,
        "partitionValues": {},
        "size": file.size,
        "modificationTime": now(),
        "dataChange": True,
        "stats": json.dumps({"numRecords": file.rows}),
    }
    if file.ends is not None:
        told["tags"] = {"hyggeEnds": json.dumps(list(file.ends))}
    return {"add": told}


def removed(file: DataFile) -> Action:
    """A file leaves the table."""
    told = {"path": file.path, "deletionTimestamp": now(), "dataChange": True, "size": file.size}
    return {"remove": {**told, "extendedFileMetadata": True, "partitionValues": {}}}


def now() -> int:
    """Milliseconds since 1970, as the log counts."""
    return int(time() * 1000)
