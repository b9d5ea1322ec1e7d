"""Writes one parquet file with Polars' streaming writer, on a thread of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from hygge.core.errors import StoreError
from hygge.core.schema import TableSchema
from hygge.formats.columns import Gathering, to_arrow
from hygge.formats.format import BATCH_BYTES, Sink

_TOGETHER = 16_384
"""Rows of which a batch is worth handing over; Polars makes the row groups."""
_AHEAD = 2
_PIECE = 4 * 2**20
"""Polars takes some batches ahead of what it writes: they are handed over in pieces this small."""


class Stopped(Exception):
    """Nobody wants this file any more."""


class Handover:
    """Batches on their way from the caller's thread to the writer's: few at a time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting = deque[pl.DataFrame]()
        self._complete = self._stopped = self._gone = False

    def put(self, batch: pl.DataFrame) -> bool:
        """False if nobody takes batches any more."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < _AHEAD or self._gone)
            if not self._gone:
                self._waiting.append(batch)
                self._changed.notify_all()
            return not self._gone

    def end(self, *, stopped: bool = False) -> None:
        with self._changed:
            self._complete, self._stopped = True, self._stopped or stopped
            self._changed.notify_all()

    def leave(self) -> None:
        """The taker has gone, for good or ill."""
        with self._changed:
            self._gone = True
            self._waiting.clear()
            self._changed.notify_all()

    def take(self) -> Iterator[pl.DataFrame]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._complete)
                if self._stopped:
                    raise Stopped
                if not self._waiting:
                    return
                batch = self._waiting.popleft()
                self._changed.notify_all()
            yield batch
            del batch


class Remembering:
    """A sink for Polars that keeps the first error: Polars tells of it only as text."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.failed: BaseException | None = None

    def write(self, data: bytes) -> int:
        if self.failed is not None:
            raise self.failed
        try:
            return self._sink.write(data)
        except BaseException as failed:
            self.failed = failed
            raise

    def stop(self) -> None:
        """No byte from here on: Polars, told to stop, may still write a footer."""
        self.failed = self.failed or Stopped()

    def tell(self) -> int:
        return self._sink.tell()

    def flush(self) -> None:
        return None


class ParquetWriter:
    """Hands batches to a thread, which starts with the first and ends with the file.

    A file that is gathered whole before its end is small, and needs no thread.
    """

    def __init__(
        self, sink: Sink, schema: TableSchema, *, row_group_rows: int, **options: Any
    ) -> None:
        self._sink, self._schema, self._options = Remembering(sink), schema, options
        self._rows = row_group_rows
        self._gathering = Gathering(schema, _TOGETHER)
        self._handover = Handover()
        self._thread: threading.Thread | None = None
        self._failed: BaseException | None = None

    def write(self, batch: pl.DataFrame) -> None:
        for part in self._gathering.add(batch):
            self._hand_over(part)

    def close(self) -> None:
        rest = list(self._gathering.rest())
        if self._thread is None:
            self._write_small(*rest)
        else:
            for part in rest:
                self._hand_over(part)
            self._handover.end()
            self._join()
        if self._failed is not None:
            raise self._failed

    def _write_small(self, part: pl.DataFrame | None = None) -> None:
        """An empty table is a file, too."""
        whole = pl.DataFrame(schema=self._schema.polars()) if part is None else part
        self._write(whole.lazy(), self._rows_that_fit(whole))

    def abort(self) -> None:
        self._sink.stop()
        self._handover.end(stopped=True)
        self._join()

    def _hand_over(self, part: pl.DataFrame) -> None:
        self._start(self._rows_that_fit(part))
        pieces = 1 + int(part.estimated_size()) // _PIECE
        for piece in part.iter_slices(max(1, part.height // pieces)):
            if not self._handover.put(piece):
                self._join()
                raise self._failed or StoreError("the file was closed before its last batch")

    def _rows_that_fit(self, part: pl.DataFrame) -> int:
        """Row groups are held in memory while they grow, so wide rows make short ones."""
        width = max(1, int(part.estimated_size()) // max(1, part.height))
        return max(1, min(self._rows, BATCH_BYTES // width))

    def _start(self, rows: int) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, args=(rows,), name="parquet", daemon=True
            )
            self._thread.start()

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def _run(self, rows: int) -> None:
        source = register_io_source(
            lambda *_: self._handover.take(), schema=self._schema.polars(), is_pure=False
        )
        self._write(source, rows)
        self._handover.leave()

    def _write(self, source: pl.LazyFrame, rows: int) -> None:
        try:
            sink: Any = self._sink  # Polars calls no more than write, tell and flush
            source.sink_parquet(
                sink,
                row_group_size=rows,
                maintain_order=True,
                statistics=True,
                arrow_schema=to_arrow(self._schema, views=True),
                engine="streaming",
                **self._options,
            )
        except BaseException as failed:  # noqa: BLE001 - raised where the caller can see it
            self._failed = self._sink.failed or failed
