"""Rigs for MySQL and MariaDB. Their other reader is PyMySQL with its own converters."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pymysql
import pytest
from tests.servers import mysql

from hygge.core.errors import StoreError, Unsupported
from hygge.core.home import HomeConfig
from hygge.core.store import StagedPart, StoreConfig
from hygge.databases.mysql_types import declared
from hygge.flow.factory import NoConnections
from hygge.homes.sql import SqlHome
from hygge.homes.sql_config import SqlHomeConfig
from hygge.stores.sql import SqlStore, SqlStoreConfig
from hygge.stores.sql_table import SqlTable
from hygge.testing.harness import Harm, HomeRig, Row, StoreRig

PARTS = {"partition_by": "id", "partitions": 3}


def connected(database: str | None = None) -> Any:
    host, port = mysql.address()
    return pymysql.connect(
        host=host,
        port=port,
        user="root",
        database=database,
        autocommit=True,
        charset="utf8mb4",
        ssl_disabled=True,  # what it needs for TLS takes longer to load than all the rest
        init_command="set time_zone = '+00:00'",
    )


def ask(database: str | None, sql: str, *values: Any) -> list[Row]:
    with connected(database) as db, db.cursor() as cursor:
        cursor.execute(sql, values or None)
        return list(cursor.fetchall())


def url(database: str) -> str:
    host, port = mysql.address()
    return f"mysql://root@{host}:{port}/{database}"


def not_renamed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next table that is to take another's place fails to."""
    once, plain = [True], SqlTable.replaced_by

    def fail(self: SqlTable, successor: SqlTable, old: SqlTable, *, away: bool) -> None:
        if once.pop() if once else False:
            raise StoreError("somebody reads it")
        plain(self, successor, old, away=away)

    monkeypatch.setattr(SqlTable, "replaced_by", fail)


class MysqlHomeRig(HomeRig):
    def __init__(self, tmp: Path) -> None:
        self.database = f"home_{secrets.token_hex(6)}"
        ask(None, f"create database {self.database}")

    def home(self) -> SqlHome:
        return self._made("people")

    def missing(self) -> SqlHome:
        return self._made("nowhere")

    def _made(self, table: str) -> SqlHome:
        config = HomeConfig.create(
            {"type": "mysql", "connection": url(self.database), "table": table, **PARTS}
        )
        assert isinstance(config, SqlHomeConfig)
        return SqlHome.build(config, NoConnections())

    def give(self, *frames: pl.DataFrame) -> None:
        columns = ", ".join(f"`{n}` {word(k)}" for n, k in frames[0].schema.items())
        marks = ", ".join(["%s"] * frames[0].width)
        with connected(self.database) as db, db.cursor() as cursor:
            cursor.execute("drop table if exists people")
            cursor.execute(f"create table people ({columns}) default charset utf8mb4")
            for frame in frames:
                refuse_early(frame)
                cursor.executemany(f"insert into people values ({marks})", frame.rows())


def refuse_early(frame: pl.DataFrame) -> None:
    """A timestamp begins in 1970."""
    for values in frame:
        if isinstance(values.dtype, pl.Datetime) and (values.dt.year() < 1970).any():
            raise Unsupported("MySQL's timestamp begins in 1970")


def word(kind: pl.DataType) -> str:
    zoned = isinstance(kind, pl.Datetime) and kind.time_zone is not None
    return "timestamp(6) null" if zoned else declared(kind)


class MysqlStoreRig(StoreRig):
    harms = frozenset({Harm.LOSE, Harm.TRUNCATE, Harm.DOUBLE})

    def __init__(self, tmp: Path) -> None:
        self.database = f"store_{secrets.token_hex(6)}"
        ask(None, f"create database {self.database}")

    def store(self) -> SqlStore:
        config = StoreConfig.create(
            {"type": "mysql", "connection": url(self.database), "table": "people"}
        )
        assert isinstance(config, SqlStoreConfig)
        return SqlStore.build(config, NoConnections())

    def tables(self) -> list[str]:
        return [str(row[0]) for row in ask(self.database, "show tables")]

    def look(self) -> list[Row] | None:
        if "people" not in self.tables():
            return None
        return [tuple(map(seen, row)) for row in ask(self.database, "select * from people")]

    def leftovers(self) -> Sequence[str]:
        return [n for n in self.tables() if n.startswith("_hygge_") and len(n) == 31]

    def spoil(self, harm: Harm, part: StagedPart) -> None:
        table, tag = f"_hygge_{part.load_id}", part.pieces[0].name
        match harm:
            case Harm.LOSE:
                ask(self.database, f"delete from {table} where _hygge_part = %s", tag)
            case Harm.TRUNCATE:
                sql = f"delete from {table} where _hygge_part = %s order by _hygge_row desc limit 1"
                ask(self.database, sql, tag)
            case Harm.DOUBLE:
                sql = f"insert into {table} select * from {table} where _hygge_part = %s"
                ask(self.database, sql, tag)


def seen(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


HOMES = [MysqlHomeRig]
STORES = [MysqlStoreRig]
