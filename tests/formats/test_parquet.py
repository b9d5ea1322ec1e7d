"""Parquet: options, row groups, foreign types, and damage inside."""

from __future__ import annotations

import io
import threading
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hygge.core.errors import ConfigError, HomeError
from hygge.core.schema import Column, TableSchema
from hygge.core.types import type_name
from hygge.formats import parquet, parquet_writer
from hygge.formats.format import BATCH_ROWS
from hygge.formats.parquet import Parquet
from hygge.testing.contracts.format import Written, filled, read, same


def form(**options: Any) -> Parquet:
    return Parquet.build(options)


def metadata(source: Written) -> Any:
    return pq.read_metadata(io.BytesIO(bytes(source.data)))


def foreign(path: Path, table: pa.Table, **options: Any) -> Written:
    """A file written by Arrow, lying on disk."""
    pq.write_table(table, path, **options)
    return Written(str(path), path, bytearray(path.read_bytes()))


def numbers(rows: int) -> pl.DataFrame:
    return pl.DataFrame({"n": range(rows), "text": [f"row {n % 1000}" for n in range(rows)]})


# -- options ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "codec"),
    [
        ({}, "ZSTD"),
        ({"compression": "zstd", "compression_level": 3}, "ZSTD"),
        ({"compression": "snappy"}, "SNAPPY"),
        ({"compression": "gzip"}, "GZIP"),
        ({"compression": "lz4"}, "LZ4"),
        ({"compression": "none"}, "UNCOMPRESSED"),
    ],
)
def test_compression(options: dict[str, Any], codec: str) -> None:
    source = filled(form(**options), Written("out"), numbers(1000))
    assert metadata(source).row_group(0).column(0).compression == codec


def test_the_level_is_heeded() -> None:
    sizes = [
        filled(form(compression_level=level), Written("out"), numbers(50_000)).size
        for level in (1, 19)
    ]
    assert sizes[1] != sizes[0]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"compression": "zip"}, "compression"),
        ({"compression_level": 23}, "zstd takes 1 to 22"),
        ({"compression": "snappy", "compression_level": 1}, "snappy has no levels"),
        ({"row_group_rows": 0}, "row_group_rows"),
    ],
)
def test_wrong_options(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        form(**options)


# -- row groups -------------------------------------------------------------------------


def groups(source: Written) -> list[int]:
    told = metadata(source)
    return [told.row_group(n).num_rows for n in range(told.num_row_groups)]


def test_row_groups_have_the_rows_asked_for() -> None:
    source = filled(form(row_group_rows=1000), Written("out"), *numbers(3500).iter_slices(700))
    assert groups(source) == [1000, 1000, 1000, 500]


def test_row_groups_are_of_one_size_by_default() -> None:
    source = filled(form(), Written("out"), *numbers(BATCH_ROWS + 10).iter_slices(50_000))
    assert groups(source) == [98_304, 98_304, BATCH_ROWS + 10 - 2 * 98_304]


def test_wide_rows_make_short_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_writer, "BATCH_BYTES", 10_000)
    source = filled(form(), Written("out"), pl.DataFrame({"n": range(10_000)}))
    assert max(groups(source)) == 1250


@pytest.mark.parametrize("whole", [0, 2**40], ids=["paged", "sliced"])
def test_both_ways_to_read_give_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, whole: int
) -> None:
    monkeypatch.setattr(parquet, "_WHOLE", whole)
    monkeypatch.setattr(parquet, "BATCH_ROWS", 1000)
    frame = numbers(5500)
    source = foreign(tmp_path / "a.parquet", frame.to_arrow(), row_group_size=2200)
    batches = [*form().batches(source, TableSchema.of(frame.schema))]
    assert max(batch.height for batch in batches) <= 1100
    same(pl.concat(batches), frame)


def test_one_huge_row_group_is_never_decoded_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(parquet, "_WHOLE", 1000)
    monkeypatch.setattr(parquet, "BATCH_BYTES", 10_000)
    frame = numbers(20_000)
    source = foreign(tmp_path / "a.parquet", frame.to_arrow(), row_group_size=20_000)
    heights = [batch.height for batch in form().batches(source, TableSchema.of(frame.schema))]
    assert sum(heights) == 20_000
    assert max(heights) <= 2000


# -- files of others --------------------------------------------------------------------

