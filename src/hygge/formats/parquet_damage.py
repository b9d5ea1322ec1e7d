"""Whether Arrow may be asked of a parquet file's chunks: of some damaged ones it ends the process.

Asked from Python for a chunk, or for its statistics, Arrow lets nobody catch what it finds wrong.
It finds the same where it prepares to read them, and there it raises.
"""

from __future__ import annotations

import io
from typing import Any, Final

import pyarrow.parquet as pq

from hygge.formats.format import Source
from hygge.formats.parquet_footer import widths_of

_BYTES: Final = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8}


def refuse_damaged(file: Any, size: int) -> None:
    """Raise what Arrow raises where the footer lies of chunks: what they are, or where. Reads
    nothing."""
    place, groups = _Place(size), list(range(file.num_row_groups))
    with pq.ParquetFile(place, metadata=file.metadata, pre_buffer=True) as again:
        try:
            next(again.iter_batches(1, groups, use_threads=False), None)
        except _Read:  # it found nothing wrong, and would begin
            return


def may_tell(source: Source, file: Any, column: int) -> bool:
    """Whether Arrow can understand all statistics of a column that is not damaged."""
    leaf = file.schema.column(column)
    kind, groups = leaf.physical_type, range(file.num_row_groups)
    if any(file.metadata.row_group(n).column(column).physical_type != kind for n in groups):
        return False
    if kind == "BYTE_ARRAY":
        return True
    with source.open() as handle:
        widths = widths_of(handle, source.size, column)
    return set(widths) <= {0, _BYTES.get(kind, leaf.length)}


class _Read(Exception):
    """Somebody wants bytes."""


class _Place(io.RawIOBase):
    """A file of some size whose bytes nobody gets."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size, self._at = size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        raise _Read
