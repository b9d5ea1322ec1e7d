"""SQLite: one file, one writer at a time. A column is what it declares, and every value must be."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar, cast
from urllib.parse import quote

import adbc_driver_sqlite.dbapi as adbc
import polars as pl
from pydantic import Field as Setting

from hygge.core.config import Settings
from hygge.core.errors import ConnectionFailed, DatabaseError, HomeError, HyggeError, SourceMissing
from hygge.core.schema import Column
from hygge.core.types import parse_type
from hygge.core.watermark import Watermark
from hygge.databases.bends import Bends
from hygge.databases.database import Database, Field, Session, Table
from hygge.databases.dialect import in_quotes
from hygge.databases.sqlite_types import (
    SENTINEL,
    checked,
    declared,
    kind_of,
    misfit_of,
    readable,
    stored,
    wire,
)

_ROWS = 8192
_TURNS: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
"""Who writes to which file, in this process: SQLite's own queue is not fair."""


class SqliteSettings(Settings):
    """Which file, and how long to wait for others who write to it."""

    path: str = Setting(min_length=1, description="The database's file; relative to the workspace")
    busy_seconds: float = Setting(
        default=60, ge=0, description="How long to wait while another process writes"
    )


class Sqlite(Database):
    """One file. Stores put it into WAL mode, so that readers and the writer do not wait."""

    name = "sqlite"
    catalog = (
        "select schema, name, 1 from pragma_table_list where schema = 'main' "
        "and type in ('table', 'virtual') and name not like 'sqlite@_%' escape '@'"
    )
    Settings: ClassVar[type[Settings]] = SqliteSettings
    one_writer = True
    by_index = True
    moments = "%Y-%m-%dT%H:%M:%S.%fZ"
    row_number = "_rowid_"
    in_ranges = "hygge.databases.sqlite_ranges:SqliteRanges"
    widening = "hygge.databases.sqlite_widening:widen"
    bends = Bends(no_floats="nan")
    settings: SqliteSettings

    @property
    def identity(self) -> str:
        return f"sqlite://{Path(self.settings.path).absolute()}"

    def connect(self, *, write: bool = False) -> Session:
        return SqliteSession(self.settings, write=write)

    def native(self, kind: pl.DataType) -> str:
        return declared(self.held(kind))

    def plain(self, native: str) -> str:
        return native.lower()

    def compared(self, column: str, kind: pl.DataType) -> str | None:
        return column if _compares(kind) else None

    def narrowed(
        self, mark: Watermark, sign: str, column: str, place: str, native: str
    ) -> tuple[str, Any] | None:
        """Texts of one moment differ by zone and by digits, so only their days are compared."""
        kind = parse_type(mark.type)
        if _compares(kind):
            return f"{column} {sign}= {place}", mark.value
        if isinstance(kind, pl.Date | pl.Datetime) and isinstance(mark.value, date):
            day = date(mark.value.year, mark.value.month, mark.value.day)
            step = timedelta(days=-2 if sign == ">" else 2)
            with suppress(OverflowError):
                return f"substr({column}, 1, 10) {sign}= {place}", (day + step).isoformat()
        return None


