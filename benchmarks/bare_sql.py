"""The bar for databases: each one's best library alone, table to parquet and parquet to table.

usage: bare_sql.py read|write|copy KIND PLACE TABLE FILE LIKE

LIKE is a parquet file with the columns that are meant; they are the only checks made. Batches
flow from driver to driver, nothing is staged, and a write is one transaction.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 65_536
GROUP = 262_144
"""Rows in a row group, as hygge has it: who writes smaller ones holds less in memory."""
WORDS: dict[str, dict[Any, str]] = {
    "postgres": {"double": "double precision", "string": "text", "binary": "bytea"},
    "mysql": {"string": "longtext", "binary": "longblob", "timestamp[us]": "datetime(6)"},
    "sqlite": {"string": "text", "binary": "blob", "decimal128(18, 4)": "decimal_text(18, 4)"},
    "duckdb": {"string": "varchar", "binary": "blob"},
    "mssql": {
        "string": "nvarchar(max)",
        "binary": "varbinary(max)",
        "bool": "bit",
        "double": "float",
        "timestamp[us]": "datetime2(6)",
    },
}
PLAIN = {
    "int64": "bigint",
    "int32": "integer",
    "bool": "boolean",
    "double": "double",
    "date32[day]": "date",
    "timestamp[us]": "timestamp",
    "decimal128(18, 4)": "decimal(18, 4)",
}


def made(kind: str, table: str, like: pa.Schema) -> str:
    """The statement that makes the table; a source has a key, as tables that are in use have."""
    words = {**PLAIN, **WORDS[kind]}
    columns = [f"{field.name} {words[str(field.type)]}" for field in like]
    key = ", primary key (id)" if table == "source" and kind != "duckdb" else ""
    return f"create table {table} ({', '.join(columns)}{key})"


def shaped(batch: Any, like: pa.Schema) -> pa.RecordBatch:
    """Each column as its type: what the driver sends as text is parsed."""
    columns = []
    for values, field in zip(batch.columns, like, strict=True):
        plain = values.storage if hasattr(values, "storage") else values
        columns.append(plain if plain.type == field.type else _cast(plain, field.type))
    return pa.RecordBatch.from_arrays(columns, schema=like)


def _cast(values: Any, kind: Any) -> Any:
    if pa.types.is_boolean(kind) and pa.types.is_string(values.type):
        return values.cast(pa.int8()).cast(kind)
    return values.cast(kind)


def parquet(file: str) -> Iterator[pa.RecordBatch]:
    yield from pq.ParquetFile(file).iter_batches(ROWS)


def to_parquet(batches: Iterable[pa.RecordBatch], file: str, like: pa.Schema) -> None:
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    held: list[pa.RecordBatch] = []
    with pq.ParquetWriter(file, like, compression="zstd", compression_level=1) as writer:
        for batch in batches:
            held.append(batch)
            if sum(map(len, held)) >= GROUP:
                writer.write_table(pa.Table.from_batches(held))
                held.clear()
        if held:
            writer.write_table(pa.Table.from_batches(held))


class Postgres:
    """ADBC, both ways: a binary COPY."""

    def __init__(self, place: str) -> None:
        import adbc_driver_postgresql.dbapi as adbc

        self._db = adbc.connect(place)

    def read(self, table: str, like: pa.Schema) -> Iterator[pa.RecordBatch]:
        with self._db.cursor() as cursor:
            cursor.adbc_statement.set_options(
                **{"adbc.postgresql.batch_size_hint_bytes": str(8 << 20)}
            )
            cursor.execute(f"select {', '.join(like.names)} from {table}")
            for batch in cursor.fetch_record_batch():
                yield shaped(batch, like)

    def write(self, table: str, batches: Iterable[pa.RecordBatch], like: pa.Schema) -> None:
        schema, _, name = table.rpartition(".")
        with self._db.cursor() as cursor:
            cursor.execute(made("postgres", table, like))
            reader = pa.RecordBatchReader.from_batches(like, batches)
            cursor.adbc_ingest(name, reader, mode="append", db_schema_name=schema or None)
        self._db.commit()


class Mysql:
    """PyMySQL: an unbuffered cursor whose texts Arrow parses, and LOAD DATA of Polars' CSV."""

    def __init__(self, place: str) -> None:
        import pymysql
        from pymysql.cursors import SSCursor

        url = urlsplit(place)
        self._db = pymysql.connect(
            host=url.hostname,
            port=url.port or 3306,
            user=url.username,
            database=url.path.lstrip("/"),
            charset="utf8mb4",
            local_infile=True,
            autocommit=None,  # as the server has it: on
            conv={},
            cursorclass=SSCursor,
        )

    def read(self, table: str, like: pa.Schema) -> Iterator[pa.RecordBatch]:
        wires = [pa.binary() if field.type == pa.binary() else pa.string() for field in like]
        with self._db.cursor() as cursor:
            cursor.execute(f"select {', '.join(like.names)} from {table}")
            while rows := cursor.fetchmany(16_384):
                columns = zip(zip(*rows, strict=True), wires, strict=True)
                arrays = [pa.array(values, wire) for values, wire in columns]
                yield shaped(pa.RecordBatch.from_arrays(arrays, names=like.names), like)

    def write(self, table: str, batches: Iterable[pa.RecordBatch], like: pa.Schema) -> None:
        import polars as pl

        raw = {field.name for field in like if field.type == pa.binary()}
        names = [f"@{name}" if name in raw else name for name in like.names]
        sets = "".join(f" set {name} = unhex(@{name})" for name in sorted(raw))
        with self._db.cursor() as cursor:
            cursor.execute(made("mysql", table, like))
            cursor.execute("start transaction")
            for batch in batches:
                rows = pl.DataFrame(pl.from_arrow(batch)).with_columns(
                    pl.col(pl.Boolean).cast(pl.Int8), pl.col(pl.Binary).bin.encode("hex")
                )
                handle = os.memfd_create("bare")
                with os.fdopen(handle, "wb") as file:
                    rows.write_csv(
                        file,
                        include_header=False,
                        separator="\t",
                        quote_style="never",
                        null_value="\\N",
                    )
                    file.flush()
                    cursor.execute(
                        f"load data local infile '/proc/self/fd/{handle}' into table {table} "
                        f"character set utf8mb4 fields terminated by '\\t' "
                        f"({', '.join(names)}){sets}"
                    )
        self._db.commit()


