"""Two hundred tables of SQL Server through three connections."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from tests.rigs import mssql

import hygge
from hygge.core.errors import HomeError
from hygge.core.journal import Status

TABLES = 200
BAD = 77
"""The table that cannot be read: a year that has no nanoseconds."""


@contextmanager
def counted(database: str) -> Iterator[list[int]]:
    """How many sessions the database has, looked at all the time."""
    seen, over = list[int](), threading.Event()

    def look() -> None:
        sql = "select count(*) from sys.dm_exec_sessions where database_id = db_id(?)"
        with mssql.connected() as db, db.cursor() as cursor:
            while not over.wait(0.01):
                seen.append(int(cursor.execute(sql, database).fetchall()[0][0]))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@pytest.mark.timeout(240)
def test_all_tables_but_the_one_that_is_bad(tmp_path: Path) -> None:
    database = f"many_{secrets.token_hex(6)}"
    mssql.ask(f"create database {database}")
    with mssql.connected(database) as db, db.cursor() as cursor:
        for n in range(TABLES):
            day = "9999-12-31" if n == BAD else "2024-02-29"
            made = f"create table t{n:03} (id int not null primary key, at datetime2)"
            cursor.execute(f"{made}; insert into t{n:03} values ({n}, '{day}'), (-1, null)")
    (tmp_path / "hygge.yml").write_text(
        f"connections: {{many: {{url: '{mssql.url(database)}', pool_size: 3}}}}\n"
        "flows: {all: {home: {type: sql, connection: many, table: 'dbo.{entity}'}, "
        "store: lake, entities: 't*', retries: 0}}\n"
    )
    with counted(database) as seen:
        report = hygge.run(tmp_path)
    (failed,) = report.of(Status.FAIL)
    assert failed.name == f"all.t{BAD:03}"
    assert isinstance(failed.error, HomeError)
    assert failed.error.where["column"] == "at"
    assert len(report.of(Status.SUCCESS)) == TABLES - 1
    assert 0 < max(seen) <= 3
    for n in range(TABLES):
        if n != BAD:
            rows = pl.read_parquet(tmp_path / "lake" / f"t{n:03}")
            assert sorted(rows["id"]) == sorted([n, -1])
