"""Reads a notebook: a page is a partition, and its digest is the partition's version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import polars as pl
from pydantic import Field

from hygge.core.config import Connections
from hygge.core.errors import SourceChanged, SourceMissing, Unsupported
from hygge.core.home import BlockingHome, HomeCapabilities, HomeConfig, ReadRequest
from hygge.core.partition import WHOLE, Partition
from hygge.core.schema import TableSchema
from hygge.core.store import Piece
from hygge_example.notebook import Index, Notebook


class NotebookHomeConfig(HomeConfig):
    """Which notebook to read."""

    path: str = Field(description="The notebook's folder; {entity} is filled in")

    def located(self, root: Path) -> Self:
        return self.model_copy(update={"path": str(root / self.path)})

    def places(self) -> tuple[str, ...]:
        return (self.path,)


class NotebookHome(BlockingHome[NotebookHomeConfig]):
    """A notebook as a source. It can leave columns out, and claims no more than that."""

    Config = NotebookHomeConfig
    capabilities = HomeCapabilities(partitions=True, columns=True)

    def __init__(self, config: NotebookHomeConfig) -> None:
        self.config, self.notebook = config, Notebook(Path(config.path))

    @classmethod
    def build(cls, config: NotebookHomeConfig, connections: Connections) -> Self:
        return cls(config)

    @property
    def identity(self) -> str:
        return f"notebook:{self.config.path}"

    def table_schema(self) -> TableSchema:
        return self._index()[1]

    def split(self, request: ReadRequest) -> Sequence[Partition]:
        return [Partition(page.name, page.digest) for page in self._index()[0].pages]

    def batches(self, request: ReadRequest, partition: Partition) -> Iterator[pl.DataFrame]:
        if request.where or request.low or request.bound:
            raise Unsupported("a notebook is always read from its first row to its last")
        index, schema = self._index()
        wanted = request.schema or schema.select(request.columns or schema.names)
        for piece in self._pages(index, partition):
            page = self.notebook.read(piece)
            if page is None:
                raise SourceChanged("a page is not what the index says", page=piece.name)
            yield _fitted(page.frame(), wanted)

    def _index(self) -> tuple[Index, TableSchema]:
        index = self.notebook.index()
        if index.schema is None:
            raise SourceMissing("there is no notebook", folder=self.config.path)
        return index, index.schema

    def _pages(self, index: Index, partition: Partition) -> Sequence[Piece]:
        if partition == WHOLE:
            return index.pages
        for piece in index.pages:
            if (piece.name, piece.digest) == (partition.name, partition.version):
                return [piece]
        raise SourceChanged("a page is not what it was when the run began", page=partition.name)


def _fitted(frame: pl.DataFrame, schema: TableSchema) -> pl.DataFrame:
    """These columns; NULL where an older page lacks one."""
    return frame.select(
        pl.col(c.name) if c.name in frame.columns else pl.lit(None, c.type).alias(c.name)
        for c in schema.columns
    )
