"""Parquet files whose footers lie: an error that names the file, never the end of the process.

What Arrow cannot bear is tried in a process of its own, which would not live to tell.
"""

from __future__ import annotations

import io
import random
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hygge.core.errors import HomeError
from hygge.core.schema import Column
from hygge.filesystems.object_reader import ObjectReader
from hygge.formats import parquet_footer
from hygge.formats.parquet import Parquet
from hygge.formats.parquet_footer import footer_of, widths_of
from hygge.testing.contracts.format import Written

FORM: Final = Parquet.build({})
ROWS: Final = 200
BASE: Final = pl.DataFrame(
    {
        "id": range(ROWS),
        "t": [f"w{n}" for n in range(ROWS)],
        "d": [date(2020, 1, 1)] * ROWS,
        "m": [datetime(2020, 1, 1, 3)] * ROWS,
        "x": [Decimal("1.20")] * ROWS,
        "s": [{"a": n, "b": [n, n]} for n in range(ROWS)],
    }
)


def of_polars() -> bytes:
    out = io.BytesIO()
    BASE.write_parquet(out, row_group_size=64)
    return out.getvalue()


def of_arrow() -> bytes:
    out = io.BytesIO()
    pq.write_table(BASE.to_arrow(), out, row_group_size=70)
    return out.getvalue()


def old() -> bytes:
    out = io.BytesIO()
    table = BASE.select("id", "t", "m").to_arrow()
    how: dict[str, Any] = {"version": "1.0", "use_deprecated_int96_timestamps": True}
    pq.write_table(table, out, row_group_size=100, compression="none", **how)
    return out.getvalue()


WRITERS: Final = (of_polars, of_arrow, old)


def damaged(whole: bytes, dice: random.Random) -> bytes:
    """Some bytes of the footer are others."""
    data = bytearray(whole)
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(start, len(data) - 4)
        data[at] = dice.randrange(256) if dice.random() < 0.6 else data[at] ^ 1 << dice.randrange(8)
    return bytes(data)


def all_of(source: Written) -> Iterator[Callable[[], object]]:
    """Whatever the format can be asked of a file."""

    def ends() -> None:
        for column in FORM.schema(source).columns:
            FORM.ends(source, column)

    yield lambda: FORM.schema(source)
    yield lambda: FORM.blocks(source)
    yield ends
    yield lambda: [*FORM.batches(source, FORM.schema(source))]
    yield lambda: FORM.rows(source)


class Remote(Written):
    """It pays to know what will be read of it."""

    def open(self) -> BinaryIO:
        return cast(BinaryIO, ObjectReader(len(self.data), lambda a, b: bytes(self.data[a:b])))


def try_all(data: bytes, path: Path | None = None) -> int:
    """How often the file was refused. Whatever else is raised is a mistake of ours."""
    if path is not None:
        path.write_bytes(data)
    kind, refused = Written if path else Remote, 0
    for ask in all_of(kind("broken", path, bytearray(data))):
        try:
            ask()
        except HomeError as failed:
            refused += failed.where["file"] == "broken"
    return refused


def with_ends_cut(whole: bytes) -> bytes:
    """Statistics of a whole number that have fewer bytes than it."""
    start = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    footer = whole[start:-8]
    short = footer.replace(b"\x08" + struct.pack("<q", 7), b"\x03" + b"\x07\0\0")
    assert len(short) < len(footer)
    return whole[:start] + short + struct.pack("<i", len(short)) + b"PAR1"


def two_numbers() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"n": pa.array([5, 7], pa.int64())}), out, compression="none")
    return out.getvalue()


def in_its_own_process(test: str) -> None:
    code = f"from tests.formats.test_parquet_damage import *; {test}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def fuzz(writer: Callable[[], bytes], start: int, count: int) -> None:
    whole, refused = writer(), 0
    for seed in range(start, start + count):
        refused += try_all(damaged(whole, random.Random(f"{writer.__name__} {seed}")))
    assert refused > count


@pytest.mark.parametrize(
    ("writer", "start", "count"),
    [("of_polars", 0, 250), ("of_arrow", 650, 250), ("old", 400, 250)],
)
def test_no_damage_ends_the_process(writer: str, start: int, count: int) -> None:
    """Among these are some that end it where Arrow is asked without care."""
    in_its_own_process(f"fuzz({writer}, {start}, {count})")


@pytest.mark.long
@pytest.mark.parametrize("writer", ["of_polars", "of_arrow", "old"])
def test_much_damage_ends_no_process(writer: str) -> None:
    in_its_own_process(f"fuzz({writer}, 1000, 5000)")


def test_ends_that_are_too_short_do_not_end_the_process() -> None:
    in_its_own_process("short_ends()")


def short_ends() -> None:
    source = Written("short", None, bytearray(with_ends_cut(two_numbers())))
    assert FORM.ends(source, Column("n", pl.Int64())) is None
    with pytest.raises(HomeError, match="short"):
        list(FORM.batches(source, FORM.schema(source)))


def test_a_damaged_file_on_a_disk_is_refused_too(tmp_path: Path) -> None:
    refused = 0
    for seed in range(40):
        data = damaged(of_polars(), random.Random(f"of_polars {seed}"))
        refused += try_all(data, tmp_path / "f.parquet")
    assert refused > 40


def test_a_row_group_that_says_it_has_no_rows_loses_none(tmp_path: Path) -> None:
    """Two bytes: its count of rows, which comes last of it."""
    out = io.BytesIO()
    BASE.select("id").write_parquet(out, row_group_size=100)
    whole = bytearray(out.getvalue())
    at = whole.find(b"\x26\xc8\x01") if b"\x26\xc8\x01" in whole else whole.rfind(b"\x16\xc8\x01")
    assert at > 0
    for count in (0, -100):
        data = bytearray(whole)
        data[at + 1 : at + 3] = {0: b"\x80\x00", -100: b"\xc7\x01"}[count]
        (tmp_path / "f.parquet").write_bytes(data)
        source = Written("f", tmp_path / "f.parquet", data)
        for ask in all_of(source):
            with pytest.raises(HomeError, match="other rows"):
                ask()


@pytest.mark.parametrize("writer", WRITERS)
def test_passing_over_is_reading(writer: Callable[[], bytes]) -> None:
    """What is left out by a pattern is what would have been read."""
    data = writer()
    for column in range(3):
        quick = widths_of(io.BytesIO(data), len(data), column)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parquet_footer, "_MANY", 0)
            assert widths_of(io.BytesIO(data), len(data), column) == quick
    assert widths_of(io.BytesIO(data), len(data), 0) == {8}
    footer = footer_of(io.BytesIO(data), len(data))
    told = pq.read_metadata(io.BytesIO(data))
    assert [count for count, _ in footer.groups] == [
        told.row_group(n).num_rows for n in range(told.num_row_groups)
    ]
