"""PostgreSQL: control by psycopg, rows in bulk by ADBC's binary COPY."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain
from typing import Any, ClassVar
from urllib.parse import urlsplit

import polars as pl
import psycopg
import pyarrow as pa

from hygge.connections.loan import Loan
from hygge.connections.pool import Pool, pool_of
from hygge.core.config import Settings
from hygge.core.errors import Unsupported
from hygge.core.inflow import Inflow
from hygge.core.schema import Column
from hygge.core.types import parse_type
from hygge.core.watermark import Watermark
from hygge.databases.arrow_rows import named
from hygge.databases.bends import Bends
from hygge.databases.database import Database, Field, Session, Table, Writer
from hygge.databases.dialect import in_quotes
from hygge.databases.postgres_errors import told
from hygge.databases.postgres_line import Bulk, Guest, Talk
from hygge.databases.postgres_settings import PostgresSettings
from hygge.databases.postgres_targets import refuse_target
from hygge.databases.postgres_types import declared, literal, readable, sendable

_HINT_BYTES = 6 * 2**20
_SLICE = 16_384
_TURN = (
    "select pg_advisory_xact_lock(8746, "
    "hashtext(coalesce($1::text, current_schema()::text) || '.' || $2::text))"
)


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
    schemas = "select nspname from pg_namespace"
    claiming = "lock table {} in access exclusive mode"
    in_ranges = "hygge.databases.postgres_ranges:PostgresRanges"
    accounts: ClassVar = {"xmin": "hygge.databases.postgres_xmin:Xmin"}
    widening = "hygge.databases.postgres_widening:widen"
    bends = Bends(time=1000, coarse="all", nul=False)
    settings: PostgresSettings

    def __init__(self, settings: PostgresSettings) -> None:
        super().__init__(settings)
        self.patience = 3 * settings.lock_seconds + settings.connect_seconds
        self.patience += settings.acquire_timeout

    @property
    def pool(self) -> Pool:
        return pool_of((Postgres, self.settings), self.identity, self.settings)

    @property
    def identity(self) -> str:
        parts = urlsplit(self.settings.dsn())
        return f"postgres://{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"

    def connect(self, *, write: bool = False) -> Session:
        return PostgresSession(self.settings, self.pool)

    def mark(self, number: int) -> str:
        return f"${number}"

    def looking(self, table: str) -> list[str]:
        return [f"lock table {table} in share row exclusive mode", *super().looking(table)]

    def native(self, kind: pl.DataType) -> str:
        return declared(self.held(kind))

    def compared(self, column: str, kind: pl.DataType) -> str:
        """Texts by their bytes, as we order them; the server's collation may differ."""
        return f'{column} collate "C"' if kind == pl.String() else column

    def narrowed(
        self, mark: Watermark, sign: str, column: str, place: str, native: str
    ) -> tuple[str, Any]:
        kind = parse_type(mark.type)
        return f"{self.compared(column, kind)} {sign}= {literal(mark.value)}", None


class PostgresSession(Session):
    """One connection at a time: to talk, or for rows. Neither is made before it is needed."""

    def __init__(self, settings: PostgresSettings, pool: Pool) -> None:
        self._settings, self._loan = settings, Loan(pool)

    def _talk(self) -> AbstractContextManager[Talk]:
        return self._loan.using(Talk, lambda: Talk(self._settings))

    def _bulk(self) -> AbstractContextManager[Bulk]:
        return self._loan.using(Bulk, lambda: Bulk(self._settings))

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with told(), self._talk() as line:
            return line.db.execute(sql.encode(), values or None).fetchall()

    def change(self, sql: str, *values: Any) -> None:
        with told(), self._talk() as line:
            line.db.execute(sql.encode(), values or None)

    def put(self, sql: str) -> int:
        with told(), self._talk() as line:
            return int(line.db.execute(sql.encode()).rowcount)

    @contextmanager
    def transaction(self, about: Table | None = None) -> Iterator[None]:
        with self._talk() as line:
            self.change("begin isolation level read committed")  # a snapshot is older than the lock
            try:
                if about is not None:
                    self.change(_TURN, about.schema, about.name)
                yield
                self.change("commit")
            except BaseException:  # a cancelled block, too, leaves nothing half done
                with suppress(psycopg.Error):  # the connection may be gone, and the rows with it
                    line.db.execute("rollback")
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
        with told(), self._talk() as line:
            cursor = line.db.execute(f"select * from ({query}\n) q limit 0".encode())
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

    def refuse_target(self, table: Table, *, swap: bool) -> None:
        refuse_target(self, table, in_quotes(table.schema, table.name), swap=swap)

    def about(self) -> str:
        user, database = self.rows("select current_user, current_database()")[0]
        return f"user {user} of {database}"

    # what others do

    def clock(self) -> tuple[datetime, datetime]:
        """In the time zone that a session has by default: ours is in UTC."""
        with told(), self._loan.using(Guest, lambda: Guest(self._settings)) as other:
            found = other.db.execute("select clock_timestamp(), localtimestamp").fetchone()
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
        with told(), self._bulk() as line:
            self._begin(line)
            with line.asking() as cursor:
                cursor.adbc_statement.set_options(**hint)
                cursor.execute(sql)
                for batch in cursor.fetch_record_batch():
                    yield named(batch, fields)
            self._end(line)

    def _begin(self, line: Bulk) -> None:
        """Before rows are read: a statement by itself sees what there is then."""

    def _end(self, line: Bulk) -> None:
        """Once all were read."""

    def insert(self, table: Table, rows: pl.DataFrame) -> None:
        self._copy(table, iter([_arrow(rows)]))

    def inflow(self, table: Table) -> Inflow[pl.DataFrame]:
        """One COPY: the server is at work on rows while others are read."""
        return Inflow(_arrow, lambda tables: self._copy(table, tables))

    def _copy(self, table: Table, tables: Iterator[pa.Table]) -> None:
        if (first := next(tables, None)) is None:
            return
        slices = (s for t in chain([first], tables) for s in t.to_batches(_SLICE))
        rows = pa.RecordBatchReader.from_batches(first.schema, slices)
        with told(), self._bulk() as line, line.asking() as cursor:
            cursor.adbc_ingest(table.name, rows, mode="append", db_schema_name=table.schema)

    def interrupt(self) -> None:
        self._loan.stop()

    def close(self) -> None:
        self._loan.close()


def _arrow(rows: pl.DataFrame) -> pa.Table:
    ready = pl.DataFrame([sendable(column) for column in rows])
    return ready.to_arrow(compat_level=pl.CompatLevel.oldest())


def _field(name: str, native: str, nullable: bool) -> Field:
    kind, read, arrive = readable(native, in_quotes(name))
    return Field(Column(name, kind, nullable), native, read, arrive)
