"""One try at a partition of a load into a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import polars as pl

from hygge.core.blocking_store import BlockingPart
from hygge.core.errors import LoadLost, SourceMissing
from hygge.core.inflow import Inflow
from hygge.core.partition import Partition
from hygge.core.store import StagedPart
from hygge.databases.database import Session

if TYPE_CHECKING:
    from hygge.stores.sql_load import SqlLoad

_HEAVY = 64 * 2**20
"""Bytes that a part keeps waiting, at most."""


class SqlPart(BlockingPart):
    """Adds rows to the staging table, as they come or many at a time."""

    def __init__(self, load: SqlLoad, partition: Partition) -> None:
        self._load, self._partition = load, partition
        self._try = load.pieces.begin()
        self._own: Session | None = None
        self._inflow: Inflow[pl.DataFrame] | None = None
        self._waiting = list[pl.DataFrame]()

    def open(self) -> None:
        if not self._load.one_writer:
            self._own = self._load.database.connect(write=True)

    def write(self, batch: pl.DataFrame) -> None:
        self._load.request.schema.check(batch)
        if not batch.height:
            return
        self._inflow = self._inflow or self._session.inflow(self._load.staged)
        self._waiting.append(batch)
        if self._inflow or self._many() or self._heavy():
            self._add()

    def _many(self) -> bool:
        return sum(batch.height for batch in self._waiting) >= self._load.database.insert_rows

    def _heavy(self) -> bool:
        return sum(batch.estimated_size() for batch in self._waiting) >= _HEAVY

    def _add(self) -> None:
        if self._waiting:
            rows, self._waiting = pl.concat(self._waiting), []
            with self._staging():
                self._try.add(self._insert, rows)

    def _insert(self, rows: pl.DataFrame) -> int | None:
        if self._inflow is not None:
            self._inflow.put(rows)
            return None
        return self._session.insert(self._load.staged, rows)

    @contextmanager
    def _staging(self) -> Iterator[None]:
        try:
            yield
        except SourceMissing as failed:
            raise LoadLost("what was staged is gone", load_id=self._load_id) from failed

    @property
    def _session(self) -> Session:
        return self._own or self._load.session

    @property
    def _load_id(self) -> str:
        return self._load.request.load_id

    def finish(self) -> StagedPart:
        self._add()
        if self._inflow is not None:
            with self._staging():
                self._inflow.end()
        if not self._session.fields(self._load.staged):
            raise LoadLost("this load was erased", load_id=self._load_id)
        pieces = self._try.pieces
        rows = sum(piece.rows for piece in pieces)
        return StagedPart(self._load_id, self._partition, rows, pieces)

    def interrupt(self) -> None:
        if self._own is not None:
            self._own.interrupt()
        elif self._load.one_writer:
            self._load.interrupt()

    def close(self) -> None:
        if self._inflow is not None:
            self._inflow.abandon()
        if self._own is not None:
            self._own.close()
