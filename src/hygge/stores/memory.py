"""Keeps a table in this process's memory."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import polars as pl
import xxhash
from pydantic import Field

from hygge.core.blocking_store import BlockingLoad, BlockingPart, BlockingStore
from hygge.core.config import Connections
from hygge.core.errors import LoadLost, StoreError
from hygge.core.lease import Lease
from hygge.core.partition import Partition
from hygge.core.reached import reached
from hygge.core.schema import DELETED_AT, OPERATION, Change, Column, SchemaChange, TableSchema
from hygge.core.store import (
    LoadRequest,
    Mode,
    Piece,
    Receipt,
    StagedPart,
    StoreCapabilities,
    StoreConfig,
)
from hygge.databases.memory import MemoryTable, Page, Tags, table
from hygge.stores.deleting import marks, refuse_deletes_without_keys
from hygge.stores.memory_columns import fitted, refuse_misfits, wide_enough
from hygge.stores.memory_merge import corrections, merged


class MemoryStoreConfig(StoreConfig):
    """Where to write to."""

    table: str = Field(description="The table's name in this process")


class MemoryStore(BlockingStore[MemoryStoreConfig]):
    """A table in memory. Everything a Store can do, for as long as the process lives."""

    Config = MemoryStoreConfig
    capabilities = StoreCapabilities(modes=frozenset(Mode), deletes=True, widens=True)

    def __init__(self, config: MemoryStoreConfig) -> None:
        self.config = config

    @classmethod
    def build(cls, config: MemoryStoreConfig, connections: Connections) -> MemoryStore:
        return cls(config)

    @property
    def identity(self) -> str:
        return f"memory:{os.getpid()}/{self.config.table}"

    @property
    def table(self) -> MemoryTable:
        return table(self.config.table)

    def open_load(self, request: LoadRequest) -> BlockingLoad:
        return _MemoryLoad(self.table, request)

    def settle(self, flow: str, load_id: str, *, keep: bool) -> Receipt | None:
        with self.table.lock:
            if keep and load_id not in self.table.fates:
                return None
            self.table.staged.pop(load_id, None)
            return self.table.fates.setdefault(load_id, None)

    def strays(self, flow: str) -> Sequence[str]:
        with self.table.lock:
            return sorted(self.table.staged)

    def newest(self, flow: str) -> Receipt | None:
        return _newest(self.table)

    def table_schema(self) -> TableSchema | None:
        with self.table.lock:
            schema = self.table.schema
            if schema is None or not self.table.marked:
                return schema
            return schema.select(name for name in schema.names if name != DELETED_AT)

    async def evolve(self, changes: Sequence[SchemaChange]) -> None:
        await self._on_thread("evolve", lambda: self._add(changes))

    def _add(self, changes: Sequence[SchemaChange]) -> None:
        with self.table.lock:
            schema = self.table.schema
            new = [c.after for c in changes if c.kind is Change.ADDED and c.after is not None]
            if schema is None or not (new := [c for c in new if c.name not in schema]):
                return
            added = tuple(Column(c.name, c.type) for c in new)
            wider = TableSchema((*schema.columns, *added), schema.keys)
            self.table.schema = wider
            self.table.pages = tuple(
                Page(page.name, fitted(page.rows, wider), secrets.token_hex(8))
                for page in self.table.pages
            )

    def probe(self) -> None:
        """Memory is always there."""

    async def lease(self, name: str, seconds: float) -> Lease:
        return await self._on_thread("lease", lambda: self.table.lease(name, seconds))

    async def renew(self, lease: Lease, seconds: float) -> None:
        await self._on_thread("renew", lambda: self.table.renew(lease, seconds))

    async def release(self, lease: Lease) -> None:
        await self._on_thread("release", lambda: self.table.release(lease))


class _MemoryLoad(BlockingLoad):
    def __init__(self, into: MemoryTable, request: LoadRequest) -> None:
        self.table, self.request = into, request

    def open(self) -> None:
        refuse_deletes_without_keys(self.request)
        with self.table.lock:
            if self.fate() is None:
                self.table.staged.setdefault(self.request.load_id, {})

    def close(self) -> None:
        """There is nothing to let go of."""

    def part(self, partition: Partition) -> BlockingPart:
        return _MemoryPart(self, partition)

    def verify(self, parts: Sequence[StagedPart]) -> Mapping[str, int]:
        return {part.partition.name: self._found(part) for part in parts}

    def corrections(self, parts: Sequence[StagedPart]) -> int:
        with self.table.lock:
            if self.request.most_gone is None or self.table.schema is None:
                return 0
            return corrections(self.table.rows(), self._rows_of(parts), self.request)

    def commit(self, parts: Sequence[StagedPart]) -> Receipt:
        with self.table.lock:
            if (done := self.fate()) is not None:
                return done
            request = self.request
            rows = [part for part in parts if not part.keys]
            keys = [part for part in parts if part.keys]
            pieces = [piece for part in rows for piece in part.pieces]
            deleted = self._publish(self._rows_of(rows), self._rows_of(keys))
            receipt = Receipt(
                load_id=request.load_id,
                flow=request.flow,
                rows=sum(part.rows for part in rows),
                bytes=sum(piece.bytes for piece in pieces),
                watermark=reached(request, parts),
                digests={piece.name: piece.digest or "" for piece in pieces},
                deleted=deleted,
                at=datetime.now(UTC),
                source=request.source,
                where=request.where,
                keys=request.keys,
                beyond=request.beyond,
                mode=request.mode,
            )
            del self.table.staged[request.load_id]
            self.table.fates[request.load_id] = receipt
            return receipt

    def fate(self) -> Receipt | None:
        """The receipt if this load is published. Raises LoadLost if it never can be."""
        mine, newest = self.request.load_id, _newest(self.table)
        if mine in self.table.fates:
            if (receipt := self.table.fates[mine]) is not None:
                return receipt
            raise LoadLost("this load was erased", load=mine)
        if (newest.load_id if newest else None) != self.request.base:
            raise LoadLost("another load was published meanwhile", load=mine)
        return None

    def staging(self) -> Tags:
        found = self.table.staged.get(self.request.load_id)
        if found is None:
            raise LoadLost("this load was erased", load=self.request.load_id)
        return found

    def _rows_of(self, parts: Sequence[StagedPart]) -> pl.DataFrame:
        staging = self.staging()
        names = [piece.name for part in parts for piece in part.pieces]
        if lost := [name for name in names if name not in staging]:
            raise StoreError(f"{len(lost)} staged pieces are gone", load=self.request.load_id)
        frames = [frame for name in names for frame in staging[name]]
        return pl.concat([pl.DataFrame(schema=self.request.schema.polars()), *frames])

    def _found(self, part: StagedPart) -> int:
        staging = self.table.staged.get(self.request.load_id, {})
        whole = all(_intact(staging.get(piece.name), piece) for piece in part.pieces)
        return part.rows if whole else 0

    def _publish(self, rows: pl.DataFrame, keys: pl.DataFrame) -> int:
        """How many rows were deleted by it."""
        mode, request, deleted = self.request.mode, self.request, 0
        schema = _without_operation(request.schema)
        pages, after, marked = self.table.pages, self.table.schema or schema, self.table.marked
        if mode is Mode.REPLACE:
            pages, after, marked = (), schema, False
        after, pages = wide_enough(after, schema, pages)
        refuse_misfits(after, schema)
        if (own := marks(request)) and not marked:
            after, marked = TableSchema((*after.columns, *own), after.keys), True
        if mode is Mode.MERGE or OPERATION in rows.columns:
            there = [pl.DataFrame(schema=after.polars()), *(fitted(p.rows, after) for p in pages)]
            rows, deleted = merged(pl.concat(there), rows, keys, request)
            pages = ()
        page = Page(request.load_id, fitted(rows, after), request.load_id)
        self.table.schema, self.table.pages, self.table.marked = after, (*pages, page), marked
        return deleted


class _MemoryPart(BlockingPart):
    def __init__(self, load: _MemoryLoad, partition: Partition) -> None:
        self._load, self._partition = load, partition
        self._tag, self._digest = secrets.token_hex(8), xxhash.xxh3_128()
        self._rows, self._bytes, self._finished = 0, 0, False

    def open(self) -> None:
        with self._load.table.lock:
            self._load.staging()[self._tag] = []

    def write(self, batch: pl.DataFrame) -> None:
        self._load.request.schema.check(batch)
        with self._load.table.lock:
            self._load.staging()[self._tag].append(batch)
        self._rows += batch.height
        self._bytes += int(batch.estimated_size())
        self._digest.update(_bytes_of(batch))

    def finish(self) -> StagedPart:
        with self._load.table.lock:
            self._load.staging()
            self._finished = True
        piece = Piece(self._tag, self._rows, self._bytes, self._digest.hexdigest())
        return StagedPart(self._load.request.load_id, self._partition, self._rows, (piece,))

    def close(self) -> None:
        with self._load.table.lock:
            if not self._finished:
                self._load.table.staged.get(self._load.request.load_id, {}).pop(self._tag, None)


def _newest(found: MemoryTable) -> Receipt | None:
    with found.lock:
        receipts = [receipt for receipt in found.fates.values() if receipt is not None]
    return receipts[-1] if receipts else None


def _intact(frames: Sequence[pl.DataFrame] | None, piece: Piece) -> bool:
    if frames is None or sum(frame.height for frame in frames) != piece.rows:
        return False
    digest = xxhash.xxh3_128()
    for frame in frames:
        digest.update(_bytes_of(frame))
    return digest.hexdigest() == piece.digest


def _bytes_of(frame: pl.DataFrame) -> bytes:
    return frame.write_ipc(None).getvalue()


def _without_operation(schema: TableSchema) -> TableSchema:
    return schema.select(name for name in schema.names if name != OPERATION)
