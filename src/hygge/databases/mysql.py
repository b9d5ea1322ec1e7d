"""MySQL and MariaDB: rows are read from an unbuffered cursor, and written by LOAD DATA."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, ClassVar, cast
from urllib.parse import unquote, urlsplit

import polars as pl
import pymysql
from pydantic import Field as Setting
from pydantic import SecretStr
from pymysql.cursors import SSCursor

from hygge.core.config import Settings
from hygge.core.errors import (
    FlowBusy,
    HyggeError,
    Unsupported,
)
from hygge.core.schema import Column
from hygge.core.types import parse_type
from hygge.core.watermark import Watermark
from hygge.databases.database import Database, Field, Session, Table, Writer
from hygge.databases.mysql_errors import refuse_changes, told
from hygge.databases.mysql_status import writing
from hygge.databases.mysql_types import declared, lines, literal, readable

_ROWS = 16_384
_WIDTH = re.compile(r"int\(\d+\)")


class MysqlSettings(Settings):
    """How to get in. A `url` says it all; the others are its parts."""

    url: SecretStr | None = Setting(default=None, description="mysql://user:password@host/db")
    host: str = Setting(default="localhost", description="Where the server listens")
    port: int = Setting(default=3306, ge=1, le=65535, description="On which port")
    user: str | None = Setting(default=None, description="Who we are")
    password: SecretStr | None = Setting(default=None, description="Best from ${VARIABLE}")
    dbname: str | None = Setting(default=None, description="Which database of the server")
    tls: bool = Setting(default=False, description="Encrypt, and see that it is the right server")
    ca: str | None = Setting(default=None, description="Who vouches for the server, for `tls`")
    lock_seconds: int = Setting(default=60, gt=0, description="How long to wait for a lock")
    connect_seconds: int = Setting(default=15, gt=0, description="How long to wait for the server")

    def parts(self) -> dict[str, Any]:
        """What the driver wants to know, the password with it."""
        if self.url is None:
            told = self.password.get_secret_value() if self.password else ""
            return {
                "host": self.host,
                "port": self.port,
                "user": self.user,
                "password": told,
                "database": self.dbname,
            }
        url = urlsplit(self.url.get_secret_value())
        return {
            "host": url.hostname or "localhost",
            "port": url.port or 3306,
            "user": unquote(url.username or "") or None,
            "password": unquote(url.password or ""),
            "database": unquote(url.path.lstrip("/")) or None,
        }


class Mysql(Database):
    """A table is published by statements of one InnoDB transaction, at its turn by GET_LOCK."""

    name = "mysql"
    Settings: ClassVar[type[Settings]] = MysqlSettings
    ddl_in_transactions = False
    table_options = " engine=InnoDB default charset=utf8mb4 collate=utf8mb4_bin"
    settings: MysqlSettings

    @property
    def identity(self) -> str:
        parts = self.settings.parts()
        return f"mysql://{parts['host']}:{parts['port']}/{parts['database'] or ''}"

    def connect(self, *, write: bool = False) -> Session:
        return MysqlSession(self.settings)

    def quoted(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def mark(self, number: int) -> str:
        return "%s"

    def native(self, kind: pl.DataType) -> str:
        return declared(kind)

    def plain(self, native: str) -> str:
        return _WIDTH.sub("int", native.lower())

    def updating(self, target: str, sets: Sequence[str], rows: str, same: str) -> str:
        pairs = ", ".join(f"{target}.{name} = w.{name}" for name in sets)
        return f"update {target} join ({rows}) w on {same} set {pairs}"

    def compared(self, column: str, kind: pl.DataType) -> str:
        """Texts by their bytes, as we order them; the column's collation may differ."""
        return f"cast({column} as binary)" if kind == pl.String() else column

    def narrowed(self, mark: Watermark, sign: str, column: str, place: str) -> tuple[str, Any]:
        kind = parse_type(mark.type)
        return f"{self.compared(column, kind)} {sign}= {literal(mark.value)}", None


