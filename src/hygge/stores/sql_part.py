"""One try at a partition of a load into a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from hygge.core.blocking_store import BlockingPart
from hygge.core.errors import LoadLost, SourceMissing, StoreError
from hygge.core.inflow import Inflow
from hygge.core.partition import Partition
from hygge.core.store import Mode, StagedPart
from hygge.databases.database import Session
from hygge.stores.sql_workers import Workers

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
        self._inflow: Inflow[pl.DataFrame] | Workers | None = None
        self._waiting = list[pl.DataFrame]()
        self._rows, self._bytes = 0, 0.0  # of what waits: batches may be many, and small
        self._changed = Counter[str]()

    def open(self) -> None:
        if not self._load.one_writer:
            self._own = self._load.database.connect(write=True)

    def write(self, batch: pl.DataFrame) -> None:
        schema = self._load.request.schema
        schema.check(batch)
        if not batch.height:
            return
        batch, changed = self._load.lossy.bent(self._load.database, batch, schema)
        self._refuse_other_keys(changed)
        self._changed += changed
        self._inflow = self._inflow or self._begun()
        self._waiting.append(batch)
        self._rows, self._bytes = self._rows + batch.height, self._bytes + batch.estimated_size()
        many = self._rows >= self._load.database.insert_rows or self._bytes >= _HEAVY
        if many or isinstance(self._inflow, Inflow):
            self._add()

    def _refuse_other_keys(self, changed: Counter[str]) -> None:
        """A key that is changed may become another's, and what tells the latest may tie."""
        request = self._load.request
        latest = request.latest if request.mode is Mode.MERGE else None
        for name in filter(None, (*request.keys, latest)):
            if changed[name]:
                raise StoreError(
                    "a value cannot be held exactly, and this column tells rows apart",
                    column=name,
                    hint="leave it out of `allow_lossy`, and cast it to string in the source",
                )

    def _begun(self) -> Inflow[pl.DataFrame] | Workers | None:
        """What takes rows as they come; None: they are inserted many at a time."""
        load = self._load
        if load.workers == 1:
            return self._session.inflow(load.staged)
        connect = partial(load.database.connect, write=True)
        return Workers(connect, load.staged, load.workers, load.database.insert_rows)

    def _add(self) -> None:
        if self._waiting:
            rows, self._waiting = pl.concat(self._waiting), []
            self._rows, self._bytes = 0, 0.0
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
        return StagedPart(self._load_id, self._partition, rows, pieces, changed=dict(self._changed))

    def interrupt(self) -> None:
        if isinstance(self._inflow, Workers):
            self._inflow.interrupt()
        if self._own is not None:
            self._own.interrupt()
        elif self._load.one_writer:
            self._load.interrupt()

    def close(self) -> None:
        if isinstance(self._inflow, Inflow) and not self._inflow.over and self._own is not None:
            self._own.interrupt()  # it may wait for a lock, and nobody wants its rows any more
        if self._inflow is not None:
            self._inflow.abandon()
        if self._own is not None:
            self._own.close()
