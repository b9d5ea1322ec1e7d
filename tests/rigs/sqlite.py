"""Rigs for SQLite. Their other reader is the plain driver, which knows nothing of hygge.

It looks at a store's file while a load has it open, so it is of the same SQLite as the store's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import adbc_driver_sqlite.dbapi as adbc
import polars as pl

from hygge.core.home import HomeConfig
from hygge.core.store import StagedPart, StoreConfig
from hygge.databases.sqlite_types import declared
from hygge.flow.factory import NoConnections
from hygge.homes.sql import SqlHome
from hygge.homes.sql_config import SqlHomeConfig
from hygge.stores.sql import SqlStore, SqlStoreConfig
from hygge.testing.harness import Harm, HomeRig, Row, StoreRig

PARTS = {"partition_by": "id", "partitions": 3}
MADE = {"date": date.fromisoformat, "timestamptz": datetime.fromisoformat}


class SqliteStoreRig(StoreRig):
    harms = frozenset({Harm.LOSE, Harm.TRUNCATE})  # a second row gets a number of its own

    def __init__(self, tmp: Path) -> None:
        self.file = tmp / "shop.db"

    def store(self) -> SqlStore:
        config = StoreConfig.create({"type": "sqlite", "path": str(self.file), "table": "people"})
        assert isinstance(config, SqlStoreConfig)
        return SqlStore.build(config, NoConnections())

    def ask(self, sql: str, *values: Any) -> list[Row]:
        with adbc.connect(f"file:{self.file}", autocommit=True) as db, db.cursor() as cursor:
            cursor.execute(sql, values or None)
            return [tuple(row) for row in cursor.fetchall()]

    def look(self) -> list[Row] | None:
        columns = self.ask("select name, type from pragma_table_info('people')")
        if not columns:
            return None
        made = [MADE.get(kind, lambda value: value) for _, kind in columns]
        rows = self.ask("select * from people order by rowid")
        return [
            tuple(None if v is None else make(v) for make, v in zip(made, row, strict=True))
            for row in rows
        ]

    def leftovers(self) -> Sequence[str]:
        sql = "select name from sqlite_master where type = 'table' and name glob '_hygge_[0-9a-f]*'"
        names = [str(name) for (name,) in self.ask(sql)]
        return [name for name in names if len(name) == len("_hygge_") + 24]

    def spoil(self, harm: Harm, part: StagedPart) -> None:
        table = f"_hygge_{part.load_id}"
        first, last = part.pieces[0].name.split("-")
        if harm is Harm.TRUNCATE:
            first = last
        self.ask(f"delete from {table} where rowid between {first} and {last}")


class SqliteHomeRig(HomeRig):
    """Values lie as other programs write them: ISO texts, with a space and without digits."""

    def __init__(self, tmp: Path) -> None:
        self.file = tmp / "source.db"

    def home(self) -> SqlHome:
        return self._made("people")

    def missing(self) -> SqlHome:
        return self._made("nowhere")

    def _made(self, table: str) -> SqlHome:
        config = HomeConfig.create(
            {"type": "sqlite", "path": str(self.file), "table": table, **PARTS}
        )
        assert isinstance(config, SqlHomeConfig)
        return SqlHome.build(config, NoConnections())

    def give(self, *frames: pl.DataFrame) -> None:
        words = {pl.Int64(): "integer", pl.String(): "text", pl.Date(): "date"}
        columns = ", ".join(
            f'"{n}" {words.get(k) or declared(k)}' for n, k in frames[0].schema.items()
        )
        with closing(sqlite3.connect(self.file)) as db, db:
            db.execute("drop table if exists people")
            db.execute(f"create table people ({columns})")
            marks = ", ".join("?" * frames[0].width)
            for frame in frames:
                rows = [tuple(map(written, row)) for row in frame.rows()]
                db.executemany(f"insert into people values ({marks})", rows)


def written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return str(value) if isinstance(value, date | Decimal) else value


HOMES = [SqliteHomeRig]
STORES = [SqliteStoreRig]
