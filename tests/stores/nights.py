"""Nights: one flow after the other from memory into a table of a database, and what it has then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
from tests.rigs import mysql, postgres
from tests.rigs.duckdb import DuckdbStoreRig
from tests.rigs.memory import MemoryHomeRig
from tests.rigs.mysql import MysqlStoreRig
from tests.rigs.postgres import PostgresStoreRig
from tests.rigs.sqlite import SqliteStoreRig

from hygge.core.events import Event, Notice
from hygge.core.schema import TableSchema
from hygge.databases import memory
from hygge.databases.arriving import arrived
from hygge.flow.flow import Flow
from hygge.flow.report import FlowReport
from hygge.flow.settings import FlowSettings
from hygge.journal.sqlite import SqliteJournal
from hygge.stores.sql import SqlStore
from hygge.testing.harness import StoreRig

RIGS: list[type[StoreRig]] = [DuckdbStoreRig, MysqlStoreRig, PostgresStoreRig, SqliteStoreRig]
MERGE: dict[str, Any] = {"run_type": "incremental", "watermark": "pos", "keys": ["id"]}
APPEND: dict[str, Any] = {"run_type": "incremental", "watermark": "pos"}


class Nights:
    """A source in memory, and `people` in a database."""

    def __init__(self, rig: StoreRig, tmp: Path) -> None:
        self.rig, self.source = rig, MemoryHomeRig(tmp)
        self.journal = tmp / "journal.db"
        self.heard: list[Event] = []

    def run(self, frame: pl.DataFrame, *required: str, **settings: Any) -> FlowReport:
        """One night with these rows in the source; `required` columns are not null there."""
        self.source.give(frame)
        table = memory.table(self.source.table)
        assert table.schema is not None
        columns = (c if c.name not in required else _required(c) for c in table.schema.columns)
        table.schema = TableSchema(tuple(columns))
        self.heard.clear()
        store, home = self.rig.store(), self.source.home()

        async def night() -> FlowReport:
            async with SqliteJournal(self.journal) as journal:
                made = FlowSettings(retries=0, **{**MERGE, **settings})
                return await Flow(
                    "people", home, store, journal, made, listen=self.heard.append
                ).run()

        return asyncio.run(night())

    def done(self, frame: pl.DataFrame, *required: str, **settings: Any) -> FlowReport:
        report = self.run(frame, *required, **settings)
        if report.error is not None:
            raise report.error
        return report

    @property
    def told(self) -> str:
        return "\n".join(event.text for event in self.heard if isinstance(event, Notice))

    def messages(self) -> list[str | None]:
        """What the journal has of each night, the last first."""

        async def asked() -> list[str | None]:
            async with SqliteJournal(self.journal) as journal:
                return [run.message for run in await journal.history(10)]

        return asyncio.run(asked())

    def ask(self, sql: str) -> list[Any]:
        """By another's hand; `people` is the table."""
        match self.rig:
            case PostgresStoreRig():
                return postgres.ask(sql.replace("people", f"{self.rig.schema}.people"))
            case MysqlStoreRig():
                return mysql.ask(self.rig.database, sql)
            case SqliteStoreRig() | DuckdbStoreRig():
                return self.rig.ask(sql)
        raise AssertionError(self.rig)

    def natives(self) -> dict[str, str]:
        """The types that the columns have there."""
        return {field.column.name: field.native for field in self._fields()}

    def nullable(self) -> dict[str, bool]:
        return {field.column.name: field.column.nullable for field in self._fields()}

    def _fields(self) -> Sequence[Any]:
        store = self.rig.store()
        assert isinstance(store, SqlStore)
        with closing(store.database.connect()) as session:
            return session.fields(store.target)

    def rows(self, *names: str) -> pl.DataFrame:
        """These columns as the database's own reader gives them, by id."""
        store = self.rig.store()
        assert isinstance(store, SqlStore)
        with closing(store.database.connect()) as session:
            fields = [f for f in session.fields(store.target) if f.column.name in ("id", *names)]
            reads = ", ".join(field.read for field in fields)
            sql = f"select {reads} from {store.database.named(store.target)}"
            with closing(session.batches(sql, (), fields)) as batches:
                found = pl.concat([arrived(batch, fields) for batch in batches])
        return found.sort("id").select("id", *names)

    def remembered(self) -> TableSchema:
        found = asyncio.run(self.rig.store().schema())
        assert found is not None
        return found


def _required(column: Any) -> Any:
    return type(column)(column.name, column.type, nullable=False)


def frame(ids: Sequence[int], **columns: Any) -> pl.DataFrame:
    """Rows with these ids, whose watermark is their id."""
    made = {"id": pl.Series(ids, dtype=pl.Int64), "pos": pl.Series(ids, dtype=pl.Int64)}
    return pl.DataFrame({**made, **columns})
