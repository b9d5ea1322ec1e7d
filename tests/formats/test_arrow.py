"""Arrow IPC: options, streams beside files, record batches."""

from __future__ import annotations

import io
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from tests.formats.files import table, written

from hygge.core.errors import ConfigError, HomeError
from hygge.core.schema import TableSchema
from hygge.formats.arrow import Arrow
from hygge.formats.format import Block
from hygge.testing.contracts.format import Written, filled, read, same

FRAME = pl.DataFrame({"n": range(5000), "text": [f"row {n % 100}" for n in range(5000)]})


def form(**options: Any) -> Arrow:
    return Arrow.build(options)


def streamed(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    arrow = frame.to_arrow()
    with pa.ipc.new_stream(out, arrow.schema) as writer:
        writer.write_table(arrow, max_chunksize=1000)
    return out.getvalue()


def test_compression() -> None:
    sizes = {
        name: filled(form(compression=name), Written("out"), FRAME).size
        for name in ("zstd", "lz4", "none")
    }
    assert sizes["zstd"] < sizes["lz4"] < sizes["none"]
    for name in sizes:
        source = filled(form(compression=name), Written("out"), FRAME)
        same(read(form(), source, TableSchema.of(FRAME.schema)), FRAME)


def test_wrong_options() -> None:
    with pytest.raises(ConfigError, match="compression"):
        form(compression="snappy")


def test_streams_are_read_from_their_start() -> None:
    source = written(streamed(FRAME))
    assert form().blocks(source) is None
    same(table(form(), streamed(FRAME)), FRAME)


def test_a_stream_cut_short_is_refused() -> None:
    whole = streamed(FRAME)
    for cut in (3, 9, 1000, len(whole) - 20):
        with pytest.raises(HomeError):
            table(form(), whole[:-cut])


def test_a_stream_is_no_finished_file() -> None:
    with pytest.raises(HomeError, match="not a finished arrow file"):
        form().rows(written(streamed(FRAME)))


def test_blocks_are_record_batches() -> None:
    out = io.BytesIO()
    arrow = FRAME.to_arrow()
    with pa.ipc.new_file(out, arrow.schema) as writer:
        writer.write_table(arrow, max_chunksize=2000)
    blocks = form().blocks(written(out.getvalue()))
    assert blocks is not None
    assert [block.rows for block in blocks] == [2000, 2000, 1000]
    assert blocks[0] == Block(2000, len(out.getvalue()) * 2000 // 5000)
