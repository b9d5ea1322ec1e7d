"""PostgreSQL: control by psycopg, rows in bulk by ADBC's binary COPY."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar, cast
from urllib.parse import quote, urlsplit

import adbc_driver_postgresql.dbapi as adbc
import polars as pl
import psycopg
import pyarrow as pa
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import Field as Setting
from pydantic import SecretStr

from hygge.core.config import Settings
from hygge.core.errors import ConfigError, Unsupported
from hygge.core.schema import Column
from hygge.core.types import parse_type
from hygge.core.watermark import Watermark
from hygge.databases.database import Database, Field, Session, Table, Writer, in_quotes
from hygge.databases.hanging_up import POLITE_SECONDS, hang_up, known_by, within
from hygge.databases.postgres_errors import told
from hygge.databases.postgres_types import declared, literal, readable, sendable

_HINT_BYTES = 8 * 2**20
_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""Ask a silent machine whether it is still there, and give it up after a minute."""
_KNOWN_BY = itertools.count(60_000)
"""How long to wait for it, in milliseconds: a number of its own tells each socket for rows."""
_SLICE = 16_384
_QUICK = "-c synchronize_seqscans=off -c work_mem=64MB"
"""A scan begins at the beginning; numbers of rows are sorted in memory."""


_TURN = (
    "select pg_advisory_xact_lock(8746, "
    "hashtext(coalesce($1::text, current_schema()::text) || '.' || $2::text))"
)


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

    def parsed(self) -> dict[str, Any]:
        """The same, taken apart. Raises ConfigError, and does not tell what may be a password."""
        try:
            return dict(conninfo_to_dict(self.dsn()))
        except psycopg.Error:
            hint = "percent-encode what is special in it, or give host, user and password apart"
            raise ConfigError("the connection's url cannot be understood", hint=hint) from None


