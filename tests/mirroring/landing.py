"""Builds landing zones for tests: real files in a folder, each a minute apart."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hygge.filesystems.locating import locate
from hygge.mirroring.identity import identity_of
from hygge.mirroring.lint import lint
from hygge.mirroring.names import METADATA, PARTNER, PROCESSED, ROW_MARKER, file_name, number_of
from hygge.mirroring.report import Report
from hygge.mirroring.rules.rule import Severity
from hygge.mirroring.state import SeenColumn, TableState, ZoneState
from hygge.mirroring.written import Written

NOW = 1_790_000_000.0
PEOPLE = (SeenColumn("id", "int32", False), SeenColumn("name", "string", True))


def rows(
    types: Mapping[str, Any] | None = None, required: Collection[str] = ("id",), **columns: Any
) -> pa.Table:
    """A table with declared types: numbers are int32, all else text. `marker` is the marker."""
    fields = list[Any]()
    for name, values in columns.items():
        whole = any(isinstance(value, int) for value in values)
        kind = (types or {}).get(name, pa.int32() if whole or name == "id" else pa.string())
        spelled = ROW_MARKER if name == "marker" else name
        fields.append(pa.field(spelled, kind, nullable=name not in required))
    arrays = [pa.array(list(v), f.type) for v, f in zip(columns.values(), fields, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def people(*ids: int, marker: Sequence[Any] | None = None) -> pa.Table:
    """Rows with a key and a name."""
    names = [f"name {one}" for one in ids]
    return rows(id=ids, name=names) if marker is None else rows(id=ids, name=names, marker=marker)


class Landing:
    """A landing zone, and what the service is said to know of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "Files" / "LandingZone"
        self.path.mkdir(parents=True)
        self._clock = NOW - 3600
        self.known: dict[str, TableState] = {}
        self.put(PARTNER, {"partnerName": "us", "sourceInfo": {"sourceType": "SQL"}})

    def put(self, path: str, content: bytes | str | Mapping[str, Any]) -> Path:
        """A file with these bytes, or this JSON."""
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Mapping):
            content = json.dumps(content)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        self._clock += 60
        os.utime(file, (self._clock, self._clock))
        return file

    def table(self, name: str = "T", keys: Sequence[str] = ("id",), **given: Any) -> None:
        """Its metadata."""
        known: dict[str, Any] = {"keyColumns": list(keys)} if keys else {}
        known["fileDetectionStrategy"] = "SequentialFileName"
        self.put(f"{name}/{METADATA}", {**known, **given})

    def data(self, file: int | str, table: pa.Table, name: str = "T", **options: Any) -> Path:
        """A parquet file, by its number or its path below the table's folder."""
        told = file_name(file) if isinstance(file, int) else file
        path = self.put(f"{name}/{told}", b"")
        when = path.stat().st_mtime
        pq.write_table(table, path, **{"compression": "zstd", "store_schema": False, **options})
        os.utime(path, (when, when))
        return path

    def csv(self, number: int, text: str, name: str = "T") -> Path:
        return self.put(f"{name}/{file_name(number, 'csv')}", text)

    def age(self, path: str, hours: float) -> None:
        os.utime(self.path / path, (NOW - hours * 3600,) * 2)

    def took(self, *files: int | str, name: str = "T", **more: Any) -> None:
        """The service has applied these files of the table, as they are now."""
        names = [file_name(file) if isinstance(file, int) else file for file in files]
        digests = {told: self._digest(name, told) for told in names}
        filesystem, path = locate(str(self.path / name))
        identity = identity_of(filesystem, path)
        last = max((number_of(told) or 0 for told in names), default=0)
        told = {
            "identity": identity,
            "keys": ("id",),
            "columns": PEOPLE,
            "last": last,
            "delimited": Written.of(filesystem.get(f"{path}/{METADATA}")).table.delimited,
        }
        self.known[name] = TableState(**{**told, "processed": digests, **more})

    def _digest(self, table: str, file: str) -> str:
        places = (self.path / table / file, self.path / table / PROCESSED / file)
        found = next((place for place in places if place.exists()), None)
        return "0" * 64 if found is None else hashlib.sha256(found.read_bytes()).hexdigest()

    @property
    def state(self) -> ZoneState:
        return ZoneState(self.known)

    def lint(self, *, state: bool = False, **more: Any) -> Report:
        files, path = locate(str(self.path))
        known = self.state if state or self.known else None
        return lint(files, path, **{"state": known, "now": NOW, **more})


@dataclass(frozen=True)
class Case:
    """A landing zone that keeps a rule (`severity` is None), or breaks it, and what is then said.

    `known`: there is a state, also where it is empty."""

    rule: str
    build: Callable[[Landing], object]
    severity: Severity | None = None
    said: str = ""
    known: bool = False
    ask: Mapping[str, Any] | None = None

    def lint(self, folder: Path) -> Report:
        landing = Landing(folder)
        more = self.build(landing)
        extra = more if isinstance(more, dict) else {}
        return landing.lint(state=self.known, strict=True, **(self.ask or {}), **extra)
