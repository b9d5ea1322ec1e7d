"""The tables to be moved: made once, the same everywhere, kept in a cache outside git."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

VERSION = 1
STATES = ["red", "green", "blue", "black", "white", "N/A", "open", "closed", "pending"]


@dataclass(frozen=True)
class Dataset:
    """Parquet files of some entities, as a warehouse would leave them: snappy, some row groups.

    An entity of one file is `<entity>.parquet`, of several a folder. `group` None: one row group.
    """

    name: str
    entities: int
    files: int
    rows: int
    columns: int
    group: int | None

    @property
    def names(self) -> list[str]:
        return [f"table_{number:03}" for number in range(self.entities)]

    @property
    def total(self) -> int:
        return self.entities * self.files * self.rows

    def paths(self, folder: Path) -> list[Path]:
        """Its files, in order."""
        if self.files == 1:
            return [folder / f"{name}.parquet" for name in self.names]
        return [folder / name / f"{n}.parquet" for name in self.names for n in range(self.files)]

    def scaled(self, scale: float) -> Dataset:
        """The same with fewer rows; with fewer entities, too, where there are many."""
        entities = max(4, round(self.entities * scale)) if self.entities > 4 else self.entities
        group = self.group and max(1, round(self.group * scale))
        rows = max(10, round(self.rows * scale))
        return Dataset(self.name, entities, self.files, rows, self.columns, group)


SOME_TABLES = Dataset("a", entities=4, files=1, rows=375_000, columns=8, group=200_000)
BIG_TABLE = Dataset("b", entities=1, files=4, rows=2_500_000, columns=10, group=500_000)
MANY_TABLES = Dataset("c", entities=200, files=1, rows=5_000, columns=8, group=5_000)
ONE_GROUP = Dataset("d", entities=1, files=1, rows=10_000_000, columns=10, group=None)
MSSQL_TABLE = Dataset("mssql", entities=1, files=1, rows=1_000_000, columns=12, group=200_000)
CLOUD_TABLE = Dataset("cloud", entities=1, files=1, rows=6_400_000, columns=10, group=400_000)
SQL_TABLE = Dataset("sql", entities=1, files=1, rows=2_000_000, columns=12, group=200_000)


def made(dataset: Dataset, cache: Path) -> Path:
    """The folder of the data set, made now if it is not there."""
    size = f"{dataset.entities}x{dataset.files}x{dataset.rows}"
    folder = cache / f"data-v{VERSION}" / f"{dataset.name}-{size}"
    if not _note(folder).exists():
        shutil.rmtree(folder, ignore_errors=True)
        for number, path in enumerate(dataset.paths(folder)):
            path.parent.mkdir(parents=True, exist_ok=True)
            table = _table(number * dataset.rows, dataset.rows, dataset.columns)
            group = dataset.group or dataset.rows
            pq.write_table(table, path, compression="snappy", row_group_size=group)
        found = fingerprint(dataset.paths(folder))
        _note(folder).write_text(json.dumps(found))
    return folder


def made_fingerprint(folder: Path) -> dict[str, Any]:
    """What the data set was when it was made."""
    found: dict[str, Any] = json.loads(_note(folder).read_text())
    return found


def _note(folder: Path) -> Path:
    """Written last, beside the folder: that it is there means that the data set is whole."""
    return folder.with_name(f"{folder.name}.json")


def fingerprint(files: list[Path], like: Path | None = None) -> dict[str, Any]:
    """Rows, types, and the sum of each column's hashes: equal whatever the order and the files.

    `like`: only of the columns of this file, as its types, where each value can be that.
    """
    scan = pl.scan_parquet(files, glob=False)
    if like is not None:
        wanted = pl.read_parquet_schema(like)
        scan = scan.select(pl.col(name).cast(kind) for name, kind in wanted.items())
    schema = scan.collect_schema()
    sums = scan.select(pl.len().alias("_rows"), pl.all().hash(7).sum()).collect(engine="streaming")
    row = sums.row(0, named=True)
    rows = row.pop("_rows")
    types = {name: str(kind) for name, kind in schema.items()}
    return {"rows": rows, "types": types, "hashes": row}


def _table(start: int, rows: int, columns: int) -> pa.Table:
    """Mixed columns from the row numbers alone, so that they are the same in every run."""
    number = pl.col("id")

    def chance(seed: int) -> pl.Expr:
        return number.hash(seed).cast(pl.Float64) / 2**64

    def word(seed: int, shortest: int) -> pl.Expr:
        text = number.hash(seed).cast(pl.String) + number.hash(seed + 50).cast(pl.String)
        return text.str.slice(0, shortest + number.hash(seed + 90) % 9)

    wide = [
        pl.when(chance(2) >= 0.2).then((chance(3) * 1e12).cast(pl.Int64)).alias("maybe"),
        word(4, 32).alias("code"),
        _money(number).alias("amount"),
        word(14, 32).str.zfill(32).str.slice(0, 32).str.decode("hex").alias("raw"),
    ]
    frame = pl.DataFrame({"id": pl.int_range(start, start + rows, eager=True)}).with_columns(
        (chance(5) * 50).cast(pl.Int32).alias("kind"),
        (chance(6) * 50_000).round(2).alias("price"),
        (1_700_000_000_000_000 + (chance(7) * 3e13).cast(pl.Int64))
        .cast(pl.Datetime("us"))
        .alias("seen_at"),
        (17_897 + (chance(8) * 2_000).cast(pl.Int32)).cast(pl.Date).alias("day"),
        (chance(9) < 0.3).alias("flag"),
        pl.lit(pl.Series(STATES)).gather((number * 7919 + number // 3) % 9).alias("state"),
        word(10, 18).alias("name"),
        *wide[: columns - 8],
    )
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    plain = {pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}
    fields = [field.with_type(plain.get(field.type, field.type)) for field in table.schema]
    return table.cast(pa.schema(fields)).combine_chunks()


def _money(number: pl.Expr) -> pl.Expr:
    """More digits than a float has."""
    whole = (number.hash(11) % 10**14).cast(pl.String)
    cents = (number.hash(12) % 10**4).cast(pl.String).str.zfill(4)
    text = whole + "." + cents
    return pl.when(number.hash(13) % 10 > 0).then(text.cast(pl.Decimal(18, 4)))
