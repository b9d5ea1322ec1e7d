"""The databases of the benchmark: each with a table to be read, and a place for one to be written.

PostgreSQL and MariaDB are the private servers of the tests; SQLite and DuckDB are files.
"""

from __future__ import annotations

import subprocess
import sys
from abc import ABC, abstractmethod
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.data import MSSQL_TABLE, SQL_TABLE, Dataset
from benchmarks.landing import TARGET, files_told

BARE = Path(__file__).with_name("bare_sql.py")
SOURCE = "source"


class Place(ABC):
    """One database. The folder of a run is where targets that are files lie."""

    kind: ClassVar[str]
    title: ClassVar[str]
    table: ClassVar[str] = "target"
    dataset: ClassVar[Dataset] = SQL_TABLE
    served = False

    def bare(self, verb: str, where: str, table: str, file: Path, like: Path) -> list[str]:
        """The command that does it with the best library alone."""
        words = (verb, self.kind, where, table, file, like)
        return [sys.executable, str(BARE), *map(str, words)]

    def filled(self, file: Path) -> str:
        """Where the source table is, which is made now if it is not there."""
        where, there = self._source(file)
        if not there:
            command = self.bare("write", where, SOURCE, file, file)
            subprocess.run(command, check=True)
            self._settle(where)
        return where

    @abstractmethod
    def _source(self, file: Path) -> tuple[str, bool]:
        """Where the source for this file is, or is to be; and whether it is."""

    def _settle(self, where: str) -> None:
        """What a database does with new rows is done now, and not while others are timed."""
        return

    @abstractmethod
    def target(self, folder: Path) -> str: ...

    @abstractmethod
    def ask(self, where: str, sql: str) -> list[tuple[Any, ...]]:
        """By the plainest driver."""

    def setting(self, where: str) -> str:
        """How hygge.yml says it."""
        return f"type: {self.kind}, connection: '{where}'"

    # a Landing

    def clear(self) -> None:
        """Files go with the folder of the run."""
        return

    def found(self, folder: Path, like: Path, *, whole: bool) -> dict[str, Any]:
        where = self.target(folder)
        if not whole:
            return {"rows": self.ask(where, f"select count(*) from {self.table}")[0][0]}
        back = folder / "back.parquet"
        told = subprocess.run(
            self.bare("read", where, self.table, back, like), capture_output=True, check=False
        )
        if told.returncode:
            return {"rows": f"unreadable: {told.stderr.decode().splitlines()[-1]}"}
        return files_told([back], like, whole=True)


class Postgres(Place):
    kind, title, table, served = "postgres", "PostgreSQL", "bench.target", True

    def __init__(self) -> None:
        self._filled: Path | None = None

    @property
    def url(self) -> str:
        from tests.servers import postgres

        return postgres.url()

    def _source(self, file: Path) -> tuple[str, bool]:
        there, self._filled = self._filled == file, file
        if not there:
            self.ask(self.url, f"drop table if exists {SOURCE}")
        return self.url, there

    def _settle(self, where: str) -> None:
        self.ask(where, f"vacuum analyze {SOURCE}")
        self.ask(where, "checkpoint")

    def target(self, folder: Path) -> str:
        return self.url

    def ask(self, where: str, sql: str) -> list[tuple[Any, ...]]:
        import psycopg

        with closing(psycopg.connect(where, autocommit=True)) as db:
            found = db.execute(sql.encode())
            return found.fetchall() if found.description else []

    def clear(self) -> None:
        for sql in ("drop schema if exists bench cascade", "create schema bench", "checkpoint"):
            self.ask(self.url, sql)


class Mysql(Place):
    kind, title, served = "mysql", "MariaDB", True

    def __init__(self) -> None:
        self._filled: Path | None = None

    def _url(self, database: str) -> str:
        from tests.servers import mysql

        host, port = mysql.address()
        return f"mysql://root@{host}:{port}/{database}"

    def _anew(self, database: str) -> None:
        self.ask(self._url(""), f"drop database if exists {database}")
        self.ask(self._url(""), f"create database {database}")

    def _source(self, file: Path) -> tuple[str, bool]:
        there, self._filled = self._filled == file, file
        if not there:
            self._anew("home")
        return self._url("home"), there

    def target(self, folder: Path) -> str:
        return self._url("bench")

    def ask(self, where: str, sql: str) -> list[tuple[Any, ...]]:
        from urllib.parse import urlsplit

        import pymysql

        url = urlsplit(where)
        database = url.path.lstrip("/") or None
        host, port = url.hostname or "", url.port or 3306
        opened = pymysql.connect(host=host, port=port, user="root", database=database)
        with closing(opened) as db, db.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def clear(self) -> None:
        self._anew("bench")


class Mssql(Place):
    """The test server of SQL Server's protocol: it tells what we add to the driver, and nothing of
    SQL Server's own speed."""

    kind, title, served = "mssql", "SQL Server's test server", True
    dataset = MSSQL_TABLE

    def __init__(self) -> None:
        self._filled: Path | None = None

    def _url(self, database: str) -> str:
        from tests.servers import mssql

        where = mssql.url().rpartition("/")[0]
        return f"{where}/{database}?trust_server_certificate=yes&encrypt=no"

    def _anew(self, database: str) -> None:
        self.ask(self._url("master"), f"drop database if exists {database}")
        self.ask(self._url("master"), f"create database {database}")

    def _source(self, file: Path) -> tuple[str, bool]:
        there, self._filled = self._filled == file, file
        if not there:
            self._anew("home")
        return self._url("home"), there

    def target(self, folder: Path) -> str:
        return self._url("bench")

    def ask(self, where: str, sql: str) -> list[tuple[Any, ...]]:
        from benchmarks.bare_sql import Mssql as Bare

        bare = Bare(where)
        with closing(bare.db), bare.cursor() as cursor:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def clear(self) -> None:
        self._anew("bench")


class InFile(Place):
    """A database that is a file: the source beside the data set, the target in the run's folder."""

    suffix: ClassVar[str]

    def _source(self, file: Path) -> tuple[str, bool]:
        whole = file.with_suffix(self.suffix)
        return str(whole), whole.exists()

    def filled(self, file: Path) -> str:
        where, there = self._source(file)
        if not there:
            begun = file.with_suffix(f".begun{self.suffix}")
            begun.unlink(missing_ok=True)
            subprocess.run(self.bare("write", str(begun), SOURCE, file, file), check=True)
            begun.rename(where)
        return where

    def target(self, folder: Path) -> str:
        (folder / TARGET).mkdir(exist_ok=True)
        return str(folder / TARGET / f"target{self.suffix}")

    def setting(self, where: str) -> str:
        return f"type: {self.kind}, path: '{where}'"


class Sqlite(InFile):
    kind, title, suffix = "sqlite", "SQLite", ".db"

    def ask(self, where: str, sql: str) -> list[tuple[Any, ...]]:
        import sqlite3

        with closing(sqlite3.connect(where)) as db:
            return db.execute(sql).fetchall()


class Duckdb(InFile):
    kind, title, suffix = "duckdb", "DuckDB", ".duckdb"

    def ask(self, where: str, sql: str) -> list[tuple[Any, ...]]:
        import duckdb

        with closing(duckdb.connect(where, read_only=True)) as db:
            return db.execute(sql).fetchall()


@cache
def places() -> tuple[Place, ...]:
    return Postgres(), Mysql(), Sqlite(), Duckdb()
