"""Two hundred tables of SQL Server through three connections."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.rigs import mssql

import hygge
from hygge.connections.pool import Line
from hygge.core.errors import HomeError
from hygge.core.journal import Status
from hygge.databases.mssql_line import Bulk, Talk

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


class Alive:
    """The connections of this process, from before each is made until it is closed."""

    def __init__(self) -> None:
        self.lines, self.kinds, self.most = set[Line](), set[type](), 0
        self._lock = threading.Lock()

    def begins(self, line: Line) -> None:
        with self._lock:
            self.lines.add(line)
            self.kinds.add(type(line))
            self.most = max(self.most, len(self.lines))

    def ends(self, line: Line) -> None:
        with self._lock:
            self.lines.discard(line)


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> Alive:
    found = Alive()

    def watch(kind: type[Talk] | type[Bulk]) -> None:
        make, close = kind.__init__, kind.close

        def made(self: Any, *given: Any) -> None:
            found.begins(self)
            try:
                make(self, *given)
            except BaseException:
                found.ends(self)
                raise

        def closed(self: Any) -> None:
            close(self)
            found.ends(self)

        monkeypatch.setattr(kind, "__init__", made)
        monkeypatch.setattr(kind, "close", closed)

    watch(Talk)
    watch(Bulk)
    return found


@pytest.mark.timeout(240)
def test_all_tables_but_the_one_that_is_bad(tmp_path: Path, alive: Alive) -> None:
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
    assert "`moments: microseconds`" in str(failed.error.hint)
    assert len(report.of(Status.SUCCESS)) == TABLES - 1
    assert 0 < max(seen) <= 3
    assert alive.most <= 3
    assert not alive.lines
    for n in range(TABLES):
        if n != BAD:
            rows = pl.read_parquet(tmp_path / "lake" / f"t{n:03}")
            assert sorted(rows["id"]) == sorted([n, -1])


@pytest.mark.timeout(240)
def test_statements_and_loads_in_bulk_share_three_connections(tmp_path: Path, alive: Alive) -> None:
    """Home and store are one database; one table must not be written."""
    database = f"many_{secrets.token_hex(6)}"
    mssql.ask(f"create database {database}")
    names = [f"t{n:02}" for n in range(12)]
    with mssql.connected(database) as db, db.cursor() as cursor:
        cursor.execute("create table t07_copy (id int); insert into t07_copy values (1), (2)")
        for n, name in enumerate(names):
            cursor.execute(f"create table {name} (id int not null primary key)")
            rows = ", ".join(f"({i})" for i in range(n + 1))
            cursor.execute(f"insert into {name} values {rows}")
    (tmp_path / "hygge.yml").write_text(
        f"connections: {{many: {{url: '{mssql.url(database)}', pool_size: 3}}}}\n"
        "flows: {all: {home: {type: sql, connection: many, table: 'dbo.{entity}'}, "
        "store: {type: sql, connection: many, table: 'dbo.{entity}_copy'}, "
        f"entities: [{', '.join(names)}], retries: 0}}}}\n"
    )
    report = hygge.run(tmp_path)
    (failed,) = report.of(Status.FAIL)
    assert failed.name == "all.t07"
    assert "did not put there" in str(failed.error)
    assert len(report.of(Status.SUCCESS)) == len(names) - 1
    assert alive.most <= 3
    assert alive.kinds == {Talk, Bulk}
    assert not alive.lines
    for n, name in enumerate(names):
        found = mssql.ask(f"select id from {name}_copy", database=database)
        wanted = [(1,), (2,)] if name == "t07" else [(i,) for i in range(n + 1)]
        assert sorted(found) == wanted
