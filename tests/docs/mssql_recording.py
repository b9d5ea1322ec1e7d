"""Every statement that hygge sends to SQL Server, by what it is sent for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.rigs import mssql
from tests.rigs.memory import MemoryHomeRig

from hygge.core.home import HomeConfig
from hygge.core.store import StoreConfig
from hygge.databases.mssql import MssqlSession
from hygge.databases.mssql_line import Bulk
from hygge.flow.factory import NoConnections
from hygge.flow.flow import Flow
from hygge.flow.settings import FlowSettings
from hygge.homes.sql import SqlHome
from hygge.homes.sql_config import SqlHomeConfig
from hygge.journal.memory import MemoryJournal
from hygge.stores.sql import SqlStore, SqlStoreConfig

DAYS = [datetime(2024, 1, day) for day in (1, 2, 3)]
ROWS = pl.DataFrame(
    {"id": [1, 2, 3], "name": ["a", "b", "c"], "at": DAYS},
    schema_overrides={"at": pl.Datetime("us")},
)
MERGE: dict[str, Any] = {"run_type": "incremental", "watermark": "at", "keys": ["id"]}
_NAMES = [
    (re.compile(r"_hygge_[0-9a-f]{24}"), "_hygge_<load>"),
    (re.compile(r"_hygge_[0-9a-f]{16}\b"), "_hygge_<index>"),
    (re.compile(r"\[_hygge_part\] in \([\d, ]+\)"), "[_hygge_part] in (<tries>)"),
    (re.compile(r"when \d{6,} then"), "when <try> then"),
    (re.compile(r"'20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00:00'"), "'<begun>'"),
    (re.compile(r"crash_\w+|doc_[0-9a-f]{12}"), "shop"),
]


class Recording:
    """What was sent, in order; a statement that was sent before is not shown again."""

    def __init__(self, tmp: Path) -> None:
        self.chapters: list[tuple[str, list[str]]] = []
        self.source, self.journal = MemoryHomeRig(tmp), MemoryJournal()

    def note(self, sql: str) -> None:
        for pattern, word in _NAMES:
            sql = pattern.sub(word, sql)
        if all(sql not in said for _, said in self.chapters):
            self.chapters[-1][1].append(sql)

    def begin(self, title: str) -> None:
        self.chapters.append((title, []))

    def load(
        self,
        rows: pl.DataFrame,
        table: str,
        into: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        """`into`: more settings of the store."""
        self.source.give(rows)
        self.run(self.source.home(), store(table, **(into or {})), **settings)

    def run(self, home: Any, target: Any, **settings: Any) -> None:
        flow = Flow("people", home, target, self.journal, FlowSettings(retries=0, **settings))
        report = asyncio.run(flow.run())
        if report.error is not None:
            raise report.error


def store(table: str, **more: Any) -> SqlStore:
    known = {"type": "mssql", "connection": mssql.url(), "table": table}
    config = StoreConfig.create({**known, **more})
    assert isinstance(config, SqlStoreConfig)
    return SqlStore.build(config, NoConnections())


def home(**settings: Any) -> SqlHome:
    config = HomeConfig.create({"type": "mssql", "connection": mssql.url(), **settings})
    assert isinstance(config, SqlHomeConfig)
    return SqlHome.build(config, NoConnections())


@contextmanager
def recorded(recording: Recording, patch: pytest.MonkeyPatch) -> Iterator[None]:
    rows, change, batches = MssqlSession.rows, MssqlSession.change, MssqlSession.batches
    load = Bulk.load

    def on_rows(self: MssqlSession, sql: str, *values: Any) -> Any:
        recording.note(sql)
        return rows(self, sql, *values)

    def on_change(self: MssqlSession, sql: str, *values: Any) -> None:
        recording.note(sql)
        change(self, sql, *values)

    def on_batches(self: MssqlSession, sql: str, values: Sequence[Any], fields: Any) -> Any:
        recording.note(sql)
        return batches(self, sql, values, fields)

    def on_load(self: Bulk, table: str, data: Any, columns: list[str]) -> int:
        recording.note(f"-- bulk load into {table} ({', '.join(columns)})")
        return load(self, table, data, columns)

    with patch.context() as patched:
        patched.setattr(MssqlSession, "rows", on_rows)
        patched.setattr(MssqlSession, "change", on_change)
        patched.setattr(MssqlSession, "batches", on_batches)
        patched.setattr(Bulk, "load", on_load)
        yield
