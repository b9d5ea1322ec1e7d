"""A Delta table at one of its versions: its columns, its files, and what it demands of a reader.

The library `deltalake` reads the log. It is imported with the first table, and not before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.util import find_spec
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from hygge.core.errors import (
    ConfigError,
    ConnectionFailed,
    HomeError,
    HyggeError,
    SourceMissing,
    Unsupported,
)
from hygge.core.schema import TableSchema
from hygge.formats.delta_types import Field, schema_of

READ = frozenset(
    {"timestampNtz", "vacuumProtocolCheck", "deletionVectors", "columnMapping", "v2Checkpoint"}
)
"""What a table may demand of its readers; rows that are deleted, and names that are mapped, only as
long as there are none."""
_ABSENT = ("not a delta table", "no files in log segment", "no such file", "not found")


@dataclass(frozen=True)
class Place:
    """Where a table lies, as the library wants it told."""

    url: str
    options: Mapping[str, str]


@dataclass(frozen=True)
class DataFile:
    """One file of a version. `name` is as the log has it; `told` what else it tells."""

    name: str
    size: int
    told: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Within the table's folder."""
        return unquote(self.name)

    @property
    def rows(self) -> int | None:
        return self.told.get("num_records")

    @property
    def partition(self) -> Mapping[str, Any]:
        """The values that its path stands for, and that are not in it."""
        begin = "partition."
        return {k[len(begin) :]: v for k, v in self.told.items() if k.startswith(begin)}

    def ends(self, column: str) -> tuple[Any, Any]:
        """No value of the column is below the one or above the other; None where it is not told."""
        return self.told.get(f"min.{column}"), self.told.get(f"max.{column}")


@dataclass(frozen=True)
class Snapshot:
    """One version of a table."""

    table: Any
    url: str

    @property
    def version(self) -> int:
        return int(self.table.version())

    @cached_property
    def fields(self) -> Sequence[Field]:
        fields: Sequence[Field] = json.loads(self.table.schema().to_json())["fields"]
        return fields

    @cached_property
    def schema(self) -> TableSchema:
        return schema_of(self.fields, self.url)

    @cached_property
    def metadata(self) -> Any:
        return self.table.metadata()

    @cached_property
    def protocol(self) -> Any:
        return self.table.protocol()

    @property
    def features(self) -> frozenset[str]:
        """What it demands of readers and of writers, by name."""
        told = self.protocol
        return frozenset({*(told.reader_features or ()), *(told.writer_features or ())})

    @cached_property
    def files(self) -> Sequence[DataFile]:
        """In the order in which they came."""
        found = pa.table(self.table.get_add_actions(flatten=True)).to_pylist()
        found.sort(key=lambda told: (told["modification_time"], told["path"]))
        return [DataFile(told["path"], told["size_bytes"], told) for told in found]

    def refuse_unreadable(self) -> None:
        """Raise Unsupported where the files are not what the table has."""
        if unknown := sorted({*(self.protocol.reader_features or ())} - READ):
            raise self._refusal(f"its readers must know {', '.join(unknown)}")
        mode = self.metadata.configuration.get("delta.columnMapping.mode") or "none"
        if mode != "none":
            raise self._refusal(f"its columns are mapped to other names ({mode})")
        if any("://" in file.name or file.name.startswith("/") for file in self.files):
            raise self._refusal("some of its files lie outside its folder")
        if "deletionVectors" in self.features and self._has_deleted_rows():
            raise self._refusal("rows are deleted in it by deletion vectors")

    def _has_deleted_rows(self) -> bool:
        from deltalake.exceptions import DeltaError

        try:
            found = pa.table(self.table.deletion_vectors())
        except DeltaError:  # there are, and not even the library can read them
            return True
        return bool(found.num_rows)

    def _refusal(self, told: str) -> Unsupported:
        return Unsupported(
            f"this Delta table cannot be read: {told}",
            table=self.url,
            hint="write it anew without that (for deletion vectors: REORG TABLE … APPLY (PURGE))",
        )


def require_library() -> None:
    """Raise ConfigError where the library is not installed. It is not imported."""
    if find_spec("deltalake") is None:
        told = "a Delta table needs the package 'deltalake', which is not installed"
        raise ConfigError(told, hint="pip install 'hygge[delta]'")


def snapshot(place: Place, version: int | datetime | None = None) -> Snapshot:
    """The newest version, or this one. Raises SourceMissing where there is no such table."""
    require_library()
    if "%" in place.url:
        told = "the library of Delta tables cannot reach a path with a % in it"
        raise Unsupported(told, table=place.url, hint="choose a path without it")
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError, TableNotFoundError

    options = dict(place.options) or None
    number = version if isinstance(version, int) else None
    try:
        table = DeltaTable(place.url, version=number, storage_options=options)
        if isinstance(version, datetime):
            table.load_as_version(version)
    except TableNotFoundError as failed:
        raise _missing(place) from failed
    except (DeltaError, OSError, ValueError) as failed:
        raise _told(failed, place, version) from failed
    return Snapshot(table, place.url)


def _missing(place: Place) -> SourceMissing:
    return SourceMissing("there is no Delta table here", table=place.url)


def _told(failed: Exception, place: Place, version: int | datetime | None) -> HyggeError:
    text = str(failed).partition("\n")[0]
    if version is not None and "version" in text.lower():
        return HomeError(
            f"its version {version} cannot be had: {text}",
            table=place.url,
            hint="a version that is kept; `hygge debug` reads the newest without `version`",
        )
    if any(word in text.lower() for word in _ABSENT):
        return _missing(place)
    if isinstance(failed, OSError):
        return ConnectionFailed(f"the Delta table could not be read: {text}", table=place.url)
    return HomeError(
        f"the log of this Delta table cannot be read: {text}",
        table=place.url,
        hint="see that the folder is a Delta table, and whole",
    )
