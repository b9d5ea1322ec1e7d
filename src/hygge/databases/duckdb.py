"""DuckDB: one file, one process at a time; its own types are nearly all of ours."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import polars as pl
from pydantic import Field as Setting

from hygge.core.config import Settings
from hygge.core.errors import (
    ConnectionFailed,
    DatabaseError,
    HyggeError,
    SourceMissing,
)
from hygge.core.schema import Column
from hygge.core.watermark import Watermark
from hygge.databases.arrow_rows import named
from hygge.databases.bends import Bends
from hygge.databases.database import Database, Field, Session, Table
from hygge.databases.dialect import in_quotes
from hygge.databases.duckdb_types import declared, readable, sendable

_ROWS = 16_384
_TURNS: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
"""Who publishes into which file: two transactions that touch other rows would both succeed."""


class DuckdbSettings(Settings):
    """Which file."""

    path: str = Setting(min_length=1, description="The database's file; relative to the workspace")


class Duckdb(Database):
    """One file. Another process that has it open keeps us out, and we keep it out."""

    name = "duckdb"
    catalog = (
        "select schema_name, table_name, schema_name = current_schema() from duckdb_tables() "
        "where database_name = current_database() and not internal and not temporary"
    )
    schemas = "select schema_name from duckdb_schemas()"
    sheds_columns = True
    insert_rows = 245_760  # two of its row groups, so that two cores have work
    Settings: ClassVar[type[Settings]] = DuckdbSettings
    in_ranges = "hygge.databases.duckdb_ranges:DuckdbRanges"
    widening = "hygge.databases.duckdb_widening:widen"
    bends = Bends(time=1000, coarse="zoned")
    settings: DuckdbSettings

    @property
    def identity(self) -> str:
        return f"duckdb://{Path(self.settings.path).absolute()}"

    def connect(self, *, write: bool = False) -> Session:
        return DuckdbSession(self.settings, write=write)

    def native(self, kind: pl.DataType) -> str:
        return declared(self.held(kind))

    def plain(self, native: str) -> str:
        return native.replace('"', "")  # around a struct's fields, where they may be left out

    def narrowed(
        self, mark: Watermark, sign: str, column: str, place: str, native: str
    ) -> tuple[str, Any] | None:
        if mark.type.startswith("datetime(ns"):
            return f"epoch_ns({column}) {sign}= {place}", mark.value
        return f"{column} {sign}= {place}", mark.value


class DuckdbSession(Session):
    """One connection; those of one process share the file."""

    def __init__(self, settings: DuckdbSettings, *, write: bool) -> None:
        path = Path(settings.path).absolute()
        if not write and not path.exists():
            raise SourceMissing("there is no such database file", file=str(path))
        self._path = str(path)
        read_only = not write and not os.access(path, os.W_OK)
        with self._told():
            self._db = duckdb.connect(path, read_only=read_only)
            self._db.execute("set timezone = 'UTC'")

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._told():
            return self._db.execute(sql, values).fetchall()

    def change(self, sql: str, *values: Any) -> None:
        with self._told():
            self._db.execute(sql, values)

    def put(self, sql: str) -> int:
        return int(self.rows(sql)[0][0])

    @contextmanager
    def transaction(self, about: Table | None = None) -> Iterator[None]:
        with _TURNS[self._path]:
            self.change("begin")
            try:
                yield
                self.change("commit")
            except BaseException:  # a cancelled block, too, leaves nothing half done
                with suppress(duckdb.Error):  # it may have rolled back by itself
                    self._db.execute("rollback")
                raise

    # what is there

    def fields(self, table: Table) -> list[Field]:
        sql = (
            "select column_name, data_type, is_nullable from duckdb_columns() "
            "where table_name = ? and schema_name = ? and database_name = current_database() "
            "order by column_index"
        )
        found = self.rows(sql, table.name, table.schema or "main")
        return self._typed(_named(table), found) if found else []

    def described(self, query: str) -> list[Field]:
        found = [(name, kind, True) for name, kind, *_ in self.rows(f"describe {query}")]
        return self._typed(f"({query})", found)

    def _typed(self, source: str, found: Sequence[tuple[str, str, bool]]) -> list[Field]:
        with self._told():
            kinds = self._db.sql(f"select * from {source} limit 0").types
        fields = []
        for (name, native, nullable), told in zip(found, kinds, strict=True):
            kind, read, arrive = readable(told, name)
            fields.append(Field(Column(name, kind, nullable), native, read, arrive))
        return fields

    def keys(self, table: Table) -> tuple[str, ...]:
        sql = (
            "select constraint_column_names from duckdb_constraints() where table_name = ? "
            "and schema_name = ? and database_name = current_database() "
            "and constraint_type = 'PRIMARY KEY'"
        )
        found = self.rows(sql, table.name, table.schema or "main")
        return tuple(found[0][0]) if found else ()

    # rows in bulk

    def batches(
        self, sql: str, values: Sequence[Any], fields: Sequence[Field]
    ) -> Generator[pl.DataFrame, None, None]:
        with self._told():
            for batch in self._db.sql(sql, params=list(values)).to_arrow_reader(_ROWS):
                yield named(batch, fields)

    def insert(self, table: Table, rows: pl.DataFrame) -> None:
        name = _named(table)
        ready = pl.DataFrame([sendable(values) for values in rows])
        with self._told():
            self._db.register("_hygge_rows", ready.to_arrow())
            try:
                self._db.execute(f"insert into {name} by name select * from _hygge_rows")
            finally:
                self._db.unregister("_hygge_rows")

    def interrupt(self) -> None:
        self._db.interrupt()

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Every error of the driver as one of ours."""
        try:
            yield
        except HyggeError:
            raise
        except duckdb.Error as failed:
            told = str(failed).strip()
            if "Could not set lock" in told:
                hint = "close the other program, or run again when it is done"
                what = "another process has the database open"
                raise ConnectionFailed(what, file=self._path, hint=hint) from failed
            raise DatabaseError(told, file=self._path) from failed


def _named(table: Table) -> str:
    return in_quotes(table.schema or "main", table.name)
