"""Rigs for DuckDB: its own Python interface reads and writes, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hygge.core.home import HomeConfig
from hygge.core.store import StagedPart, StoreConfig
from hygge.flow.factory import NoConnections
from hygge.homes.sql import SqlHome
from hygge.homes.sql_config import SqlHomeConfig
from hygge.stores.sql import SqlStore, SqlStoreConfig
from hygge.testing.harness import Harm, HomeRig, Row, StoreRig

PARTS = {"partition_by": "id", "partitions": 3}
WORDS = {"String": "varchar", "Int64": "bigint", "Date": "date"}


class DuckdbHomeRig(HomeRig):
    def __init__(self, tmp: Path) -> None:
        self.file = tmp / "source.duckdb"

    def home(self) -> SqlHome:
        return self._made("people")

    def missing(self) -> SqlHome:
        return self._made("nowhere")

    def _made(self, table: str) -> SqlHome:
        config = HomeConfig.create(
            {"type": "duckdb", "path": str(self.file), "table": table, **PARTS}
        )
        assert isinstance(config, SqlHomeConfig)
        return SqlHome.build(config, NoConnections())

    def give(self, *frames: pl.DataFrame) -> None:
        columns = ", ".join(f'"{n}" {word(k)}' for n, k in frames[0].schema.items())
        with duckdb.connect(self.file) as db:
            db.execute("set timezone = 'UTC'")
            db.execute(f"create or replace table people ({columns})")
            marks = ", ".join("?" * frames[0].width)
            for row in (row for frame in frames for row in frame.rows()):
                db.execute(f"insert into people values ({marks})", row)


def word(kind: pl.DataType) -> str:
    match kind:
        case pl.Datetime():
            return "timestamptz" if kind.time_zone else "timestamp"
        case pl.Decimal():
            return f"decimal({kind.precision}, {kind.scale})"
    return WORDS[str(kind)]


class DuckdbStoreRig(StoreRig):
    harms = frozenset({Harm.LOSE, Harm.TRUNCATE, Harm.DOUBLE})

    def __init__(self, tmp: Path) -> None:
        self.file = tmp / "shop.db"

    def store(self) -> SqlStore:
        config = StoreConfig.create({"type": "duckdb", "path": str(self.file), "table": "people"})
        assert isinstance(config, SqlStoreConfig)
        return SqlStore.build(config, NoConnections())

    def ask(self, sql: str, *values: Any) -> list[Row]:
        with duckdb.connect(self.file) as db:
            db.execute("set timezone = 'UTC'")
            found = db.sql(sql, params=list(values))
            rows = found.to_arrow_table().to_pylist() if found is not None else []
            return [tuple(row.values()) for row in rows]

    def look(self) -> list[Row] | None:
        if not self.ask("select 1 from duckdb_tables() where table_name = 'people'"):
            return None
        return self.ask("select * from people order by rowid")

    def leftovers(self) -> Sequence[str]:
        names = [str(name) for (name,) in self.ask("select table_name from duckdb_tables()")]
        return [name for name in names if name.startswith("_hygge_") and len(name) == 31]

    def spoil(self, harm: Harm, part: StagedPart) -> None:
        table, tag = f"_hygge_{part.load_id}", part.pieces[0].name
        last = f"rowid = (select max(rowid) from {table} where _hygge_part = $1)"
        match harm:
            case Harm.LOSE:
                self.ask(f"delete from {table} where _hygge_part = ?", tag)
            case Harm.TRUNCATE:
                self.ask(f"delete from {table} where {last}", tag)
            case Harm.DOUBLE:
                self.ask(f"insert into {table} select * from {table} where _hygge_part = ?", tag)


HOMES = [DuckdbHomeRig]
STORES = [DuckdbStoreRig]
