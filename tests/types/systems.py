"""The four databases as these tests use them: a place of one's own in each, and its plain driver.

What lies in a database is put there, and looked at, by the driver that everybody uses, row by row.
"""

from __future__ import annotations

import secrets
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import psycopg
import pymysql
from tests.rigs import mssql as mssql_rig
from tests.servers import mysql, postgres

from hygge.core.home import HomeConfig
from hygge.core.store import StoreConfig
from hygge.databases.mssql_words import bracketed
from hygge.flow.factory import NoConnections
from hygge.homes.sql import SqlHome
from hygge.homes.sql_config import SqlHomeConfig
from hygge.stores.sql import SqlStore, SqlStoreConfig

Row = tuple[Any, ...]


def in_settings(table: str) -> str:
    """A table's name as a `table:` has it, whatever letters it is of."""
    return '"' + table.replace('"', '""') + '"'


class System(ABC):
    """One database; tables are named without a schema, and nobody else sees them."""

    name: ClassVar[str]

    @abstractmethod
    def __init__(self, tmp: Path) -> None: ...

    @abstractmethod
    def ask(self, sql: str) -> list[Row]:
        """One statement, and its rows if it gives any."""

    @abstractmethod
    def place(self, table: str) -> dict[str, Any]:
        """The settings that lead to a table of ours."""

    def quoted(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def made(self, table: str, columns: Sequence[tuple[str, str]], *rows: str) -> None:
        """A table of these columns (name, type), with rows of SQL literals."""
        told = ", ".join(f"{self.quoted(name)} {native}" for name, native in columns)
        self.ask(f"create table {self.quoted(table)} ({told})")
        for row in rows:
            self.ask(f"insert into {self.quoted(table)} values ({row})")

    def home(self, table: str = "t", **more: Any) -> SqlHome:
        place = self.place(table)
        if "query" in more:
            del place["table"]
        config = HomeConfig.create({"type": self.name, **place, **more})
        assert isinstance(config, SqlHomeConfig)
        return SqlHome.build(config, NoConnections())

    def store(self, table: str = "t", **more: Any) -> SqlStore:
        config = StoreConfig.create({"type": self.name, **self.place(table), **more})
        assert isinstance(config, SqlStoreConfig)
        return SqlStore.build(config, NoConnections())


class PostgresSystem(System):
    name = "postgres"

    def __init__(self, tmp: Path) -> None:
        self.schema = f"types_{secrets.token_hex(6)}"
        self.ask(f"create schema {self.schema}")

    def ask(self, sql: str) -> list[Row]:
        options = f"-c timezone=UTC -c search_path={self.schema}"
        with psycopg.connect(postgres.url(), options=options) as db:
            found = db.execute(sql.encode())
            return found.fetchall() if found.description else []

    def place(self, table: str) -> dict[str, Any]:
        return {"connection": postgres.url(), "table": f"{self.schema}.{in_settings(table)}"}


class MysqlSystem(System):
    name = "mysql"

    def __init__(self, tmp: Path) -> None:
        self.database = f"types_{secrets.token_hex(6)}"
        self._asked(None, f"create database {self.database} character set utf8mb4")

    def ask(self, sql: str) -> list[Row]:
        return self._asked(self.database, sql)

    def _asked(self, database: str | None, sql: str) -> list[Row]:
        host, port = mysql.address()
        connection: Any = pymysql.connect(
            host=host,
            port=port,
            user="root",
            database=database,
            autocommit=True,
            charset="utf8mb4",
            ssl_disabled=True,  # what it needs for TLS takes longer to load than all the rest
            init_command="set time_zone = '+00:00', sql_mode = ''",
        )
        with connection as db, db.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def place(self, table: str) -> dict[str, Any]:
        host, port = mysql.address()
        url = f"mysql://root@{host}:{port}/{self.database}"
        return {"connection": url, "table": in_settings(table)}

    def quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"


class SqliteSystem(System):
    name = "sqlite"

    def __init__(self, tmp: Path) -> None:
        self.file = tmp / f"{secrets.token_hex(4)}.db"

    def ask(self, sql: str) -> list[Row]:
        with closing(sqlite3.connect(self.file)) as db, db:
            return db.execute(sql).fetchall()

    def place(self, table: str) -> dict[str, Any]:
        return {"path": str(self.file), "table": in_settings(table)}


class DuckdbSystem(System):
    name = "duckdb"

    def __init__(self, tmp: Path) -> None:
        self.file = tmp / f"{secrets.token_hex(4)}.duckdb"

    def ask(self, sql: str) -> list[Row]:
        with duckdb.connect(self.file) as db:
            db.execute("set timezone = 'UTC'")
            return db.execute(sql).fetchall()

    def place(self, table: str) -> dict[str, Any]:
        return {"path": str(self.file), "table": in_settings(table)}


class MssqlSystem(System):
    name = "mssql"

    def __init__(self, tmp: Path) -> None:
        self.database = f"types_{secrets.token_hex(6)}"
        mssql_rig.ask(f"create database {self.database}")

    def ask(self, sql: str) -> list[Row]:
        return mssql_rig.ask(sql, database=self.database)

    def place(self, table: str) -> dict[str, Any]:
        return {"connection": mssql_rig.url(self.database), "table": in_settings(table)}

    def quoted(self, name: str) -> str:
        return bracketed(name)


SYSTEMS: tuple[type[System], ...] = (
    PostgresSystem,
    MysqlSystem,
    SqliteSystem,
    DuckdbSystem,
    MssqlSystem,
)
