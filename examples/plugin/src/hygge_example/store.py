"""Writes a notebook: pages are staged in a folder a load, and the index publishes them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import polars as pl
from pydantic import Field

from hygge.core.blocking_store import BlockingLoad, BlockingPart, BlockingStore
from hygge.core.config import Connections
from hygge.core.errors import LoadLost, StoreError, Unsupported
from hygge.core.partition import Partition
from hygge.core.reaching import reached
from hygge.core.schema import TableSchema
from hygge.core.store import (
    LoadRequest,
    Mode,
    Piece,
    Receipt,
    StagedPart,
    StoreCapabilities,
    StoreConfig,
)
from hygge_example.notebook import Index, Notebook, sync, told


class NotebookStoreConfig(StoreConfig):
    """Which notebook to write."""

    path: str = Field(description="The notebook's folder; {entity} is filled in")

    def located(self, root: Path) -> Self:
        return self.model_copy(update={"path": str(root / self.path)})

    def places(self) -> tuple[str, ...]:
        return (self.path,)


class NotebookStore(BlockingStore[NotebookStoreConfig]):
    """A notebook as a destination: replaces or appends, atomically. It cannot merge."""

    Config = NotebookStoreConfig
    capabilities = StoreCapabilities(frozenset({Mode.REPLACE, Mode.APPEND}))

    def __init__(self, config: NotebookStoreConfig) -> None:
        self.config, self.notebook = config, Notebook(Path(config.path))

    @classmethod
    def build(cls, config: NotebookStoreConfig, connections: Connections) -> Self:
        return cls(config)

    @property
    def identity(self) -> str:
        return f"notebook:{self.config.path}"

    def open_load(self, request: LoadRequest) -> BlockingLoad:
        return NotebookLoad(self.notebook, request)

    def settle(self, flow: str, load_id: str, *, keep: bool) -> Receipt | None:
        index = self.notebook.index()
        if keep and load_id not in index.fates:
            return None
        index = self.notebook.change(lambda found: _with_fate(found, load_id, None))
        self.notebook.sweep(load_id)
        return index.fates[load_id]

    def strays(self, flow: str) -> Sequence[str]:
        return self.notebook.left()

    def newest(self, flow: str) -> Receipt | None:
        return self.notebook.index().newest

    def table_schema(self) -> TableSchema | None:
        return self.notebook.index().schema

    def probe(self) -> None:
        place = self.notebook.folder
        while not place.exists():
            place = place.parent
        if not os.access(place, os.W_OK | os.X_OK):
            raise StoreError("this folder may not be written", folder=place)


class NotebookLoad(BlockingLoad):
    """One load. Its pages lie in `pages/<load_id>/` and count once the index lists them."""

    def __init__(self, notebook: Notebook, request: LoadRequest) -> None:
        self.notebook, self.request = notebook, request
        self.folder = notebook.pages / request.load_id

    def open(self) -> None:
        _refuse(self.request.schema)
        if self._published(self.notebook.index()) is None:
            with told(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """There is nothing to let go of."""

    def part(self, partition: Partition) -> BlockingPart:
        return NotebookPart(self, partition)

    def verify(self, parts: Sequence[StagedPart]) -> Mapping[str, int]:
        return {part.partition.name: self._found(part) for part in parts}

    def commit(self, parts: Sequence[StagedPart]) -> Receipt:
        pieces = tuple(piece for part in parts for piece in part.pieces)
        if parts:
            with told(self.folder):
                sync(self.notebook.pages)
        index = self.notebook.change(lambda found: self._after(found, parts, pieces))
        self.notebook.sweep(self.request.load_id)
        for old in self.notebook.left():
            if old in index.fates:
                self.notebook.sweep(old)
        receipt = index.fates[self.request.load_id]
        assert receipt is not None
        return receipt

    def _published(self, index: Index) -> Receipt | None:
        """The receipt, if this load has landed. Raises LoadLost if it never can."""
        mine = self.request.load_id
        if mine in index.fates:
            if (receipt := index.fates[mine]) is None:
                raise LoadLost("this load was erased", load_id=mine)
            return receipt
        if (index.newest.load_id if index.newest else None) != self.request.base:
            raise LoadLost("another load came in between", load_id=mine)
        return None

    def _after(self, index: Index, parts: Sequence[StagedPart], pieces: tuple[Piece, ...]) -> Index:
        """The index with this load in it: its pages and its fate in one stroke."""
        if self._published(index) is not None:
            return index
        request, appends = self.request, self.request.mode is Mode.APPEND
        receipt = Receipt(
            load_id=request.load_id,
            flow=request.flow,
            rows=sum(part.rows for part in parts),
            bytes=sum(piece.bytes for piece in pieces),
            watermark=reached(request, parts),
            digests={piece.name: piece.digest or "" for piece in pieces},
            at=datetime.now(UTC),
            source=request.source,
        )
        schema = _wider(index.schema, request.schema) if appends else request.schema
        pages = (*index.pages, *pieces) if appends else pieces
        return _with_fate(replace(index, schema=schema, pages=pages), request.load_id, receipt)

    def _found(self, part: StagedPart) -> int:
        """The rows there are now; a page that is not what was written makes the part count 0."""
        pages = [self.notebook.read(piece) for piece in part.pieces]
        return 0 if None in pages else sum(len(page.rows) for page in pages if page)


class NotebookPart(BlockingPart):
    """One partition: a page a batch, each under a name that nobody used before."""

    def __init__(self, load: NotebookLoad, partition: Partition) -> None:
        self._load, self._partition = load, partition
        self._try, self._pieces = secrets.token_hex(8), list[Piece]()

    def open(self) -> None:
        """Nothing to do: the load made the folder, and a part never makes one."""

    def write(self, batch: pl.DataFrame) -> None:
        if batch.height:
            name = f"{self._load.request.load_id}/{self._try}-{len(self._pieces):05}.json"
            with told(self._load.folder):
                self._pieces.append(self._load.notebook.put(name, batch))

    def finish(self) -> StagedPart:
        with told(self._load.folder):
            sync(self._load.folder)
        rows = sum(piece.rows for piece in self._pieces)
        return StagedPart(self._load.request.load_id, self._partition, rows, tuple(self._pieces))

    def close(self) -> None:
        """There is nothing to let go of."""


def _with_fate(index: Index, load_id: str, receipt: Receipt | None) -> Index:
    """The first word about a load holds; a second one changes nothing."""
    if load_id in index.fates:
        return index
    return replace(index, fates={**index.fates, load_id: receipt})


def _refuse(schema: TableSchema) -> None:
    """Raise Unsupported for a type that JSON pages would not bring back exactly."""
    for column in schema.columns:
        kind = column.type
        nanos = isinstance(kind, pl.Datetime | pl.Duration) and kind.time_unit == "ns"
        if kind.is_nested() or nanos or kind == pl.Time:
            raise Unsupported(f"a notebook cannot hold {column}", column=column.name)


def _wider(before: TableSchema | None, arriving: TableSchema) -> TableSchema:
    """The columns there were, and the new ones after them."""
    if before is None:
        return arriving
    new = tuple(column for column in arriving.columns if column.name not in before)
    return TableSchema((*before.columns, *new), before.keys)
