"""Where a load lands on a server, and how that is set back to what it was: folders are copied."""

from __future__ import annotations

import threading
import zlib
from abc import abstractmethod
from pathlib import Path

import obstore
from tests.rigs import mssql, mysql, postgres, s3
from tests.servers import postgres as postgres_server
from tests.servers import s3 as s3_server

from hygge.testing.harness import StoreRig

HERE, TEMPLATE, KEPT = "", "_template", "_kept"
NOT_STAGING = ("_hygge_loads", "_hygge_leases")


class Place(StoreRig):
    """One schema of a server. Its copies lie beside it; `settle` waits for those who died."""

    url: str
    prefix: str
    """What a table's name begins with in the flow's settings."""

    @abstractmethod
    def make(self) -> None:
        """Make it anew, empty."""

    @abstractmethod
    def copy(self, source: str, target: str) -> None:
        """Make one of HERE, TEMPLATE and KEPT what another is."""

    @abstractmethod
    def settle(self) -> None:
        """Wait until the server, too, knows that a killed process has gone."""

    @abstractmethod
    def leases(self) -> list[str]:
        """Who holds the table, by the notes that are there."""


def _name(folder: Path) -> str:
    return f"crash_{zlib.crc32(str(folder).encode()):08x}"


class PostgresPlace(postgres.PostgresStoreRig, Place):
    """Each workshop comes as a user of its own: so its sessions are known."""

    def __init__(self, tmp: Path) -> None:
        self.schema = _name(tmp)
        self.url = postgres_server.url().replace("//hygge@", f"//{self.schema}@")
        self.prefix = f"{self.schema}."

    def make(self) -> None:
        who = postgres.ask("select 1 from pg_roles where rolname = $1", self.schema)
        if not who:
            postgres.ask(f"create role {self.schema} login superuser")
        self._empty(HERE)

    def _empty(self, which: str) -> None:
        postgres.ask(f"drop schema if exists {self.schema}{which} cascade")
        postgres.ask(f"create schema {self.schema}{which}")

    def copy(self, source: str, target: str) -> None:
        self.settle()
        self._empty(target)
        one, two = self.schema + source, self.schema + target
        sql = "select table_name from information_schema.tables where table_schema = $1"
        for (name,) in postgres.ask(sql, one):
            postgres.ask(f"create table {two}.{name} (like {one}.{name} including all)")
            postgres.ask(f"insert into {two}.{name} select * from {one}.{name} order by ctid")

    def settle(self) -> None:
        while postgres.ask("select 1 from pg_stat_activity where usename = $1", self.schema):
            pass

    def leftovers(self) -> list[str]:
        return [n for n in self.tables() if n.startswith("_hygge_") and n not in NOT_STAGING]

    def leases(self) -> list[str]:
        return [
            str(row[0]) for row in postgres.ask(f"select note from {self.schema}._hygge_leases")
        ]


class MysqlPlace(mysql.MysqlStoreRig, Place):
    def __init__(self, tmp: Path) -> None:
        self.database = _name(tmp)
        self.url, self.prefix = mysql.url(self.database), ""

    def make(self) -> None:
        self._empty(HERE)

    def _empty(self, which: str) -> None:
        mysql.ask(None, f"drop database if exists {self.database}{which}")
        mysql.ask(None, f"create database {self.database}{which}")

    def copy(self, source: str, target: str) -> None:
        self.settle()
        self._empty(target)
        one, two = self.database + source, self.database + target
        for (name,) in mysql.ask(one, "show tables"):
            mysql.ask(two, f"create table {name} like {one}.{name}")
            mysql.ask(two, f"insert into {name} select * from {one}.{name}")

    def settle(self) -> None:
        sql = "select 1 from information_schema.processlist where db = %s"
        while mysql.ask(None, sql, self.database):
            pass

    def leftovers(self) -> list[str]:
        return [n for n in self.tables() if n.startswith("_hygge_") and n not in NOT_STAGING]

    def leases(self) -> list[str]:
        return [str(row[0]) for row in mysql.ask(self.database, "select note from _hygge_leases")]


class MssqlPlace(mssql.MssqlStoreRig, Place):
    """A database of its own: so its sessions are known. Copies are schemas in it."""

    def __init__(self, tmp: Path) -> None:
        self.database, self.schema, self.prefix = _name(tmp), "dbo", ""
        self.url = mssql.url(self.database)

    def make(self) -> None:
        mssql.ask(f"drop database if exists {self.database}")
        mssql.ask(f"create database {self.database}")
        for which in (TEMPLATE, KEPT):
            mssql.ask(f"create schema {_schema(which)}", database=self.database)

    def copy(self, source: str, target: str) -> None:
        self.settle()
        one, two = _schema(source), _schema(target)
        for name in self._names(two):
            mssql.ask(f"drop table {two}.{name}", database=self.database)
        for name in self._names(one):
            made = mssql.definition(self.database, one, name)
            mssql.ask(f"create table {two}.{name} ({made})", database=self.database)
            copied = f"insert into {two}.{name} select * from {one}.{name}"
            mssql.ask(copied, database=self.database)

    def _names(self, schema: str) -> list[str]:
        sql = "select table_name from information_schema.tables where table_schema = ?"
        return [str(row[0]) for row in mssql.ask(sql, schema, database=self.database)]

    def settle(self) -> None:
        sql = "select 1 from sys.dm_exec_sessions where database_id = db_id(?)"
        while mssql.ask(sql, self.database):
            pass

    def leftovers(self) -> list[str]:
        return [n for n in self.tables() if n.startswith("_hygge_") and n not in NOT_STAGING]

    def leases(self) -> list[str]:
        found = mssql.ask("select note from _hygge_leases", database=self.database)
        return [str(row[0]) for row in found]


def _schema(which: str) -> str:
    return f"s{which}" if which else "dbo"


class S3Place(s3.S3FolderRig, Place):
    """A bucket. Copies lie beside `raw`, below their own names."""

    def __init__(self, tmp: Path) -> None:
        super().__init__(tmp)
        self.url, self.prefix = s3_server.url(), f"s3://{self.bucket}/raw/"

    def make(self) -> None:
        self._empty("raw")

    def _empty(self, folder: str) -> None:
        for name in self.objects(folder):
            obstore.delete(self.eyes, name)

    def copy(self, source: str, target: str) -> None:
        one, two = f"raw{source}", f"raw{target}"
        self._empty(two)
        for name in self.objects(one):
            obstore.copy(self.eyes, name, f"{two}/{name.removeprefix(f'{one}/')}")

    def settle(self) -> None:
        """A request that was cut off was answered, or never was one."""

    def leases(self) -> list[str]:
        return [data.decode() for data in self.objects("raw/_hygge/leases").values()]


_KINDS: dict[str, type[Place]] = {
    "postgres": PostgresPlace,
    "mysql": MysqlPlace,
    "mssql": MssqlPlace,
    "s3": S3Place,
}
_ASKING = threading.Lock()


def place_of(layout: str, folder: Path) -> Place | None:
    """A place on a server, which is started with the first; None where folders are enough."""
    with _ASKING:
        return _KINDS[layout](folder) if layout in _KINDS else None
