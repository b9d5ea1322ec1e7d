"""Rigs for SQL Server. Their other reader is its driver, row by row."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mssql_python
import polars as pl
from tests.servers import mssql

from hygge.core.home import HomeConfig
from hygge.core.store import StagedPart, StoreConfig
from hygge.databases.database import Table
from hygge.databases.mssql_types import declared
from hygge.databases.mssql_words import bracketed
from hygge.flow.factory import NoConnections
from hygge.homes.sql import SqlHome
from hygge.homes.sql_config import SqlHomeConfig
from hygge.stores.sql import SqlStore, SqlStoreConfig
from hygge.testing.harness import Harm, HomeRig, Row, StoreRig

PARTS = {"partition_by": "id", "partitions": 3}


def connected(database: str = "master") -> Any:
    mssql_python.pooling(enabled=False)
    return mssql_python.connect(mssql.connection_text(Database=database), autocommit=True)


def ask(sql: str, *values: Any, database: str = "master") -> list[Row]:
    with connected(database) as db, db.cursor() as cursor:
        cursor.execute(sql, *values)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def url(database: str = "master") -> str:
    where = urlsplit(mssql.url())._replace(path=f"/{database}")
    return f"{where.geturl()}?trust_server_certificate=yes&encrypt=no"


def definition(database: str, schema: str, table: str) -> str:
    """The columns of a table and its primary key, as they are declared."""
    session = SqlStore.build(
        SqlStoreConfig(type="mssql", connection=url(database), table="x"), NoConnections()
    ).database.connect()
    with closing(session):
        place = Table(table, schema)
        words = [
            f"{bracketed(field.column.name)} {field.native}"
            f"{'' if field.column.nullable else ' not'} null"
            for field in session.fields(place)
        ]
        keys = ", ".join(map(bracketed, session.keys(place)))
        found = session.rows(
            "select type_desc from sys.indexes where object_id = object_id(?) "
            "and is_primary_key = 1",
            f"{bracketed(schema)}.{bracketed(table)}",
        )
    return ", ".join([*words, *(f"primary key {kind} ({keys})" for (kind,) in found)])


def own_schema() -> str:
    name = f"s_{secrets.token_hex(6)}"
    ask(f"create schema {name}")
    return name


class MssqlHomeRig(HomeRig):
    def __init__(self, tmp: Path) -> None:
        self.schema = own_schema()

    def home(self) -> SqlHome:
        return self._made("people")

    def missing(self) -> SqlHome:
        return self._made("nowhere")

    def _made(self, table: str) -> SqlHome:
        place = {"connection": url(), "table": f"{self.schema}.{table}"}
        config = HomeConfig.create({"type": "mssql", **place, **PARTS})
        assert isinstance(config, SqlHomeConfig)
        return SqlHome.build(config, NoConnections())

    def give(self, *frames: pl.DataFrame) -> None:
        columns = ", ".join(f"{bracketed(n)} {declared(k)}" for n, k in frames[0].schema.items())
        marks = ", ".join("?" * frames[0].width)
        with connected() as db, db.cursor() as cursor:
            cursor.execute(f"drop table if exists {self.schema}.people")
            cursor.execute(f"create table {self.schema}.people ({columns})")
            for row in (row for frame in frames for row in frame.rows()):
                cursor.execute(f"insert into {self.schema}.people values ({marks})", *row)


class MssqlStoreRig(StoreRig):
    harms = frozenset({Harm.LOSE, Harm.TRUNCATE, Harm.DOUBLE})

    def __init__(self, tmp: Path) -> None:
        self.schema = self.staging = own_schema()
        self.options: dict[str, Any] = {}

    def store(self) -> SqlStore:
        place = {"connection": url(), "table": f"{self.schema}.people"}
        config = StoreConfig.create({"type": "mssql", **place, **self.options})
        assert isinstance(config, SqlStoreConfig)
        return SqlStore.build(config, NoConnections())

    database = "master"

    def ask(self, sql: str, *values: Any) -> list[Row]:
        return ask(sql, *values, database=self.database)

    def tables(self, schema: str | None = None) -> list[str]:
        sql = "select table_name from information_schema.tables where table_schema = ?"
        return [str(row[0]) for row in self.ask(sql, schema or self.schema)]

    def look(self) -> list[Row] | None:
        if "people" not in self.tables():
            return None
        return self.ask(f"select * from {self.schema}.people")

    def leftovers(self) -> Sequence[str]:
        found = {name for schema in (self.schema, self.staging) for name in self.tables(schema)}
        return [n for n in sorted(found) if n.startswith("_hygge_") and len(n) == 31]

    def spoil(self, harm: Harm, part: StagedPart) -> None:
        table, tag = f"{self.staging}._hygge_{part.load_id}", part.pieces[0].name
        last = f"_hygge_row = (select max(_hygge_row) from {table} where _hygge_part = ?)"
        match harm:
            case Harm.LOSE:
                self.ask(f"delete from {table} where _hygge_part = ?", tag)
            case Harm.TRUNCATE:
                self.ask(f"delete from {table} where {last} and _hygge_part = ?", tag, tag)
            case Harm.DOUBLE:
                self.ask(f"insert into {table} select * from {table} where _hygge_part = ?", tag)


class ColumnsRig(MssqlStoreRig):
    """A table of columns."""

    def __init__(self, tmp: Path) -> None:
        super().__init__(tmp)
        self.options = {"create": "columnstore"}


class SwapRig(MssqlStoreRig):
    """Each full load is another table."""

    def __init__(self, tmp: Path) -> None:
        super().__init__(tmp)
        self.options = {"swap": "rename"}


class ApartRig(MssqlStoreRig):
    """Rows are staged in a schema of their own."""

    def __init__(self, tmp: Path) -> None:
        super().__init__(tmp)
        self.staging = f"{self.schema}_apart"
        self.options = {"staging_schema": self.staging, "swap": "delete"}


HOMES = [MssqlHomeRig]
STORES = [MssqlStoreRig]
OPTIONS = [ColumnsRig, SwapRig, ApartRig]
"""Stores of SQL Server that are set otherwise."""
