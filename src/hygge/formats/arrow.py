"""Arrow IPC: record batches as they lie in memory, types and nullability kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import polars as pl
import pyarrow as pa
from pyarrow import ipc
from pydantic import Field

from hygge.core.errors import HomeError
from hygge.core.schema import TableSchema
from hygge.core.text import OLDEST
from hygge.formats.columns import (
    Gathering,
    depths,
    fitted,
    frame,
    from_arrow,
    joined,
    portions,
    to_arrow,
)
from hygge.formats.format import Block, Format, FormatOptions, Sink, Source, Span, Writer
from hygge.registry import SUFFIXES

_MAGIC = b"ARROW1"


class ArrowOptions(FormatOptions):
    """How Arrow files are written."""

    compression: Literal["zstd", "lz4", "none"] = Field(
        default="zstd", description="How the buffers of a record batch are compressed"
    )


class Arrow(Format[ArrowOptions]):
    """Reads files and streams, writes files. A record batch is read whole, so they bound memory."""

    name = "arrow"
    suffixes = SUFFIXES["arrow"]
    Options = ArrowOptions
    instead = "cast it to decimal(38, 0) or string"

    def held(self, kind: pl.DataType) -> pl.DataType | None:
        """All but 128-bit integers, which Arrow does not know."""
        return None if pl.Int128() in depths(kind) else kind

    def schema(self, source: Source) -> TableSchema:
        with _opened(source) as reader:
            return from_arrow(reader.schema, source.name)

    def blocks(self, source: Source) -> Sequence[Block] | None:
        """The record batches of a file; a stream can only be read from its start."""
        with _opened(source, columns=(0,)) as reader:
            if not isinstance(reader, ipc.RecordBatchFileReader):
                return None
            counts = [reader.get_batch(n).num_rows for n in range(reader.num_record_batches)]
        return [Block(count, source.size * count // max(1, sum(counts))) for count in counts]

    def batches(
        self, source: Source, schema: TableSchema, span: Span | None = None
    ) -> Iterator[pl.DataFrame]:
        with _opened(source) as reader:
            there = from_arrow(reader.schema, source.name)
        wanted = [n for n, name in enumerate(there.names) if name in schema] or [0]
        with _opened(source, columns=wanted) as reader:
            yield from joined(
                fitted(part, schema, source.name)
                for batch in _record_batches(reader, span)
                for part in portions(frame(batch).cast(there.select(batch.schema.names).polars()))
            )

    def rows(self, source: Source) -> int:
        """By walking from the front; nothing but the footer may follow the last record batch."""
        with source.open() as handle, _named(source):
            if handle.read(8)[:6] != _MAGIC:
                raise HomeError("not a finished arrow file", file=source.name)
            options = ipc.IpcReadOptions(included_fields=[0])
            file: Any = handle
            with ipc.open_stream(file, options=options) as reader:
                rows = sum(batch.num_rows for batch in reader)
            tail = handle.read(source.size)
        length = int.from_bytes(tail[-10:-6], "little")
        if tail[-6:] != _MAGIC or length + 10 != len(tail):
            raise HomeError("the file does not end with its footer", file=source.name)
        return int(rows)

    def writer(self, sink: Sink, schema: TableSchema) -> Writer:
        self.refuse(schema)
        compression = None if self.options.compression == "none" else self.options.compression
        return ArrowWriter(sink, schema, compression)


@contextmanager
def _named(source: Source) -> Iterator[None]:
    """What goes wrong with the file names it."""
    try:
        yield
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError, ValueError) as failed:
        told = "the file is empty" if source.size == 0 else f"not a readable arrow file: {failed}"
        raise HomeError(
            told, file=source.name, hint="it may be damaged or unfinished; copy it anew"
        ) from failed


@contextmanager
def _opened(source: Source, columns: Sequence[int] | None = None) -> Iterator[Any]:
    """A reader of the file or stream, on a handle of its own, of these columns."""
    with source.open() as handle, _named(source):
        options = ipc.IpcReadOptions(included_fields=list(columns) if columns else None)
        file: Any = handle
        whole = handle.read(6) == _MAGIC
        handle.seek(0)
        open_it = ipc.open_file if whole else ipc.open_stream
        with open_it(file, options=options) as reader:
            yield reader


def _record_batches(reader: Any, span: Span | None) -> Iterator[Any]:
    if not isinstance(reader, ipc.RecordBatchFileReader):
        yield from reader
        return
    last = reader.num_record_batches
    for number in range(span.start if span else 0, min(last, span.stop) if span else last):
        yield reader.get_batch(number)


class _Target:
    """A sink as Arrow wants a file to be."""

    closed = False

    def __init__(self, sink: Sink) -> None:
        self.write, self.tell, self.flush = sink.write, sink.tell, sink.flush

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        return None


class ArrowWriter:
    """A record batch for every quarter of a million rows, or fewer wide ones."""

    def __init__(self, sink: Sink, schema: TableSchema, compression: Any) -> None:
        self._gathering = Gathering(schema)
        self._schema = to_arrow(schema, views=False)
        options = ipc.IpcWriteOptions(
            compression=compression, emit_dictionary_deltas=False, unify_dictionaries=True
        )
        target: Any = _Target(sink)
        self._writer = ipc.new_file(target, self._schema, options=options)

    def write(self, batch: pl.DataFrame) -> None:
        for part in self._gathering.add(batch):
            self._put(part)

    def close(self) -> None:
        for part in self._gathering.rest():
            self._put(part)
        self._writer.close()

    def abort(self) -> None:
        return None

    def _put(self, part: pl.DataFrame) -> None:
        self._writer.write_table(part.rechunk().to_arrow(compat_level=OLDEST).cast(self._schema))
