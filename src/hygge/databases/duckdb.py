"""DuckDB: one file, one process at a time; its own types are nearly all of ours."""

from __future__ import annotations

import os
import re
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
    Unsupported,
)
from hygge.core.schema import Column
from hygge.core.text import read_as
from hygge.core.types import type_name
from hygge.core.watermark import Watermark
from hygge.databases.database import Database, Field, Session, Table

_ROWS = 65_536
_TURNS: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
"""Who publishes into which file: two transactions that touch other rows would both succeed."""

_AS_TEXT = re.compile(r"INTERVAL|TIME WITH TIME ZONE|\bBIT\b|\bUNION\b|MAP\(|ENUM\(|VARINT|BIGNUM")
_WHOLE = {"HUGEINT": pl.Int128(), "UHUGEINT": pl.String()}
_NATIVE: dict[Any, str] = {
    pl.Boolean(): "BOOLEAN",
    pl.Int8(): "TINYINT",
    pl.Int16(): "SMALLINT",
    pl.Int32(): "INTEGER",
    pl.Int64(): "BIGINT",
    pl.Int128(): "HUGEINT",
    pl.UInt8(): "UTINYINT",
    pl.UInt16(): "USMALLINT",
    pl.UInt32(): "UINTEGER",
    pl.UInt64(): "UBIGINT",
    pl.Float32(): "FLOAT",
    pl.Float64(): "DOUBLE",
    pl.String(): "VARCHAR",
    pl.Binary(): "BLOB",
    pl.Date(): "DATE",
    pl.Categorical(): "VARCHAR",
}


class DuckdbSettings(Settings):
    """Which file."""

    path: str = Setting(min_length=1, description="The database's file; relative to the workspace")


class Duckdb(Database):
    """One file. Another process that has it open keeps us out, and we keep it out."""

    name = "duckdb"
    sheds_columns = True
    Settings: ClassVar[type[Settings]] = DuckdbSettings
    settings: DuckdbSettings

    @property
    def identity(self) -> str:
        return f"duckdb://{Path(self.settings.path).absolute()}"

    def connect(self, *, write: bool = False) -> Session:
        return DuckdbSession(self.settings, write=write)

    def native(self, kind: pl.DataType) -> str:
        match kind:
            case pl.Decimal():
                return f"DECIMAL({kind.precision or 38},{kind.scale})"
            case pl.Datetime() if kind.time_zone is not None:
                if kind.time_unit != "ns":
                    return "TIMESTAMP WITH TIME ZONE"
            case pl.Datetime():
                return {"ms": "TIMESTAMP_MS", "us": "TIMESTAMP", "ns": "TIMESTAMP_NS"}[
                    kind.time_unit
                ]
            case pl.Enum():
                return "VARCHAR"
            case pl.List():
                return f"{self.native(_made(kind.inner))}[]"
            case pl.Array():
                return f"{self.native(_made(kind.inner))}[{kind.shape[0]}]"
            case pl.Struct():
                inside = (
                    f"{self.quoted(f.name)} {self.native(_made(f.dtype))}" for f in kind.fields
                )
                return f"STRUCT({', '.join(inside)})"
        if (found := _NATIVE.get(kind)) is None:
            raise Unsupported(f"DuckDB cannot hold {type_name(kind)}", hint="cast it to string")
        return found

    def narrowed(
        self, mark: Watermark, sign: str, column: str, place: str
    ) -> tuple[str, Any] | None:
        if mark.type.startswith("datetime(ns"):
            return f"epoch_ns({column}) {sign}= {place}", mark.value
        return f"{column} {sign}= {place}", mark.value


def _made(kind: Any) -> pl.DataType:
    made = kind() if isinstance(kind, type) else kind
    assert isinstance(made, pl.DataType)
    return made


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

    @contextmanager
    def transaction(self, about: Table | None = None) -> Iterator[None]:
        with _TURNS[self._path]:
            self.change("begin")
            try:
                yield
                self.change("commit")
            except BaseException:
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
        return self._typed(f'"{table.schema or "main"}"."{table.name}"', found) if found else []

    def described(self, query: str) -> list[Field]:
        found = [(name, kind, True) for name, kind, *_ in self.rows(f"describe {query}")]
        return self._typed(f"({query})", found)

    def _typed(self, source: str, found: Sequence[tuple[str, str, bool]]) -> list[Field]:
        reads = [_read(name, native) for name, native, _ in found]
        with self._told():
            empty = self._db.sql(f"select {', '.join(reads)} from {source} limit 0")
            rows = pl.DataFrame(pl.from_arrow(empty.to_arrow_table()))
        fields = []
        for read, kind, (name, native, nullable) in zip(reads, rows.dtypes, found, strict=True):
            if native == "HUGEINT":
                fields.append(
                    Field(Column(name, pl.Int128(), nullable), native, read, read_as(pl.Int128()))
                )
                continue
            plain = _plain(kind)
            fields.append(Field(Column(name, plain, nullable), native, read, _casting(plain)))
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
                rows = pl.DataFrame(pl.from_arrow(batch))
                rows.columns = [field.column.name for field in fields]
                yield rows

    def insert(self, table: Table, rows: pl.DataFrame) -> None:
        name = f'"{table.schema or "main"}"."{table.name}"'
        with self._told():
            self._db.register("_hygge_rows", rows.to_arrow())
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


def _read(name: str, native: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    if native in _WHOLE or _AS_TEXT.search(native):
        plain = (
            native in _WHOLE
            or not native.endswith(("]", ")"))
            or native.startswith(("ENUM", "UNION"))
        )
        return f"cast({quoted} as varchar)" if plain else f"cast(to_json({quoted}) as varchar)"
    return quoted


def _plain(kind: pl.DataType) -> pl.DataType:
    """Zones are one here; words of an enum are words."""
    if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
        return pl.Datetime(kind.time_unit, "UTC")
    return pl.String() if isinstance(kind, pl.Categorical | pl.Enum) else kind


def _casting(kind: pl.DataType) -> Any:
    return lambda values: values.cast(kind)
