"""Rigs for PostgreSQL. Their other reader is psycopg, row by row."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
from tests.servers import postgres

from hygge.core.home import HomeConfig
from hygge.core.store import StagedPart, StoreConfig
from hygge.databases.postgres_types import declared
from hygge.flow.factory import NoConnections
from hygge.homes.sql import SqlHome
from hygge.homes.sql_config import SqlHomeConfig
from hygge.stores.sql import SqlStore, SqlStoreConfig
from hygge.testing.harness import Harm, HomeRig, Row, StoreRig

PARTS = {"partition_by": "id", "partitions": 3}


def ask(sql: str, *values: Any) -> list[Row]:
    with psycopg.connect(
        postgres.url(), options="-c timezone=UTC", cursor_factory=psycopg.RawCursor
    ) as db:
        found = db.execute(sql.encode(), values or None)
        return found.fetchall() if found.description else []


class PostgresHomeRig(HomeRig):
    def __init__(self, tmp: Path) -> None:
        self.table = f"home_{secrets.token_hex(6)}"

    def home(self) -> SqlHome:
        return self._made(self.table)

    def missing(self) -> SqlHome:
        return self._made("nowhere")

    def _made(self, table: str) -> SqlHome:
        config = HomeConfig.create(
            {"type": "postgres", "connection": postgres.url(), "table": table, **PARTS}
        )
        assert isinstance(config, SqlHomeConfig)
        return SqlHome.build(config, NoConnections())

    def give(self, *frames: pl.DataFrame) -> None:
        columns = ", ".join(f'"{n}" {declared(k)}' for n, k in frames[0].schema.items())
        marks = ", ".join(f"${n + 1}" for n in range(frames[0].width))
        with psycopg.connect(postgres.url(), cursor_factory=psycopg.RawCursor) as db:
            db.execute(f"drop table if exists {self.table}".encode())
            db.execute(f"create table {self.table} ({columns})".encode())
            for frame in frames:
                sql = f"insert into {self.table} values ({marks})"
                db.cursor().executemany(sql.encode(), frame.rows())


class PostgresStoreRig(StoreRig):
    harms = frozenset({Harm.LOSE, Harm.TRUNCATE, Harm.DOUBLE})

    def __init__(self, tmp: Path) -> None:
        self.schema = f"store_{secrets.token_hex(6)}"
        ask(f"create schema {self.schema}")

    def store(self) -> SqlStore:
        config = StoreConfig.create(
            {
                "type": "postgres",
                "connection": postgres.url(),
                "table": f"{self.schema}.people",
            }
        )
        assert isinstance(config, SqlStoreConfig)
        return SqlStore.build(config, NoConnections())

    def tables(self) -> list[str]:
        sql = "select table_name from information_schema.tables where table_schema = $1"
        return [row[0] for row in ask(sql, self.schema)]

    def look(self) -> list[Row] | None:
        if "people" not in self.tables():
            return None
        return ask(f"select * from {self.schema}.people order by ctid")

    def leftovers(self) -> Sequence[str]:
        return [n for n in self.tables() if n.startswith("_hygge_") and len(n) == 31]

    def spoil(self, harm: Harm, part: StagedPart) -> None:
        table, tag = f"{self.schema}._hygge_{part.load_id}", part.pieces[0].name
        last = f"ctid = (select max(ctid) from {table} where _hygge_part = $1)"
        match harm:
            case Harm.LOSE:
                ask(f"delete from {table} where _hygge_part = $1", tag)
            case Harm.TRUNCATE:
                ask(f"delete from {table} where {last}", tag)
            case Harm.DOUBLE:
                ask(f"insert into {table} select * from {table} where _hygge_part = $1", tag)


HOMES = [PostgresHomeRig]
STORES = [PostgresStoreRig]