class Postgres(Database):
    """Publishing waits for its turn at one table by an advisory lock."""

    name = "postgres"
    catalog = (
        "select n.nspname, c.relname, n.nspname = current_schema() "
        "from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where c.relkind in ('r', 'p', 'f') and not c.relispartition "
        "and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
    )
    Settings: ClassVar[type[Settings]] = PostgresSettings
    key_type = "text"
    longest_name = 63
    sheds_columns = True
    in_ranges = "hygge.databases.postgres_ranges:PostgresRanges"
    widening = "hygge.databases.postgres_widening:widen"
    settings: PostgresSettings

    def __init__(self, settings: PostgresSettings) -> None:
        super().__init__(settings)
        self.patience = 3 * settings.lock_seconds + settings.connect_seconds

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
        self._settings, self._cursor, self._known_by = settings, cast(Any, None), 0
        with told():
            self._db = psycopg.connect(
                self._wishes(60_000, self._brisk), autocommit=True, cursor_factory=psycopg.RawCursor
            )

    def _wishes(self, known_by: int, more: str = "") -> str:
        """The user's own, and ours where they have none."""
        asked = self._settings.parsed()
        wait = int(self._settings.lock_seconds * 1000)
        manners = f"-c lock_timeout={wait} -c timezone=UTC -c datestyle=ISO"
        manners += f" -c intervalstyle=iso_8601{more}"
        known: dict[str, Any] = {**_ALIVE, "connect_timeout": self._settings.connect_seconds}
        known |= {"application_name": "hygge", **asked, "tcp_user_timeout": known_by}
        known["client_encoding"] = "UTF8"  # where a database has none, the server looks at texts
        known["options"] = f"{_QUICK} {asked.get('options') or ''} {manners}"
        return make_conninfo(**known)

    @property
    def _brisk(self) -> str:
        """Our transactions never wait for us: one that does lost us, and others need its locks."""
        idle = int(self._settings.lock_seconds * 500)
        return f" -c idle_in_transaction_session_timeout={idle}"

    @cached_property
    def _bulk(self) -> Any:
        self._known_by = next(_KNOWN_BY)
        return adbc.connect(self._wishes(self._known_by))

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with told():
            return self._db.execute(sql.encode(), values or None).fetchall()

    def change(self, sql: str, *values: Any) -> None:
        with told():
            self._db.execute(sql.encode(), values or None)

    @contextmanager
    def transaction(self, about: Table | None = None) -> Iterator[None]:
        self.change("begin isolation level read committed")  # a snapshot is older than the lock
        try:
            if about is not None:
                self.change(_TURN, about.schema, about.name)
            yield
            self.change("commit")
        except BaseException:  # a cancelled block, too, leaves nothing half done
            with suppress(psycopg.Error):  # the connection may be gone, and the rows with it
                self._db.execute("rollback")
            raise

    # what is there

    def fields(self, table: Table) -> list[Field]:
        found = self.rows(
            "select attname, case typtype when 'd' then format_type(typbasetype, typtypmod) "
            "else format_type(atttypid, atttypmod) end, not attnotnull "
            "from pg_attribute join pg_type t on t.oid = atttypid "
            "where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum",
            in_quotes(table.schema, table.name),
        )
        return [_field(*row) for row in found]

    def described(self, query: str) -> list[Field]:
        with told():
            cursor = self._db.execute(f"select * from ({query}\n) q limit 0".encode())
            there = [(c.name, c.type_code, c._fmod) for c in cursor.description or ()]
        kinds = [self.rows("select format_type($1, $2)", oid, mod)[0][0] for _, oid, mod in there]
        return [_field(name, kind, True) for (name, _, _), kind in zip(there, kinds, strict=True)]

    def keys(self, table: Table) -> tuple[str, ...]:
        found = self.rows(
            "select a.attname from pg_index i, unnest(i.indkey) with ordinality k(n, at), "
            "pg_attribute a where i.indrelid = to_regclass($1) and i.indisprimary "
            "and a.attrelid = i.indrelid and a.attnum = k.n order by k.at",
            in_quotes(table.schema, table.name),
        )
        return tuple(row[0] for row in found)

    # what others do

    def clock(self) -> tuple[datetime, datetime]:
        """In the time zone that a session has by default: ours is in UTC."""
        with psycopg.connect(self._settings.dsn(), autocommit=True) as other:
            found = other.execute("select clock_timestamp(), localtimestamp").fetchone()
        assert found is not None
        return found[0].astimezone(UTC), found[1]

    def writers(self) -> list[Writer]:
        if self.rows("select pg_is_in_recovery()")[0][0]:
            raise Unsupported("a standby does not tell who writes")
        before = self._in_progress()
        found = self.rows(
            "select backend_xid::text, xact_start, datname = current_database() "
            "from pg_stat_activity where backend_xid is not null"
        )
        known = {number: (began, ours) for number, began, ours in found}
        writers = []
        for number in before & self._in_progress():
            began, ours = known.get(str(int(number) % 2**32), (None, True))
            if ours:
                writers.append(Writer(number, began.astimezone(UTC) if began else None))
        return writers

    def _in_progress(self) -> set[str]:
        found = self.rows("select x::text from pg_snapshot_xip(pg_current_snapshot()) x")
        return {row[0] for row in found}

    def since(self, writer: Writer) -> str:
        return f"age(xmin) <= age('{int(writer.number) % 2**32}'::xid)"

    # rows in bulk

    def batches(
        self, sql: str, values: Sequence[Any], fields: Sequence[Field]
    ) -> Generator[pl.DataFrame, None, None]:
        assert not values, "a COPY takes none: they are written as typed literals"
        hint = {"adbc.postgresql.batch_size_hint_bytes": str(_HINT_BYTES)}
        with told(), self._bulk.cursor() as self._cursor:
            self._cursor.adbc_statement.set_options(**hint)
            self._cursor.execute(sql)
            try:
                for batch in self._cursor.fetch_record_batch():
                    rows = pl.DataFrame(pl.from_arrow(batch))
                    rows.columns = [field.column.name for field in fields]
                    yield rows
            finally:
                with suppress(adbc.Error):  # a table that was read could not be dropped else
                    self._bulk.rollback()

    def insert(self, table: Table, rows: pl.DataFrame) -> None:
        ready = pl.DataFrame([sendable(column) for column in rows])
        data = ready.to_arrow(compat_level=pl.CompatLevel.oldest())
        # the server works on one slice while the driver writes the next
        data = pa.Table.from_batches(data.to_batches(_SLICE), schema=data.schema)
        with told(), self._bulk.cursor() as self._cursor:
            try:
                self._cursor.adbc_ingest(
                    table.name, data, mode="append", db_schema_name=table.schema
                )
                self._bulk.commit()
            except BaseException:  # an interrupted one, too: the connection is used again
                with suppress(adbc.Error):
                    self._bulk.rollback()
                raise

    def interrupt(self) -> None:
        """Ask the server first, so that it stops, too; a session that was stopped ends here."""
        with suppress(psycopg.Error):
            self._db.cancel_safe(timeout=POLITE_SECONDS)
        if self._cursor is not None:
            within(POLITE_SECONDS, self._cursor.adbc_cancel, adbc.Error)
        with suppress(psycopg.Error, OSError):
            hang_up(self._db.fileno())
        for socket in known_by(self._known_by):
            hang_up(socket)

    def close(self) -> None:
        self._db.close()
        if "_bulk" in self.__dict__:
            self._bulk.close()


def _field(name: str, native: str, nullable: bool) -> Field:
    kind, read, arrive = readable(native, in_quotes(name))
    return Field(Column(name, kind, nullable), native, read, arrive)