FOREIGN: dict[str, tuple[Any, str | None]] = {
    "date64": (pa.array([0, 86_400_000], pa.date64()), "date"),
    "seconds": (pa.array([0, 1], pa.timestamp("s")), "datetime(ms)"),
    "offset": (pa.array([0, 1], pa.timestamp("us", "+02:00")), None),
    "dictionary": (pa.array(["a", "b"]).dictionary_encode(), "categorical"),
    "fixed": (pa.array([b"ab", None], pa.binary(2)), "binary"),
    "half": (pa.array([0.5, None], pa.float16()), "float32"),
    "map": (
        pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
        "list(struct(key: string, value: int64))",
    ),
    "small decimal": (pa.array([1, None], pa.int32()).cast(pa.decimal128(12, 2)), "decimal(12, 2)"),
}


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("whole", [0, 2**40], ids=["paged", "sliced"])
def test_types_that_we_do_not_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, whole: int
) -> None:
    monkeypatch.setattr(parquet, "_WHOLE", whole)
    values, kind = FOREIGN[name]
    source = foreign(tmp_path / "a.parquet", pa.table({"x": values}))
    schema = form().schema(source)
    assert kind is None or type_name(schema["x"].type) == kind
    found = read(form(), source, schema)
    assert found["x"].null_count() == values.null_count
    if name == "date64":
        assert found["x"].to_list() == [date(1970, 1, 1), date(1970, 1, 2)]


def test_a_type_that_cannot_be_moved_is_named(tmp_path: Path) -> None:
    wide = pa.array([1], pa.int64()).cast(pa.decimal256(50, 2))
    source = foreign(tmp_path / "a.parquet", pa.table({"id": [1], "x": wide}))
    with pytest.raises(HomeError, match="cannot be moved") as failed:
        form().schema(source)
    assert failed.value.where["column"] == "x"


def test_brackets_and_stars_in_a_path_are_just_letters(tmp_path: Path) -> None:
    folder = tmp_path / "year=2024" / "a[1]*"
    folder.mkdir(parents=True)
    source = foreign(folder / "b?.parquet", pa.table({"n": [1, 2]}))
    assert form().schema(source).names == ("n",)
    assert read(form(), source, form().schema(source)).rows() == [(1,), (2,)]


# -- damage -----------------------------------------------------------------------------


def test_a_flipped_byte_is_an_error_or_does_not_matter(tmp_path: Path) -> None:
    frame = numbers(500)
    whole = filled(form(), Written("out"), frame)
    schema = TableSchema.of(frame.schema)
    refused = 0
    for at in range(4, whole.size, 13):
        data = bytearray(whole.data)
        data[at] ^= 0xFF
        source = Written("flipped", tmp_path / "flipped", data).settle()
        try:
            read(form(), source, schema)
        except HomeError as failed:
            refused += failed.where["file"] == "flipped"
    assert refused > 20


def test_a_file_of_no_columns_is_refused(tmp_path: Path) -> None:
    source = foreign(tmp_path / "a.parquet", pa.table({}))
    with pytest.raises(HomeError, match="no columns"):
        form().schema(source)


# -- the writer's thread ----------------------------------------------------------------


def test_the_writer_waits_for_a_slow_sink() -> None:
    """What is written ahead of the sink stays a few batches, however many there are to come."""
    gate = threading.Event()

    class Slow(Written):
        def write(self, data: bytes, /) -> int:
            gate.wait()
            return super().write(data)

    frame = pl.DataFrame({"n": range(BATCH_ROWS)})
    sink, taken = Slow("slow"), [0]
    writer = form().writer(sink, TableSchema((Column("n", pl.Int64()),)))

    def fill() -> None:
        for _ in range(200):
            writer.write(frame)
            taken[0] += 1

    filling = threading.Thread(target=fill)
    filling.start()
    filling.join(1.0)
    ahead = taken[0]
    gate.set()
    filling.join()
    writer.close()
    assert ahead < 100
    assert form().rows(sink) == 200 * BATCH_ROWS


def test_a_stopped_writer_lets_no_byte_through() -> None:
    """Polars, told to stop, may still try to end the file: then it would look whole."""
    sink = Written("stopped")
    writer = parquet_writer.ParquetWriter(
        sink, TableSchema((Column("n", pl.Int64()),)), row_group_rows=10
    )
    writer.abort()
    with pytest.raises(parquet_writer.Stopped):
        writer._sink.write(b"PAR1")
    assert sink.size == 0
