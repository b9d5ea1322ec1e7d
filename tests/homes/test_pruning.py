"""Blocks of files that cannot have rows of a window are not read; what is read is the same."""

from __future__ import annotations

import asyncio
import io
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.flow.stage import INCREMENTAL, Stage

from hygge.core.errors import SourceChanged
from hygge.core.home import HomeConfig, ReadRequest
from hygge.core.journal import Status
from hygge.core.schema import Column
from hygge.core.watermark import Watermark, greatest
from hygge.filesystems.memory import MemoryFileSystem, forget
from hygge.flow.factory import NoConnections
from hygge.formats import parquet_ends
from hygge.formats.format import Ends, Span
from hygge.formats.parquet import Parquet
from hygge.homes import file_window, files
from hygge.homes.file_window import within
from hygge.homes.files import FileHome, FileHomeConfig
from hygge.testing.contracts.home import by_partition
from hygge.testing.harness import Row

Write = Callable[[pl.DataFrame, int], bytes]


def by_polars(rows: pl.DataFrame, group: int) -> bytes:
    out = io.BytesIO()
    rows.write_parquet(out, row_group_size=group)
    return out.getvalue()


def by_arrow(**options: Any) -> Write:
    def write(rows: pl.DataFrame, group: int) -> bytes:
        out = io.BytesIO()
        pq.write_table(rows.to_arrow(), out, row_group_size=group, **options)
        return out.getvalue()

    return write


WRITERS: dict[str, Write] = {
    "polars": by_polars,
    "arrow": by_arrow(),
    "arrow 1.0": by_arrow(version="1.0"),
    "no statistics": by_arrow(write_statistics=False),
    "int96": by_arrow(use_deprecated_int96_timestamps=True),
}


class Folder:
    """A folder of parquet files in memory."""

    def __init__(self) -> None:
        self.name = secrets.token_hex(6)
        self.fs = MemoryFileSystem(self.name)

    def put(self, name: str, data: bytes) -> None:
        self.fs.replace(f"t/{name}.parquet", data)

    def home(self, **more: Any) -> FileHome:
        told = {"type": "parquet", "path": f"memory://{self.name}/t", **more}
        config = HomeConfig.create(told)
        assert isinstance(config, FileHomeConfig)
        return FileHome.build(config, NoConnections())


