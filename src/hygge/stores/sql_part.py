"""One try at a partition of a load into a table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl

from hygge.core.blocking_store import BlockingPart
from hygge.core.errors import LoadLost, SourceMissing
from hygge.core.partition import Partition
from hygge.core.store import StagedPart
from hygge.databases.database import Session

if TYPE_CHECKING:
    from hygge.stores.sql_load import SqlLoad

_HEAVY = 64 * 2**20
"""Bytes that a part keeps waiting, at most."""


class SqlPart(BlockingPart):
    """Adds rows to the staging table, many at a time."""

    def __init__(self, load: SqlLoad, partition: Partition) -> None:
        self._load, self._partition = load, partition
        self._try = load.pieces.begin()
        self._own: Session | None = None
        self._waiting = list[pl.DataFrame]()
        self._changed = Counter[str]()

    def open(self) -> None:
        if not self._load.one_writer:
            self._own = self._load.database.connect(write=True)

    def write(self, batch: pl.DataFrame) -> None:
        schema = self._load.request.schema
        schema.check(batch)
        batch, changed = self._load.lossy.bent(self._load.database, batch, schema)
        self._changed += changed
        self._waiting += [batch] if batch.height else []
        rows = sum(batch.height for batch in self._waiting)
        if rows >= self._load.database.insert_rows or self._heavy():
            self._add()

    def _heavy(self) -> bool:
        return sum(batch.estimated_size() for batch in self._waiting) >= _HEAVY

    def _add(self) -> None:
        if self._waiting:
            rows, self._waiting = pl.concat(self._waiting), []
            try:
                self._try.add(self._own or self._load.session, self._load.staged, rows)
            except SourceMissing as failed:
                raise LoadLost("what was staged is gone", load_id=self._load_id) from failed

    @property
    def _load_id(self) -> str:
        return self._load.request.load_id

    def finish(self) -> StagedPart:
        self._add()
        session = self._own or self._load.session
        if not session.fields(self._load.staged):
            raise LoadLost("this load was erased", load_id=self._load_id)
        pieces = self._try.pieces
        rows = sum(piece.rows for piece in pieces)
        return StagedPart(self._load_id, self._partition, rows, pieces, changed=dict(self._changed))

    def interrupt(self) -> None:
        if self._own is not None:
            self._own.interrupt()
        elif self._load.one_writer:
            self._load.interrupt()

    def close(self) -> None:
        if self._own is not None:
            self._own.close()
