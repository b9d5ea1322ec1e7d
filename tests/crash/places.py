"""Where a load lands on a server, and how that is set back to what it was: folders are copied."""

from __future__ import annotations

import json
import shutil
import threading
import zlib
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import obstore
from tests.rigs import azure, gcs, mssql, mysql, postgres, s3
from tests.rigs.files import ParquetFolderRig
from tests.servers import gcs as gcs_server
from tests.servers import postgres as postgres_server
from tests.servers import s3 as s3_server
from tests.servers import sshd
from tests.servers.adls import shared as adls

from hygge.testing.harness import StoreRig

HERE, TEMPLATE, KEPT = "", "_template", "_kept"
APART = "apart"
"""A schema where rows are staged, in cases that stage them beside."""
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
        self.staging, self.options = self.schema, {}
        self.url = mssql.url(self.database)
        self._copied = dict[str, dict[str, tuple[str, list[str]]]]()

    def make(self) -> None:
        self._copied.clear()
        mssql.ask(f"drop database if exists {self.database}")
        mssql.ask(f"create database {self.database}")
        for which in (TEMPLATE, KEPT):
            for schema in (_schema(which), APART + which):
                mssql.ask(f"create schema {schema}", database=self.database)

    def copy(self, source: str, target: str) -> None:
        self.settle()
        self._copy(_schema(source), _schema(target), keep=target != HERE)
        self._copy(APART + source, APART + target, keep=target != HERE)

    def _copy(self, one: str, two: str, *, keep: bool) -> None:
        """`keep`: nobody else makes anything there, so what is there is known from now on."""
        tables = self._copied.get(one) or {name: self._made(one, name) for name in self._names(one)}
        if keep:
            self._copied[two] = tables
        steps = [f"drop table {two}.{name}" for name in self._names(two)]
        for name, (made, stores) in tables.items():
            steps.append(f"create table {two}.{name} ({made})")
            steps += [f"create clustered columnstore index {i} on {two}.{name}" for i in stores]
            steps.append(f"insert into {two}.{name} select * from {one}.{name}")
        with mssql.connected(self.database) as db, db.cursor() as cursor:
            for sql in steps:
                cursor.execute(sql)

    def _made(self, schema: str, name: str) -> tuple[str, list[str]]:
        """How a table is defined, and its column stores."""
        stores = mssql.ask(_COLUMN_STORES, f"{schema}.{name}", database=self.database)
        return mssql.definition(self.database, schema, name), [str(row[0]) for row in stores]

    def _names(self, schema: str) -> list[str]:
        sql = "select table_name from information_schema.tables where table_schema = ?"
        return [str(row[0]) for row in mssql.ask(sql, schema, database=self.database)]

    def settle(self) -> None:
        sql = "select 1 from sys.dm_exec_sessions where database_id = db_id(?)"
        while mssql.ask(sql, self.database):
            pass

    def leftovers(self) -> list[str]:
        found = [*self.tables(), *self._names(APART)]
        return [n for n in found if n.startswith("_hygge_") and n not in NOT_STAGING]

    def leases(self) -> list[str]:
        found = mssql.ask("select note from _hygge_leases", database=self.database)
        return [str(row[0]) for row in found]


_COLUMN_STORES = "select name from sys.indexes where object_id = object_id(?) and type = 5"


class SftpPlace(ParquetFolderRig, Place):
    """A server of its own, which shows this disk: so all that is copied are folders."""

    def __init__(self, tmp: Path) -> None:
        super().__init__(tmp)
        self.server, self.prefix = sshd.server(str(tmp)), ""
        self.url = json.dumps(self.server.settings())

    def make(self) -> None:
        return None

    def copy(self, source: str, target: str) -> None:
        return None

    def settle(self) -> None:
        self.server.settle()

    def leases(self) -> list[str]:
        return []


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


class GcsPlace(S3Place):
    def __init__(self, tmp: Path) -> None:
        self.tmp, self.bucket = tmp, gcs_server.new_bucket()
        self.url = json.dumps({"type": "gcs", **gcs_server.settings(self.bucket)})
        self.prefix = "raw/"

    eyes = gcs.VersionedGcsRig.eyes


class AdlsPlace(azure.AdlsFolderRig, Place):
    """A container with directories. Copies lie beside `raw`, made on the server's own disk."""

    def connect(self, settings: Mapping[str, Any]) -> None:
        super().connect(settings)
        self.url = json.dumps(dict(self.connections.settings("lake")))
        self.prefix = self.place.removesuffix("people")

    def make(self) -> None:
        shutil.rmtree(self._folder(HERE), ignore_errors=True)

    def _folder(self, which: str) -> Path:
        return adls.folder() / self.account / self.bucket / (self.below or "") / f"raw{which}"

    def copy(self, source: str, target: str) -> None:
        shutil.rmtree(self._folder(target), ignore_errors=True)
        if self._folder(source).exists():
            shutil.copytree(self._folder(source), self._folder(target))

    def settle(self) -> None:
        """A request that was cut off was answered, or never was one."""

    def leases(self) -> list[str]:
        return [data.decode() for data in self.objects("raw/_hygge/leases").values()]


class FlatPlace(AdlsPlace):
    account, kind = azure.FlatAzureRig.account, azure.FlatAzureRig.kind

    def _folder(self, which: str) -> Path:
        return super()._folder(f"{which}~d")  # as the server keeps what no folder is


class OneLakePlace(azure.OneLakeRig, AdlsPlace):
    """The files of a lakehouse."""


_KINDS: dict[str, type[Place]] = {
    "postgres": PostgresPlace,
    "mysql": MysqlPlace,
    "mssql": MssqlPlace,
    "sftp": SftpPlace,
    "s3": S3Place,
    "gcs": GcsPlace,
    "adls": AdlsPlace,
    "azure_blob": FlatPlace,
    "onelake": OneLakePlace,
}
_ASKING = threading.Lock()


def place_of(layout: str, folder: Path) -> Place | None:
    """A place on a server, which is started with the first; None where folders are enough."""
    with _ASKING:
        return _KINDS[layout](folder) if layout in _KINDS else None