class Sqlite:
    """ADBC, both ways; what SQLite has no type for is text."""

    def __init__(self, place: str) -> None:
        import adbc_driver_sqlite.dbapi as adbc

        self._db = adbc.connect(f"file:{place}", autocommit=True)
        self._set("pragma journal_mode = wal")
        self._set("pragma synchronous = full")

    def _set(self, sql: str) -> None:
        with self._db.cursor() as cursor:
            cursor.execute(sql).fetchall()

    def read(self, table: str, like: pa.Schema) -> Iterator[pa.RecordBatch]:
        with self._db.cursor() as cursor:
            cursor.execute(f"select {', '.join(like.names)} from {table}")
            for batch in cursor.fetch_record_batch():
                yield shaped(batch, like)

    def write(self, table: str, batches: Iterable[pa.RecordBatch], like: pa.Schema) -> None:
        with self._db.cursor() as cursor:
            cursor.execute(made("sqlite", table, like))
            lying = pa.schema([field.with_type(_lying(field.type)) for field in like])
            cursor.execute("begin immediate")
            ready = (batch.cast(lying) for batch in batches)
            reader = pa.RecordBatchReader.from_batches(lying, ready)
            cursor.adbc_ingest(table, reader, mode="append")
            cursor.execute("commit")


class Mssql:
    """mssql-python: its Arrow reader, and its bulk copy of Arrow."""

    def __init__(self, place: str) -> None:
        import mssql_python

        url = urlsplit(place)
        words = {
            "Server": f"{url.hostname},{url.port}",
            "Database": url.path.lstrip("/"),
            "UID": url.username,
            "PWD": url.password,
            "Encrypt": "no",
            "TrustServerCertificate": "yes",
        }
        text = ";".join(f"{key}={value}" for key, value in words.items())
        mssql_python.pooling(enabled=False)
        self.db = mssql_python.connect(text, autocommit=True)
        self.cursor = self.db.cursor

    def read(self, table: str, like: pa.Schema) -> Iterator[pa.RecordBatch]:
        with self.cursor() as cursor:
            cursor.execute(f"select {', '.join(like.names)} from {table}")
            for batch in cursor.arrow_reader(batch_size=16_384):
                yield shaped(batch, like)

    def write(self, table: str, batches: Iterable[pa.RecordBatch], like: pa.Schema) -> None:
        with self.cursor() as cursor:
            cursor.execute(made("mssql", table, like))
            cursor.bulkcopy_arrow(table, batches, timeout=0)


def _lying(kind: Any) -> Any:
    """What a type is in a file of SQLite."""
    if pa.types.is_boolean(kind):
        return pa.int64()
    return pa.string() if pa.types.is_decimal(kind) or pa.types.is_temporal(kind) else kind


class Duckdb:
    """DuckDB itself, by Arrow."""

    def __init__(self, place: str) -> None:
        import duckdb

        self._db = duckdb.connect(place)

    def read(self, table: str, like: pa.Schema) -> Iterator[pa.RecordBatch]:
        found = self._db.sql(f"select {', '.join(like.names)} from {table}")
        for batch in found.to_arrow_reader(ROWS):
            yield shaped(batch, like)

    def write(self, table: str, batches: Iterable[pa.RecordBatch], like: pa.Schema) -> None:
        self._db.execute(made("duckdb", table, like))
        self._db.register("arriving", pa.RecordBatchReader.from_batches(like, batches))
        self._db.execute(f"insert into {table} select * from arriving")


KINDS: dict[str, Any] = {
    "postgres": Postgres,
    "mysql": Mysql,
    "sqlite": Sqlite,
    "duckdb": Duckdb,
    "mssql": Mssql,
}


def main(verb: str, kind: str, place: str, table: str, file: str, like: str) -> None:
    columns = pq.read_schema(like).remove_metadata()
    database = KINDS[kind](place)
    if verb == "read":
        to_parquet(database.read(table, columns), file, columns)
    elif verb == "write":
        database.write(table, parquet(file), columns)
    else:  # to a table whose name is in place of the file's
        database.write(file, KINDS[kind](place).read(table, columns), columns)


if __name__ == "__main__":
    main(*sys.argv[1:])
