"""A landing zone on the disk, a publisher that writes what it likes, and another reader's eyes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hygge.core.journal import from_json
from hygge.filesystems.locating import locate
from hygge.mirroring.applied import Applied
from hygge.mirroring.choices import Choices
from hygge.mirroring.engine import apply
from hygge.mirroring.names import PROCESSED, ROW_MARKER, file_name
from hygge.mirroring.state import ZoneState

SCHEMA = pa.schema([pa.field("id", pa.int64(), nullable=False), ("name", pa.string())])
Row = tuple[Any, ...]


class Zone:
    """A mirrored database's root with its landing zone, and a mirror beside it."""

    def __init__(self, folder: Path) -> None:
        self.root, self.into = folder / "db", folder / "mirror"
        self.path = self.root / "Files" / "LandingZone"
        self.path.mkdir(parents=True, exist_ok=True)

    def folder(self, table: str = "T") -> Path:
        return self.path / table

    def metadata(self, table: str = "T", **given: Any) -> None:
        self.folder(table).mkdir(parents=True, exist_ok=True)
        told = {"keyColumns": ["id"], **given}
        (self.folder(table) / "_metadata.json").write_text(json.dumps(told))

    def put(
        self,
        file: int | str,
        rows: Sequence[Row],
        *,
        marked: bool = True,
        table: str = "T",
        schema: pa.Schema = SCHEMA,
        marker: pa.DataType | None = None,
    ) -> Path:
        """A file of rows; with `marked`, the last value of each is its marker."""
        if marked:
            schema = schema.append(pa.field(ROW_MARKER, marker or pa.int32()))
        arrays = [pa.array([row[n] for row in rows], field.type) for n, field in enumerate(schema)]
        return self.write(file, pa.table(arrays, schema=schema), table)

    def write(self, file: int | str, made: pa.Table, table: str = "T") -> Path:
        path = self.folder(table) / (file_name(file) if isinstance(file, int) else file)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(made, path)
        return path

    def apply(self, choices: Choices | None = None, *, check: bool = False) -> Applied:
        into = locate(str(self.into))
        return apply(*locate(str(self.root)), into, choices or Choices(), check=check)

    def rows(self, table: str = "dbo/T") -> list[Row] | None:
        return rows(self.into / table)

    def version(self, table: str = "dbo/T") -> int:
        return deltalake.DeltaTable(self.into / table).version()

    def left(self, table: str = "T") -> set[str]:
        """The data files in the table's folder."""
        return {p.name for p in self.folder(table).iterdir() if not p.name.startswith("_")}

    def processed(self, table: str = "T") -> set[str]:
        folder = self.folder(table) / PROCESSED
        return {p.name for p in folder.iterdir()} if folder.exists() else set()

    def state(self) -> ZoneState:
        return from_json(ZoneState, (self.into / "_mirror" / "state.json").read_bytes())

    def monitoring(self) -> Mapping[str, Any]:
        """`tables.json`, by the tables' names."""
        told = json.loads((self.root / "Files/Monitoring/tables.json").read_text())
        return {table["sourceTableName"]: table for table in told["tables"]}

    def replicator(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = json.loads(
            (self.root / "Files/Monitoring/replicator.json").read_text()
        )
        return found


def rows(table: Path) -> list[Row] | None:
    """What the library and Polars find in a Delta table, in an order of its own; None: no table."""
    if not (table / "_delta_log").exists():
        return None
    there = deltalake.DeltaTable(table)
    frames = [pl.read_parquet(file.removeprefix("file://")) for file in there.file_uris()]
    names = [field.name for field in there.schema().fields]
    whole = pl.concat(frames, how="diagonal") if frames else pl.DataFrame(schema=names)
    absent = [pl.lit(None).alias(name) for name in names if name not in whole.columns]
    return ordered(whole.with_columns(absent).select(names).rows())


def ordered(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=repr)
