"""The words of a Delta commit: files that come and go, columns, and what the table demands."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from hygge.core.errors import Unsupported
from hygge.core.schema import TableSchema
from hygge.filesystems.filesystem import FileSource
from hygge.formats.delta_snapshot import DataFile, Snapshot
from hygge.formats.delta_types import Field, field_of, is_timeless, schema_string
from hygge.formats.parquet import Parquet
from hygge.stores.delta_log import Action, now

_WRITTEN = frozenset({"appendOnly", "invariants", "timestampNtz", "deletionVectors"})
_WRITTEN |= {"vacuumProtocolCheck", "columnMapping"}
_WRITTEN |= {"checkConstraints", "generatedColumns", "identityColumns", "changeDataFeed"}
"""What a table may demand of its writers, as long as nothing in it makes use of it."""
_SHORT = 32
"""Longer texts are not told of: readers would have to know that they were cut."""


@dataclass(frozen=True)
class NewFile:
    """A file that is to belong to the table: its path in the folder, and what is in it."""

    path: str
    rows: int
    bytes: int


def created(fields: Sequence[Field]) -> list[Action]:
    """What begins a table: nobody's rows, and these columns."""
    return [*protocol(None, fields), metadata(None, fields)]


def protocol(there: Snapshot | None, fields: Sequence[Field]) -> list[Action]:
    """What readers and writers must know; nothing if the table says so already."""
    timeless = is_timeless(fields)
    if there is None and not timeless:
        return [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}]
    if not timeless or (there is not None and "timestampNtz" in there.features):
        return []
    read, written = {"timestampNtz"}, {"appendOnly", "invariants", "timestampNtz"}
    if there is not None:
        read |= {*(there.protocol.reader_features or ())}
        written |= {*(there.protocol.writer_features or ())}
        written |= _implied(there.protocol.min_writer_version)
    told = {"minReaderVersion": 3, "minWriterVersion": 7}
    features = {"readerFeatures": sorted(read), "writerFeatures": sorted(written)}
    return [{"protocol": {**told, **features}}]


def _implied(version: int) -> set[str]:
    """What writers of an older version had to know, told by name."""
    known = {3: {"checkConstraints"}, 4: {"changeDataFeed", "generatedColumns"}}
    found = (names for since, names in known.items() if since <= version < 7)
    return set[str]().union(*found)


def metadata(there: Snapshot | None, fields: Sequence[Field]) -> Action:
    known = there.metadata if there else None
    told: dict[str, Any] = {
        "id": known.id if known else str(uuid.uuid4()),
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema_string(fields),
        "partitionColumns": [],
        "configuration": dict(known.configuration) if known else {},
        "createdTime": known.created_time if known else now(),
    }
    if known and known.name:
        told["name"] = known.name
    if known and known.description:
        told["description"] = known.description
    return {"metaData": told}


def refuse_unwritable(there: Snapshot, *, removing: bool) -> None:
    """Raise Unsupported for a table whose writers must do what we do not."""
    told, options = None, there.metadata.configuration
    if unknown := sorted({*(there.protocol.writer_features or ())} - _WRITTEN):
        told = f"its writers must know {', '.join(unknown)}"
    elif there.protocol.min_writer_version > 7:
        told = f"its writers must be of version {there.protocol.min_writer_version}"
    elif there.metadata.partition_columns:
        told = f"it is partitioned by {', '.join(there.metadata.partition_columns)}"
    elif removing and options.get("delta.appendOnly") == "true":
        told = "rows may only be added to it (delta.appendOnly)"
    elif options.get("delta.enableChangeDataFeed") == "true":
        told = "its changes are to be kept as rows (delta.enableChangeDataFeed)"
    elif own := [key for key in options if key.startswith("delta.constraints.")]:
        told = f"its rows have conditions ({own[0]})"
    elif own := [str(field["name"]) for field in there.fields if _has_rules(field)]:
        told = f"the column {own[0]} has rules of its own"
    if told is not None:
        raise Unsupported(
            f"this Delta table cannot be written to: {told}",
            table=there.url,
            hint="choose another folder; or take that away, where the table came from",
        )


def _has_rules(field: Field) -> bool:
    rules = ("delta.invariants", "delta.generationExpression", "delta.identity.")
    return any(key.startswith(rules) for key in field.get("metadata") or ())


def removed(files: Iterable[DataFile]) -> list[Action]:
    moment = now()
    return [
        {
            "remove": {
                "path": file.name,
                "deletionTimestamp": moment,
                "dataChange": True,
                "extendedFileMetadata": True,
                "partitionValues": {},
                "size": file.size,
            }
        }
        for file in files
    ]


def added(file: NewFile, source: FileSource, form: Parquet, schema: TableSchema) -> Action:
    """A file joins the table, with what it tells of its columns."""
    told = {
        "path": file.path,
        "partitionValues": {},
        "size": file.bytes,
        "modificationTime": now(),
        "dataChange": True,
        "stats": json.dumps(_statistics(file.rows, source, form, schema)),
    }
    return {"add": told}


def _statistics(
    rows: int, source: FileSource, form: Parquet, schema: TableSchema
) -> Mapping[str, Any]:
    least, greatest, nulls = dict[str, Any](), dict[str, Any](), dict[str, int]()
    for column in schema.columns:
        if not _is_told(column.type) or (ends := form.ends(source, column)) is None:
            continue
        counts = [count for count in ends.nulls if count is not None]
        if len(counts) < len(ends.nulls):
            continue
        nulls[column.name] = sum(counts)
        told = _end(ends.least.min()), _end(ends.greatest.max())
        whole = not ends.least.has_nulls() or sum(counts) == rows
        if whole and told[0] is not None and told[1] is not None:
            least[column.name], greatest[column.name] = told
    values = {"minValues": least, "maxValues": greatest, "nullCount": nulls}
    return {"numRecords": rows, **values}


def _is_told(kind: pl.DataType) -> bool:
    return kind.is_integer() or isinstance(kind, pl.Date | pl.Datetime | pl.String)


def _end(value: Any) -> Any:
    match value:
        case datetime():
            plain = value.replace(tzinfo=None).isoformat(timespec="microseconds")
            return plain if value.tzinfo is None else f"{plain}Z"
        case date():
            return value.isoformat()
        case str():
            return value if len(value.encode()) < _SHORT else None
    return value


def fields_of(schema: TableSchema, there: Iterable[Field] = ()) -> list[Field]:
    """The fields of these columns; what others wrote beside a field that stays is kept."""
    known = {str(field["name"]): field for field in there}
    return [_kept(field_of(column), known.get(column.name)) for column in schema.columns]


def _kept(field: Field, before: Field | None) -> Field:
    if before is None or before["type"] != field["type"]:
        return field
    return {**before, "nullable": field["nullable"]}