class MysqlSession(Session):
    """One connection; another for reading rows in bulk, which keeps it busy to their end."""

    def __init__(self, settings: MysqlSettings) -> None:
        self._settings = settings
        self._db = self._connected()
        self._reader = cast(Any, None)

    def _connected(self, **more: Any) -> Any:
        settings = self._settings
        tls: dict[str, Any] = {}
        if settings.tls:
            tls = {"ssl_ca": settings.ca, "ssl_verify_cert": True, "ssl_verify_identity": True}
        with told():
            return pymysql.connect(
                **settings.parts(),
                **tls,
                **more,
                charset="utf8mb4",
                autocommit=True,
                local_infile=True,
                connect_timeout=settings.connect_seconds,
                init_command=(
                    "set time_zone = '+00:00', innodb_lock_wait_timeout = "
                    f"{settings.lock_seconds}, lock_wait_timeout = {settings.lock_seconds}, "
                    "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,"
                    "ERROR_FOR_DIVISION_BY_ZERO'"
                ),
            )

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with told(), self._db.cursor() as cursor:
            cursor.execute(sql, values or None)
            return list(cursor.fetchall())

    def change(self, sql: str, *values: Any) -> None:
        with told(), self._db.cursor() as cursor:
            cursor.execute(sql, values or None)

    @contextmanager
    def transaction(self, about: Table | None = None) -> Iterator[None]:
        name = f"hygge-{zlib.crc32(str(about).encode()):08x}"
        if about is not None and self._locked(name) != 1:
            raise FlowBusy(f"{about} is being published by another run", hint="run again later")
        try:
            self.change("start transaction")
            yield
            self.change("commit")
        except BaseException:
            with suppress(pymysql.Error):  # the connection may be gone, and the rows with it
                self._db.rollback()
            raise
        finally:
            if about is not None:
                with suppress(HyggeError):  # it goes with the connection
                    self.change("do release_lock(%s)", name)

    def _locked(self, name: str) -> Any:
        return self.rows("select get_lock(%s, %s)", name, self._settings.lock_seconds)[0][0]

    # what is there

    def fields(self, table: Table) -> list[Field]:
        found = self.rows(
            "select column_name, column_type, is_nullable from information_schema.columns "
            "where table_name = %s and table_schema = coalesce(%s, database()) "
            "order by ordinal_position",
            *(table.name, table.schema),
        )
        return [_field(name, native, null == "YES") for name, native, null in found]

    def described(self, query: str) -> list[Field]:
        """By a temporary table of no rows, which has the result's own types."""
        self.change("drop temporary table if exists _hygge_described")
        self.change(f"create temporary table _hygge_described select * from ({query}\n) q limit 0")
        found = self.rows("show columns from _hygge_described")
        self.change("drop temporary table _hygge_described")
        return [_field(name, str(native), null == "YES") for name, native, null, *_ in found]

    def keys(self, table: Table) -> tuple[str, ...]:
        found = self.rows(
            "select column_name from information_schema.key_column_usage "
            "where constraint_name = 'PRIMARY' and table_name = %s "
            "and table_schema = coalesce(%s, database()) order by ordinal_position",
            *(table.name, table.schema),
        )
        return tuple(row[0] for row in found)

    # what others do

    def clock(self) -> tuple[datetime, datetime]:
        utc, local = self.rows(
            "select utc_timestamp(6), convert_tz(utc_timestamp(6), '+00:00', 'SYSTEM')"
        )[0]
        return utc.replace(tzinfo=UTC), local

    def writers(self) -> list[Writer]:
        now, _ = self.clock()  # before, for ages are counted from then on
        try:
            status = str(self.rows("show engine innodb status")[0][2])
        except HyggeError as failed:
            raise Unsupported(f"who writes is not told: {failed.what}") from failed
        return writing(status, now)

    # rows in bulk

    def batches(
        self, sql: str, values: Sequence[Any], fields: Sequence[Field]
    ) -> Generator[pl.DataFrame, None, None]:
        names = [field.column.name for field in fields]
        self._reader = self._connected(conv={}, cursorclass=SSCursor)
        with told(), self._reader.cursor() as cursor:
            cursor.execute(sql, list(values) or None)
            while rows := cursor.fetchmany(_ROWS):
                columns = zip(names, zip(*rows, strict=True), strict=True)
                yield pl.DataFrame(
                    [
                        pl.Series(name, column, _wire(field), strict=True)
                        for (name, column), field in zip(columns, fields, strict=True)
                    ]
                )

    def insert(self, table: Table, rows: pl.DataFrame) -> None:
        data, names, sets = lines(rows, _quoted)
        where = ".".join(map(_quoted, filter(None, (table.schema, table.name))))
        sql = (
            f"load data local infile '{{}}' into table {where} character set utf8mb4 "
            f"fields terminated by '\\t' escaped by '\\\\' lines terminated by '\\n' "
            f"({', '.join(names)}){sets}"
        )
        self.change("start transaction")
        try:
            with told(), _memory(data) as file, self._db.cursor() as cursor:
                cursor.execute(sql.format(file))
                cursor.execute("show warnings")
                refuse_changes(cursor.fetchall())
            self.change("commit")
        except BaseException:
            with suppress(pymysql.Error):
                self._db.rollback()
            raise

    def interrupt(self) -> None:
        for busy in filter(None, (self._reader, self._db)):
            with suppress(pymysql.Error, OSError):
                killer = self._connected()
                with killer.cursor() as cursor:
                    cursor.execute(f"kill query {busy.thread_id()}")
                killer.close()

    def close(self) -> None:
        for connection in filter(None, (self._reader, self._db)):
            with suppress(pymysql.Error, OSError):
                # a cursor that is not read to its end would read all the rest first
                connection._force_close()


def _wire(field: Field) -> pl.DataType:
    return pl.Binary() if field.column.type == pl.Binary() else pl.String()


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _field(name: str, native: str, nullable: bool) -> Field:
    kind, read, arrive = readable(native.lower(), _quoted(name))
    return Field(Column(name, kind, nullable), native, read, arrive)


@contextmanager
def _memory(data: bytes) -> Iterator[str]:
    """A file that lies in memory alone, by a path."""
    handle = os.memfd_create("hygge")
    try:
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(data)
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)
