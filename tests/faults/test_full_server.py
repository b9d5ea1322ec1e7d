"""A server whose disk is full in the middle of a load: all stays, and goes on later."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import psycopg
import pymysql
import pytest
from tests.faults.scene import MODES, Named
from tests.rigs.memory import MemoryHomeRig
from tests.servers import mysql, postgres

from hygge.core.errors import HyggeError
from hygge.core.store import StoreConfig
from hygge.flow.factory import store_of
from hygge.flow.flow import Flow
from hygge.flow.report import FlowReport
from hygge.flow.settings import FlowSettings
from hygge.flow.terms import Terms
from hygge.journal.memory import MemoryJournal

FEW = pl.DataFrame({"id": [1, 2, 3], "word": ["a", "b", "c"]})
Ask = Callable[[str], Any]


def many() -> pl.DataFrame:
    """Some 30 MB that cannot be made smaller."""
    words = [secrets.token_hex(1500) for _ in range(10_000)]
    return pl.DataFrame({"id": range(len(words)), "word": words})


@contextmanager
def small_postgres(tmp: Path) -> Iterator[tuple[Named, Ask, str]]:
    """A tablespace on a filesystem of 16 MB, where our role's tables go."""
    if os.getuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small filesystem")
    url = postgres.url()
    disk = Path(f"/tmp/hygge-small-{secrets.token_hex(4)}")
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16M", "tmpfs", str(disk)], check=True)
    name = disk.name.replace("-", "_")
    try:
        space = disk / "space"
        space.mkdir()
        shutil.chown(space, postgres.USER)

        def ask(sql: str) -> Any:
            with psycopg.connect(url, autocommit=True) as db:
                found = db.execute(sql.encode())
                return found.fetchall() if found.description else None

        ask(f"create tablespace {name} location '{space}'")
        ask(f"create schema {name}")
        options = f"-c default_tablespace={name} -c search_path={name}"
        yield Named(type="postgres", url=f"{url}?options={quote(options)}"), ask, name
        ask(f"drop schema {name} cascade")
        ask(f"drop tablespace {name}")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
        disk.rmdir()


@contextmanager
def small_mysql(tmp: Path) -> Iterator[tuple[Named, Ask, str]]:
    """A server whose tables share one file, which may not grow beyond 40 MB."""
    host, port = mysql.address(
        "--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:12M:autoextend:max:40M"
    )

    def ask(sql: str) -> Any:
        with (
            pymysql.connect(host=host, port=port, user="root", autocommit=True) as db,
            db.cursor() as cursor,
        ):
            cursor.execute(sql)
            return cursor.fetchall()

    ask("create database small")
    yield Named(type="mysql", url=f"mysql://root@{host}:{port}/small"), ask, "small"


@pytest.mark.parametrize(
    "small",
    [small_postgres, pytest.param(small_mysql, marks=pytest.mark.long)],
    ids=["postgres", "mysql"],
)
def test_a_full_server_is_told_of_and_nothing_changes(tmp_path: Path, small: Any) -> None:
    source = MemoryHomeRig(tmp_path)
    with small(tmp_path) as (connection, ask, schema):
        config = {"type": connection.settings("db")["type"], "connection": "db", "table": "people"}
        settings = FlowSettings(**{"retries": 1, **MODES["append"]})
        journal = MemoryJournal()

        def run() -> FlowReport:
            store = store_of(StoreConfig.create(config), connection)
            flow = Flow("people", source.home(), store, journal, settings)
            return asyncio.run(flow.run(Terms(pause=lambda _: asyncio.sleep(0))))

        source.give(FEW)
        assert run().error is None
        source.give(FEW, many().with_columns(pl.col("id") + 10))
        failed = run()
        assert isinstance(failed.error, HyggeError)
        assert "full" in str(failed.error) or "No space left" in str(failed.error)
        assert list(ask(f"select id, word from {schema}.people order by id")) == FEW.rows()
        source.give(FEW, FEW.with_columns(pl.col("id") + 10))
        later = run()
        assert later.error is None, later.error
        assert len(ask(f"select id from {schema}.people")) == 6
