"""One published file, as it is opened: its columns, and whether its rows are marked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hygge.core.errors import ConnectionFailed, HyggeError, SourceMissing
from hygge.core.schema import Column, TableSchema
from hygge.filesystems.filesystem import FileInfo, FileSource, FileSystem
from hygge.formats.parquet import Parquet
from hygge.mirroring.footers import plain
from hygge.mirroring.landed_rows import LandedParquet
from hygge.mirroring.names import ROW_MARKER
from hygge.mirroring.state import SeenColumn
from hygge.mirroring.stopping import AGAIN, REBUILD, TableStops, Why

FORM = Parquet.build({})
LANDED = LandedParquet.build({})
_CHUNK = 2**20
_KINDS: Mapping[str, pl.DataType] = {
    "bool": pl.Boolean(),
    "int8": pl.Int8(),
    "int16": pl.Int16(),
    "int32": pl.Int32(),
    "int64": pl.Int64(),
    "float": pl.Float32(),
    "double": pl.Float64(),
    "string": pl.String(),
    "binary": pl.Binary(),
    "date32[day]": pl.Date(),
    "timestamp[us, tz=UTC]": pl.Datetime("us", "UTC"),
    "timestamp[ms, tz=UTC]": pl.Datetime("us", "UTC"),
    "timestamp[us]": pl.Datetime("us"),
    "timestamp[ms]": pl.Datetime("us"),
}
_DECIMAL = re.compile(r"decimal128\((\d+), (-?\d+)\)")
_MARKERS = {"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"}


@dataclass(frozen=True)
class Landed:
    """`columns` are those of the table: the marker is not among them."""

    name: str
    info: FileInfo
    digest: str
    source: FileSource
    columns: tuple[SeenColumn, ...]
    marked: bool
    rows: int


def opened(files: FileSystem, path: str, info: FileInfo) -> Landed:
    """The file at this path. Raises TableStops where the service could not read it, and
    SourceMissing where it has gone away."""
    source, name = files.source(path), path.rpartition("/")[2]
    if not name.lower().endswith(".parquet"):
        told = f"{name}: delimited text is not supported by the local mirror"
        raise TableStops(told, Why.DELIMITED, hint=f"publish parquet: {REBUILD}")
    if not info.size:
        raise TableStops(f"{name}: Parquet file size is 0 bytes", hint=AGAIN)
    digest = sha256(files, path)
    try:
        rows = FORM.rows(source)
        with source.open() as handle, pq.ParquetFile(handle, pre_buffer=False) as file:
            schema = file.schema_arrow
    except (ConnectionFailed, SourceMissing):
        raise
    except (HyggeError, pa.ArrowException, OSError, ValueError) as failed:
        told = failed.what if isinstance(failed, HyggeError) else str(failed)
        raise TableStops(f"{name}: {told}", hint=AGAIN) from failed
    marked = _is_marked(schema, name)
    fields = [field for field in schema if field.name != ROW_MARKER]
    _refuse_names(fields, name)
    columns = tuple(_seen(field, name) for field in fields)
    return Landed(name, info, digest, source, columns, marked, rows)


def sha256(files: FileSystem, path: str) -> str:
    """Of a file's bytes, in hex. Raises SourceMissing."""
    total = hashlib.sha256()
    with files.open(path) as file:
        while data := file.read(_CHUNK):
            total.update(data)
    return total.hexdigest()


def _is_marked(schema: pa.Schema, name: str) -> bool:
    """Whether there is a marker, as it must be: one whole number, in the last column."""
    alike = [n for n, own in enumerate(schema.names) if own.lower() == ROW_MARKER.lower()]
    if not alike:
        return False
    told = None
    if len(alike) > 1:
        told = f"{len(alike)} columns are called {ROW_MARKER}"
    elif schema.names[alike[0]] != ROW_MARKER:
        told = f"the marker's column is called {schema.names[alike[0]]!r}, not {ROW_MARKER!r}"
    elif alike[0] != len(schema.names) - 1:
        told = f"{ROW_MARKER} is not the last column"
    elif str(schema.field(alike[0]).type) not in _MARKERS:
        told = f"{ROW_MARKER} is {schema.field(alike[0]).type}, not a whole number"
    if told is not None:
        raise TableStops(f"{name}: {told}", Why.MARKER, hint=AGAIN)
    return True


def _refuse_names(fields: list[pa.Field], name: str) -> None:
    known = dict[str, str]()
    if not fields:
        raise TableStops(f"{name}: there is no column", hint=AGAIN)
    for field in fields:
        if (before := known.setdefault(field.name.lower(), field.name)) != field.name or (
            sum(other.name == field.name for other in fields) > 1
        ):
            told = f"two columns are called {before!r} and {field.name!r}"
            raise TableStops(f"{name}: {told}", hint=AGAIN)


def _seen(field: pa.Field, name: str) -> SeenColumn:
    kind = str(plain(field.type))
    if _known(kind) is not None:
        return SeenColumn(field.name, kind, field.nullable)
    raise TableStops(
        f"{name}: the type {field.type} of column {field.name!r} cannot be mirrored",
        Why.TYPE,
        hint="publish it as another type: text, or JSON in a text",
    )


def kind_of(told: str) -> pl.DataType:
    """The type that the table has for a column that was seen as this."""
    found = _known(told)
    assert found is not None, f"{told} was never let in"
    return found


def _known(told: str) -> pl.DataType | None:
    if exact := _DECIMAL.fullmatch(told):
        return pl.Decimal(int(exact[1]), int(exact[2]))
    return pl.Binary() if told.startswith("fixed_size_binary[") else _KINDS.get(told)


def schema_of(columns: Any) -> TableSchema:
    """Columns that were seen as a schema; all may be NULL in the table."""
    return TableSchema(tuple(Column(c.name, kind_of(c.type)) for c in columns))