@pytest.fixture
def folder() -> Iterator[Folder]:
    made = Folder()
    yield made
    forget(made.name)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many bytes of each file were read."""
    counted = Counter[str]()
    open_ = MemoryFileSystem.open

    def counting(self: MemoryFileSystem, path: str) -> BinaryIO:
        handle = open_(self, path)

        class Counting(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                data = super().read(size)
                counted[path] += len(data)
                return data

            def readinto(self, buffer: Any, /) -> int:
                size = super().readinto(buffer)
                counted[path] += size
                return size

        return Counting(handle.read())

    monkeypatch.setattr(MemoryFileSystem, "open", counting)
    return counted


def mark(column: str, value: Any, kind: pl.DataType, *, closed: bool = True) -> Watermark:
    found = greatest(pl.Series(column, [value], dtype=kind))
    assert found is not None
    return replace(found, closed=closed)


def rows_of(home: FileHome, request: ReadRequest) -> list[Row]:
    parts = asyncio.run(by_partition(home, request))
    return [row for rows in parts.values() for row in rows]


# -- what is not read ----------------------------------------------------------------------

GROUP, GROUPS, FILES = 100, 4, 3
FOOTER = 64 * 1024
"""So much is read at the end of a file to find its footer."""


def fill(folder: Folder) -> int:
    """Ids in order; the bytes of a row group."""
    for n in range(FILES):
        ids = range(n * GROUP * GROUPS, (n + 1) * GROUP * GROUPS)
        fat = [secrets.token_bytes(4000) for _ in ids]
        folder.put(f"{n}", by_polars(pl.DataFrame({"id": ids, "fat": fat}), GROUP))
    return 4000 * GROUP


def above(value: int, *, closed: bool = True) -> ReadRequest:
    return ReadRequest(low=mark("id", value, pl.Int64(), closed=closed))


def test_what_lies_outside_is_not_read(folder: Folder, read: Counter[str]) -> None:
    size = fill(folder)
    last = GROUP * GROUPS * FILES - 1
    home = folder.home()
    assert len(rows_of(home, above(last))) == 1
    assert read["t/0.parquet"] < 4 * FOOTER < size
    assert read["t/1.parquet"] < 4 * FOOTER
    assert size < read["t/2.parquet"] < 1.1 * size + 5 * FOOTER
    read.clear()
    assert rows_of(home, above(last, closed=False)) == []
    assert read.total() < 4 * FOOTER * FILES


def test_row_groups_in_the_middle_of_a_file_are_found(folder: Folder, read: Counter[str]) -> None:
    size = fill(folder)
    low, bound = 520, 530
    window = replace(above(low), bound=mark("id", bound, pl.Int64()))
    for more in ({}, {"partition_mb": 0.6}):
        read.clear()
        found = rows_of(folder.home(**more), window)
        assert [row[0] for row in found] == list(range(low, bound + 1))
        assert read["t/0.parquet"] < 6 * FOOTER
        assert size < read["t/1.parquet"] < 1.1 * size + 8 * FOOTER


def test_the_greatest_value_is_told_by_the_files(folder: Folder, read: Counter[str]) -> None:
    ids = pl.DataFrame({"id": range(2_000_000)}).with_columns(pl.col("id").hash().alias("h"))
    folder.put("a", by_polars(ids, 500_000))
    bound = asyncio.run(folder.home().upper_bound("h"))
    assert bound.watermark is not None
    assert bound.watermark.value == ids["h"].max()
    assert read.total() < 4 * FOOTER


def test_a_flow_reads_footers_where_there_is_nothing_new(
    folder: Folder, read: Counter[str], tmp_path: Any
) -> None:
    fill(folder)
    stage = Stage(tmp_path)
    assert stage.done(stage.flow(folder.home(), **INCREMENTAL)).rows == GROUP * GROUPS * FILES
    read.clear()
    assert stage.done(stage.flow(folder.home(), **INCREMENTAL)).status is Status.SKIP
    assert read["t/0.parquet"] < 6 * FOOTER
    folder.put("9", by_polars(pl.DataFrame({"id": [9999], "fat": [b""]}), 1))
    assert stage.done(stage.flow(folder.home(), **INCREMENTAL)).rows == 1


def test_a_row_without_a_position_is_not_passed_over(folder: Folder, tmp_path: Any) -> None:
    stage = Stage(tmp_path)
    folder.put("a", by_polars(pl.DataFrame({"id": [1, 2]}), 2))
    stage.done(stage.flow(folder.home(), **INCREMENTAL))
    folder.put("b", by_polars(pl.DataFrame({"id": [1, None]}), 2))
    report = stage.run(stage.flow(folder.home(), **INCREMENTAL))
    assert "1 of the rows have no id" in str(report.error)


def test_a_file_that_changes_meanwhile_is_told(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(folder)
    home, known = folder.home(), file_window.ends_of

    def changing(fs: Any, file: Any, *rest: Any) -> Any:
        found = known(fs, file, *rest)
        folder.put("0", by_polars(pl.DataFrame({"id": [10**6], "fat": [b"new"]}), 1))
        return found

    monkeypatch.setattr(files, "ends_of", changing)
    with pytest.raises(SourceChanged):
        rows_of(home, above(10**5))


# -- what is read is the same --------------------------------------------------------------

MOMENTS = st.datetimes(datetime(1980, 1, 1), datetime(2030, 1, 1))
SHORT = st.text("aäbz\U0001f375", max_size=3)
KINDS: dict[str, tuple[pl.DataType, st.SearchStrategy[Any]]] = {
    "int8": (pl.Int8(), st.integers(-128, 127)),
    "int64": (pl.Int64(), st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)),
    "uint32": (pl.UInt32(), st.integers(0, 2**32 - 1)),
    "uint64": (pl.UInt64(), st.integers(0, 2**64 - 1)),
    "date": (pl.Date(), st.dates()),
    "ms": (pl.Datetime("ms"), MOMENTS.map(lambda at: at.replace(microsecond=0))),
    "us": (pl.Datetime("us"), MOMENTS),
    "ns": (pl.Datetime("ns"), MOMENTS),
    "utc": (pl.Datetime("us", "UTC"), MOMENTS.map(lambda at: at.replace(tzinfo=UTC))),
    "oslo": (pl.Datetime("us", "Europe/Oslo"), MOMENTS.map(lambda at: at.replace(tzinfo=UTC))),
    "decimal": (pl.Decimal(9, 2), st.decimals(-(10**6), 10**6, places=2)),
    "long decimal": (pl.Decimal(38, 4), st.decimals(-(10**30), 10**30, places=4)),
    "short text": (pl.String(), SHORT),
    "long text": (pl.String(), SHORT.map(lambda end: "a" * 62 + end)),
    "float": (pl.Float64(), st.floats()),
    "bool": (pl.Boolean(), st.booleans()),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[bytes], pl.DataType, ReadRequest]:
    """Files of a column, written by one or another, and a window of it."""
    kind, values = KINDS[draw(st.sampled_from(sorted(KINDS)))]
    written, writers = list[bytes](), sorted(WRITERS)
    if isinstance(kind, pl.Datetime):  # whose unit not all of them keep
        writers = [draw(st.sampled_from(writers))]
    for _ in range(draw(st.integers(1, 3))):
        given_ = draw(st.lists(st.none() | values, max_size=8))
        rows = pl.DataFrame(
            {"c": pl.Series(given_, dtype=kind), "n": pl.Series(range(len(given_)), dtype=pl.Int64)}
        )
        write = WRITERS[draw(st.sampled_from(writers))]
        written.append(write(rows, draw(st.integers(1, 4))))
    ends = [
        mark("c", value, kind, closed=draw(st.booleans())) if value is not None else None
        for value in (draw(st.none() | values), draw(st.none() | values))
    ]
    return written, kind, ReadRequest(low=ends[0], bound=ends[1])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables())
def test_the_rows_are_those_of_the_window(made: tuple[list[bytes], Any, ReadRequest]) -> None:
    written, kind, request = made
    folder = Folder()
    for n, data in enumerate(written):
        folder.put(f"{n}", data)
    home = folder.home(partition_mb=0.0001)
    assume(home.table_schema()["c"].type == kind)  # some writers keep no zones, and not all units
    with pytest.MonkeyPatch.context() as patch:
        pruned, top = rows_of(home, request), bound_of(home, kind)
        patch.setattr(Parquet, "ends", lambda *asked: None)
        patch.setattr(files, "ends_of", lambda *asked: None)
        assert list(map(repr, pruned)) == list(map(repr, rows_of(home, request)))
        assert top == bound_of(home, kind)
    forget(folder.name)


def bound_of(home: FileHome, kind: pl.DataType) -> Watermark | None:
    if isinstance(kind, pl.Float64):  # no watermark: NaN has no place among numbers
        return None
    return asyncio.run(home.upper_bound("c")).watermark


def test_files_of_several_widths(folder: Folder) -> None:
    for n, kind in enumerate((pl.Int8, pl.Int64, pl.UInt16)):
        folder.put(f"{n}", by_polars(pl.DataFrame({"id": pl.Series([n, 50 + n], dtype=kind)}), 1))
    assert rows_of(folder.home(), above(51)) == [(51,), (52,)]
    folder.put("lacks", by_polars(pl.DataFrame({"other": [1]}), 1))
    found = rows_of(folder.home(), above(51))
    assert found == [(51, None), (52, None), (None, 1)]


def told(data: bytes, column: str, kind: pl.DataType) -> Ends | None:
    folder = Folder()
    folder.put("a", data)
    return Parquet.build({}).ends(folder.fs.source("t/a.parquet"), Column(column, kind))


MAY = datetime(2024, 5, 1)


@pytest.mark.parametrize(
    ("kind", "value", "write", "known"),
    [
        (pl.Int64(), 1, "polars", True),
        (pl.Date(), date(2024, 5, 1), "polars", True),
        (pl.Datetime("ns"), MAY, "arrow", True),
        (pl.Datetime("us", "Europe/Oslo"), MAY.replace(tzinfo=UTC), "arrow", True),
        (pl.Decimal(38, 4), Decimal("1.5"), "polars", True),
        (pl.String(), "a" * 63, "polars", True),
        (pl.String(), "a" * 64, "polars", False),
        (pl.Datetime("us"), MAY, "int96", False),
        (pl.Int64(), 1, "no statistics", False),
        (pl.Float64(), 1.0, "polars", False),
        (pl.Boolean(), True, "polars", False),
        (pl.Int64(), None, "polars", False),
    ],
)
def test_which_statistics_are_relied_on(
    kind: pl.DataType, value: object, write: str, known: bool
) -> None:
    rows = pl.DataFrame({"c": pl.Series([value], dtype=kind)})
    ends = told(WRITERS[write](rows, 1), "c", kind)
    assert (ends is not None and ends.least[0] is not None) is known


def test_a_text_that_reads_as_a_number_keeps_no_order() -> None:
    data = by_polars(pl.DataFrame({"c": [9, 10]}), 2)
    assert told(data, "c", pl.String()) is None
    assert told(data, "c", pl.Int128()) is not None


def test_a_column_inside_another_is_not_taken_for_it() -> None:
    inner = pl.Series("a", [{"b": 1}])
    assert told(by_polars(pl.DataFrame([inner]), 1), "a.b", pl.Int64()) is None
    both = pl.DataFrame([inner, pl.Series("a.b", [7]), pl.Series("b", [8])])
    found = told(by_polars(both, 1), "a.b", pl.Int64())
    assert found is None or found.least.to_list() == [7]
    found = told(by_polars(both, 1), "b", pl.Int64())
    assert found is not None
    assert found.least.to_list() == [8]


def test_times_of_another_unit_than_announced_are_not_relied_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = by_polars(pl.DataFrame({"c": [MAY]}), 1)
    monkeypatch.setitem(parquet_ends._UNITS, "us", "milliseconds")
    found = told(data, "c", pl.Datetime("us"))
    assert found is not None
    assert found.least.to_list() == [None]


def test_runs_of_blocks() -> None:
    ends = Ends(
        least=pl.Series("c", [1, 5, None, 7, 7, 9]),
        greatest=pl.Series("c", [4, 6, None, 8, 8, 9]),
        nulls=(0, 0, 0, None, 1, 0),
        exact=True,
    )

    def found(low: int, span: Span | None = None) -> Sequence[Span | None]:
        return within(ends, ReadRequest(low=mark("c", low, pl.Int64())), span)

    assert found(0) == [None]
    assert found(5) == [Span(1, 6)]
    assert found(5, Span(1, 3)) == [Span(1, 3)]
    assert found(9) == [Span(2, 6)]
    assert found(10) == [Span(2, 5)]
    assert found(10, Span(0, 2)) == []
    assert found(10, Span(0, 4)) == [Span(2, 4)]
