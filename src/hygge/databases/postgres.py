"""PostgreSQL: control by psycopg, rows in bulk by ADBC's binary COPY."""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, ClassVar, cast
from urllib.parse import quote, urlsplit

import adbc_driver_postgresql.dbapi as adbc
import polars as pl
import psycopg
import pyarrow as pa
from pydantic import Field as Setting
from pydantic import SecretStr

from hygge.core.config import Settings
from hygge.core.errors import (
    ConfigError,
    ConnectionFailed,
    DatabaseError,
    HyggeError,
    SourceMissing,
)
from hygge.core.schema import Column
from hygge.core.types import parse_type
from hygge.core.watermark import Watermark
from hygge.databases.database import Database, Field, Session, Table
from hygge.databases.postgres_types import declared, literal, readable, sendable

_HINT_BYTES = 8 * 2**20
_SLICE = 16_384
_PASSING = ("08", "53", "57P", "40001", "40P01", "55P03")
"""SQLSTATE classes of what may be gone the next time: connections, room, locks, deadlocks."""
_NOT_LET_IN = ("28",)
_DENIED, _NO_TABLE = "42501", "42P01"


class PostgresSettings(Settings):
    """How to get in. A `url` says it all; the others are its parts."""

    url: SecretStr | None = Setting(default=None, description="postgresql://user:password@host/db")
    host: str = Setting(default="localhost", description="Where the server listens")
    port: int = Setting(default=5432, ge=1, le=65535, description="On which port")
    user: str | None = Setting(default=None, description="Who we are")
    password: SecretStr | None = Setting(default=None, description="Best from ${VARIABLE}")
    dbname: str = Setting(default="postgres", description="Which database of the server")
    sslmode: str | None = Setting(
        default=None, description="As libpq has it: verify-full, require, prefer, disable, …"
    )
    sslrootcert: str | None = Setting(default=None, description="Who vouches for the server")
    lock_seconds: float = Setting(default=60, gt=0, description="How long to wait for a lock")
    connect_seconds: int = Setting(default=15, gt=0, description="How long to wait for the server")

    def dsn(self) -> str:
        """All of it as one URL, the password with it."""
        if self.url is not None:
            return self.url.get_secret_value()
        who = quote(self.user or "", safe="")
        if self.password is not None:
            who += ":" + quote(self.password.get_secret_value(), safe="")
        more = {"sslmode": self.sslmode, "sslrootcert": self.sslrootcert}
        query = "&".join(f"{k}={quote(v, safe='')}" for k, v in more.items() if v)
        return (
            f"postgresql://{who}{'@' if who else ''}{self.host}:{self.port}/"
            f"{quote(self.dbname, safe='')}{'?' if query else ''}{query}"
        )


class Postgres(Database):
    """Publishing waits for its turn at one table by an advisory lock."""

    name = "postgres"
    Settings: ClassVar[type[Settings]] = PostgresSettings
    key_type = "text"
    sheds_columns = True
    settings: PostgresSettings

    @property
    def identity(self) -> str:
        parts = urlsplit(self.settings.dsn())
        return f"postgres://{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"

    def connect(self, *, write: bool = False) -> Session:
        return PostgresSession(self.settings)

    def mark(self, number: int) -> str:
        return f"${number}"

    def native(self, kind: pl.DataType) -> str:
        return declared(kind)

    def compared(self, column: str, kind: pl.DataType) -> str:
        """Texts by their bytes, as we order them; the server's collation may differ."""
        return f'{column} collate "C"' if kind == pl.String() else column

    def narrowed(self, mark: Watermark, sign: str, column: str, place: str) -> tuple[str, Any]:
        kind = parse_type(mark.type)
        return f"{self.compared(column, kind)} {sign}= {literal(mark.value)}", None