class SqliteSession(Session):
    """One connection of ADBC's. Never one of the standard library's beside it: that is another
    SQLite in this process, and each would take away the other's locks, and its WAL with the rows
    in it. (SQLite's documentation, "How To Corrupt An SQLite Database File".)
    """

    def __init__(self, settings: SqliteSettings, *, write: bool) -> None:
        path = Path(settings.path).absolute()
        if not write and not path.exists():
            raise SourceMissing("there is no such database file", file=str(path))
        self._path, busy = str(path), int(settings.busy_seconds * 1000)
        self._turn, self._cursor = _TURNS[self._path], cast(Any, None)
        with _told(self._path):
            self._db = adbc.connect(f"file:{quote(self._path)}", autocommit=True)
            self.rows(f"pragma busy_timeout = {busy}")
            if write:
                self.rows("pragma journal_mode = wal")
                self.change("pragma legacy_alter_table = on")  # views may wait for a new table
                self.change("pragma synchronous = full")

    @contextmanager
    def _asking(self, fields: Sequence[Field] = ()) -> Iterator[Any]:
        with _told(self._path, fields), self._db.cursor() as self._cursor:
            yield self._cursor

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._asking() as cursor:
            cursor.execute(sql, values or None)
            return [tuple(row) for row in cursor.fetchall()]

    def change(self, sql: str, *values: Any) -> None:
        with self._turn, self._asking() as cursor:
            cursor.execute(sql, values or None)

    def put(self, sql: str) -> int:
        self.change(sql)
        return int(self.rows("select changes()")[0][0])

    @contextmanager
    def transaction(self, about: Table | None = None) -> Iterator[None]:
        with self._turn:
            self.change("begin immediate")
            try:
                yield
                self.change("commit")
            except BaseException:  # a cancelled block, too, leaves nothing half done
                with suppress(HyggeError):  # it may have rolled back by itself
                    self.change("rollback")
                raise

    # what is there

    def fields(self, table: Table) -> list[Field]:
        schema, name = table.schema or "main", table.name
        found = self.rows(
            "select name, type, [notnull], pk from pragma_table_xinfo(?, ?)", name, schema
        )
        return [self._field(in_quotes(table.schema, name), *row) for row in found]

    def described(self, query: str) -> list[Field]:
        self.change(f"create temp view _hygge_described as {query}")
        try:
            sql = (  # an expression is told as BLOB or NUM where nothing is declared
                "select name, case when type in ('BLOB', 'NUM') then '' else type end, 0, 0 "
                "from pragma_table_info('_hygge_described')"
            )
            found = self.rows(sql)
            return [self._field(f"({query})", *row) for row in found]
        finally:
            self.change("drop view temp._hygge_described")

    def _field(self, source: str, name: str, native: str, required: int, key: int) -> Field:
        kind = kind_of(native) if native else self._found(source, in_quotes(name), name)
        nullable = not (required or (key and native.lower() == "integer"))
        read, arrive = readable(kind, name, native)
        return Field(Column(name, kind, nullable), native or "", read, arrive)

    def _found(self, source: str, quoted: str, name: str) -> pl.DataType:
        """A column that declares nothing is what its values are, if they agree."""
        rows = self.rows(
            f"select distinct typeof({quoted}) from {source} where {quoted} is not null"
        )
        kinds = sorted(row[0] for row in rows)
        if len(kinds) > 1:
            hint = f"write `query: select cast({quoted} as text) as {quoted}, … from …`"
            told = f"a column without a declared type holds {' and '.join(kinds)}"
            raise HomeError(told, column=name, hint=hint)
        return {"integer": pl.Int64(), "real": pl.Float64(), "blob": pl.Binary()}.get(
            kinds[0] if kinds else "text", pl.String()
        )

    def keys(self, table: Table) -> tuple[str, ...]:
        sql = "select name from pragma_table_info(?, ?) where pk > 0 order by pk"
        return tuple(row[0] for row in self.rows(sql, table.name, table.schema or "main"))

    # rows in bulk

    def batches(
        self, sql: str, values: Sequence[Any], fields: Sequence[Field]
    ) -> Generator[pl.DataFrame, None, None]:
        # the driver guesses types from the first rows: we give it one that has them all
        first = ", ".join(f'{SENTINEL[wire(f)]} as "{n}"' for n, f in enumerate(fields))
        with self._asking(fields) as cursor:
            options = {"adbc.sqlite.query.batch_rows": str(_ROWS)}
            cursor.adbc_statement.set_options(**options)
            cursor.execute(f"select {first} union all select * from ({sql})", list(values) or None)
            skip = 1
            for batch in cursor.fetch_record_batch():
                yield checked(batch, fields).slice(skip)
                skip = 0

    def insert(self, table: Table, rows: pl.DataFrame) -> int:
        ready = pl.DataFrame([stored(column) for column in rows]).to_arrow()
        with self.transaction():
            first = self._last(table) + 1
            with self._asking() as cursor:
                cursor.adbc_ingest(table.name, ready, mode="append")
            if self._last(table) != first + rows.height - 1:
                raise DatabaseError(f"the rows of {table} are not numbered as they came")
        return first

    def _last(self, table: Table) -> int:
        sql = f"select coalesce(max(_rowid_), 0) from {in_quotes('main', table.name)}"
        return int(self.rows(sql)[0][0])

    def interrupt(self) -> None:
        if self._cursor is not None:
            with suppress(adbc.Error):  # it may be over
                self._cursor.adbc_cancel()

    def close(self) -> None:
        self._db.close()


def _compares(kind: pl.DataType) -> bool:
    """Whether SQLite orders the values as they lie in the file as we order them."""
    return kind == pl.String() or (kind.is_integer() and kind != pl.UInt64())


@contextmanager
def _told(path: str, fields: Sequence[Field] = ()) -> Iterator[None]:
    """Every error of the drivers as one of ours."""
    try:
        yield
    except HyggeError:
        raise
    except (adbc.Error, OSError) as failed:
        told = str(failed)
        if "locked" in told or "busy" in told.lower():
            raise ConnectionFailed(
                f"another process keeps the database locked: {told}", file=path
            ) from failed
        if (misfit := misfit_of(told, fields)) is not None:
            raise misfit.at(file=path) from failed
        raise DatabaseError(told, file=path) from failed
