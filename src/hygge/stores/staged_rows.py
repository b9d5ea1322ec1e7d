"""The rows that a load has staged in files, each by its number in the order of the commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from hygge.core.schema import TableSchema
from hygge.core.store import Piece, StagedPart

ROW = "_hygge_row"
"""Which row of its file, or of all that is staged, a row is."""


@dataclass(frozen=True)
class StagedFile:
    """A file of the load. `start` is the number of its first row, of all in order of the commit."""

    path: str
    rows: int
    bytes: int
    start: int


class StagedRows(Protocol):
    """Reads what is staged."""

    def staged(self, files: Sequence[StagedFile], schema: TableSchema) -> Iterator[pl.DataFrame]:
        """The rows, in the order of the commit: these columns, and ROW."""


def staged_files(staging: str, parts: Iterable[StagedPart]) -> list[StagedFile]:
    """The files of these parts, in their order."""
    return numbered(staging, [piece for part in parts for piece in part.pieces])


def numbered(staging: str, pieces: Iterable[Piece]) -> list[StagedFile]:
    """The same, of pieces."""
    found, start = list[StagedFile](), 0
    for piece in pieces:
        found.append(StagedFile(f"{staging}/{piece.name}", piece.rows, piece.bytes, start))
        start += piece.rows
    return found
