"""Reads a table that lies in this process's memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import polars as pl
from pydantic import Field

from hygge.core.config import Connections
from hygge.core.errors import ConfigError, SourceChanged, SourceMissing
from hygge.core.home import BlockingHome, Bound, HomeCapabilities, HomeConfig, ReadRequest
from hygge.core.partition import WHOLE, Partition
from hygge.core.schema import OPERATION, TableSchema
from hygge.core.watermark import Watermark, greatest, highest
from hygge.databases.memory import MemoryTable, Page, table
from hygge.homes.asked import in_window


class MemoryHomeConfig(HomeConfig):
    """Where to read from."""

    table: str = Field(description="The table's name in this process")
    batch_rows: int = Field(default=262_144, ge=1, description="Rows in one batch, at most")


class MemoryHome(BlockingHome[MemoryHomeConfig]):
    """A table in memory: one partition a page, named and versioned as its pages are."""

    Config = MemoryHomeConfig
    capabilities = HomeCapabilities(incremental=True, partitions=True, columns=True, where=True)

    def __init__(self, config: MemoryHomeConfig) -> None:
        self.config = config

    @classmethod
    def build(cls, config: MemoryHomeConfig, connections: Connections) -> MemoryHome:
        return cls(config)

    @property
    def identity(self) -> str:
        return f"memory:{os.getpid()}/{self.config.table}"

    def table_schema(self) -> TableSchema:
        found = self._table().schema
        assert found is not None
        return found

    def bound(self, column: str) -> Bound:
        self.table_schema()[column]
        top: Watermark | None = None
        for page in self._table().pages:
            top = highest(top, greatest(page.rows[column]))
        return Bound(top)

    def split(self, request: ReadRequest) -> Sequence[Partition]:
        return [Partition(page.name, page.version) for page in self._table().pages]

    def batches(self, request: ReadRequest, partition: Partition) -> Iterator[pl.DataFrame]:
        names = self._columns(request)
        for page in self._pages(partition):
            rows = _asked(page.rows, request).select(names)
            yield from rows.iter_slices(self.config.batch_rows)

    def _table(self) -> MemoryTable:
        found = table(self.config.table)
        if found.schema is None:
            raise SourceMissing("there is no such table in memory", table=self.config.table)
        return found

    def _columns(self, request: ReadRequest) -> Sequence[str]:
        schema = self.table_schema()
        asked = request.schema.names if request.schema else request.columns or schema.names
        return schema.select(asked).names

    def _pages(self, partition: Partition) -> Sequence[Page]:
        pages = self._table().pages
        if partition == WHOLE:
            return pages
        for page in pages:
            if page.name == partition.name and partition.version in (None, page.version):
                return [page]
        raise SourceChanged(
            "this partition is not what it was when the run began",
            table=self.config.table,
            partition=partition.name,
        )


class MemoryChanges(MemoryHome):
    """A table of changes in memory: its last column `__op__` is 0 for an upsert, 1 for a delete."""

    capabilities = HomeCapabilities(
        incremental=True, partitions=True, columns=True, where=True, deletes=True
    )

    def table_schema(self) -> TableSchema:
        schema = super().table_schema()
        if schema.names[-1] != OPERATION:
            raise ConfigError(f"{self.config.table} has no last column {OPERATION}")
        return schema

    def _columns(self, request: ReadRequest) -> Sequence[str]:
        names = super()._columns(request)
        return [*(name for name in names if name != OPERATION), OPERATION]


def _asked(rows: pl.DataFrame, request: ReadRequest) -> pl.DataFrame:
    """Rows without a position are always given: the flow decides what becomes of them."""
    if request.where is not None:
        rows = _where(rows, request.where)
    return rows.filter(*(condition for condition, _ in in_window(request)))


def _where(rows: pl.DataFrame, condition: str) -> pl.DataFrame:
    try:
        return rows.filter(pl.sql_expr(condition))
    except pl.exceptions.PolarsError as failed:
        told = str(failed).partition("\n")[0]
        raise ConfigError(f"`where` cannot be used: {told}", hint="a SQL condition") from failed