class PostgresSession(Session):
    """Two connections to one server: one to talk, and one for rows, made when it is needed."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._settings, self._cursor = settings, cast(Any, None)
        with _told():
            self._db = psycopg.connect(
                settings.dsn(),
                autocommit=True,
                cursor_factory=psycopg.RawCursor,
                connect_timeout=settings.connect_seconds,
                application_name="hygge",
                options=self._manners,
            )

    @property
    def _manners(self) -> str:
        wait = int(self._settings.lock_seconds * 1000)
        style = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601"
        # a scan begins at the beginning; numbers of rows are sorted in memory
        return f"-c lock_timeout={wait} {style} -c synchronize_seqscans=off -c work_mem=64MB"

    @cached_property
    def _bulk(self) -> Any:
        dsn = self._settings.dsn()
        options = f"{'&' if '?' in dsn else '?'}options={quote(self._manners, safe='')}"
        return adbc.connect(dsn + options)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with _told():
            return self._db.execute(sql.encode(), values or None).fetchall()

    def change(self, sql: str, *values: Any) -> None:
        with _told():
            self._db.execute(sql.encode(), values or None)

    @contextmanager
    def transaction(self, about: Table | None = None) -> Iterator[None]:
        self.change("begin")
        try:
            if about is not None:
                self.change("select pg_advisory_xact_lock(8746, $1)", _number(str(about)))
            yield
            self.change("commit")
        except BaseException:
            with suppress(psycopg.Error):  # the connection may be gone, and the rows with it
                self._db.execute("rollback")
            raise

    # what is there

    def fields(self, table: Table) -> list[Field]:
        found = self.rows(
            "select attname, format_type(atttypid, atttypmod), not attnotnull "
            "from pg_attribute where attrelid = to_regclass($1) and attnum > 0 "
            "and not attisdropped order by attnum",
            _named(table),
        )
        return [_field(*row) for row in found]

    def described(self, query: str) -> list[Field]:
        with _told():
            cursor = self._db.execute(f"select * from ({query}\n) q limit 0".encode())
            told = [(c.name, c.type_code, c._fmod) for c in cursor.description or ()]
        kinds = [self.rows("select format_type($1, $2)", oid, mod)[0][0] for _, oid, mod in told]
        return [_field(name, kind, True) for (name, _, _), kind in zip(told, kinds, strict=True)]

    def keys(self, table: Table) -> tuple[str, ...]:
        found = self.rows(
            "select a.attname from pg_index i, unnest(i.indkey) with ordinality k(n, at), "
            "pg_attribute a where i.indrelid = to_regclass($1) and i.indisprimary "
            "and a.attrelid = i.indrelid and a.attnum = k.n order by k.at",
            _named(table),
        )
        return tuple(row[0] for row in found)

    # rows in bulk

    def batches(
        self, sql: str, values: Sequence[Any], fields: Sequence[Field]
    ) -> Generator[pl.DataFrame, None, None]:
        assert not values, "a COPY takes none: they are written as typed literals"
        hint = {"adbc.postgresql.batch_size_hint_bytes": str(_HINT_BYTES)}
        with _told(), self._bulk.cursor() as self._cursor:
            self._cursor.adbc_statement.set_options(**hint)
            self._cursor.execute(sql)
            for batch in self._cursor.fetch_record_batch():
                rows = pl.DataFrame(pl.from_arrow(batch))
                rows.columns = [field.column.name for field in fields]
                yield rows

    def insert(self, table: Table, rows: pl.DataFrame) -> None:
        ready = pl.DataFrame([sendable(column) for column in rows])
        data = ready.to_arrow(compat_level=pl.CompatLevel.oldest())
        # the server works on one slice while the driver writes the next
        data = pa.Table.from_batches(data.to_batches(_SLICE), schema=data.schema)
        with _told(), self._bulk.cursor() as cursor:
            try:
                cursor.adbc_ingest(table.name, data, mode="append", db_schema_name=table.schema)
                self._bulk.commit()
            except BaseException:
                with suppress(adbc.Error):
                    self._bulk.rollback()
                raise

    def interrupt(self) -> None:
        self._db.cancel()
        if self._cursor is not None:
            self._cursor.adbc_cancel()

    def close(self) -> None:
        self._db.close()
        if "_bulk" in self.__dict__:
            self._bulk.close()


def _named(table: Table) -> str:
    words = (table.schema, table.name) if table.schema else (table.name,)
    return ".".join('"' + word.replace('"', '""') + '"' for word in words)


def _number(text: str) -> int:
    """Its own number for each table, as an advisory lock wants it."""
    return zlib.crc32(text.encode()) - 2**31


def _field(name: str, native: str, nullable: bool) -> Field:
    quoted = '"' + name.replace('"', '""') + '"'
    kind, read, arrive = readable(native, quoted)
    return Field(Column(name, kind, nullable), native, read, arrive)


@contextmanager
def _told() -> Iterator[None]:
    """Every error of the drivers as one of ours."""
    try:
        yield
    except HyggeError:
        raise
    except (psycopg.Error, adbc.Error, OSError) as failed:
        raise _ours(failed) from failed


def _ours(failed: Exception) -> HyggeError:
    state = getattr(failed, "sqlstate", None) or ""
    told = str(failed).strip().split("\nLINE ")[0]
    if state.startswith(_NOT_LET_IN) or "authentication failed" in told:
        return ConfigError(told, hint="see user and password of the connection")
    if state == _NO_TABLE:
        return SourceMissing(told)
    if state == _DENIED:
        return DatabaseError(told, hint="ask for the right to do this")
    if state.startswith(_PASSING) or (
        not state and isinstance(failed, psycopg.OperationalError | OSError)
    ):
        return ConnectionFailed(told)
    return DatabaseError(told)
