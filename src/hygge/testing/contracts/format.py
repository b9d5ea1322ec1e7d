"""What every Format promises, as tests driven by what it declares. Subclass it for yours."""

from __future__ import annotations

import io
import pickle
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl
import pytest

from hygge.core.errors import ConfigError, HomeError, SchemaMismatch, StoreError, Unsupported
from hygge.core.schema import Column, TableSchema
from hygge.formats.format import BATCH_BYTES, BATCH_ROWS, Format, Span, Writer
from hygge.testing.cases import Case, cases
from hygge.testing.harness import no_thread_left

ALL = cases()
BY_NAME = pytest.mark.parametrize("case", ALL, ids=[case.name for case in ALL])


@dataclass
class Written:
    """One file, as both what is written and what is read. Counts its open handles."""

    name: str
    path: Path | None = None
    data: bytearray = field(default_factory=bytearray)
    handles: list[BinaryIO] = field(default_factory=list)

    @property
    def local(self) -> Path | None:
        return self.path

    @property
    def size(self) -> int:
        return len(self.data)

    def open(self) -> BinaryIO:
        self.handles.append(io.BytesIO(bytes(self.data)) if self.path is None else self._file())
        return self.handles[-1]

    def _file(self) -> BinaryIO:
        assert self.path is not None
        return self.path.open("rb")

    def write(self, data: bytes, /) -> int:
        self.data += bytes(data)
        return memoryview(data).nbytes

    def tell(self) -> int:
        return len(self.data)

    def flush(self) -> None:
        """Nothing is held back."""

    def settle(self) -> Written:
        """Put on disk what was written, where it belongs there."""
        if self.path is not None:
            self.path.write_bytes(self.data)
        return self

    def all_closed(self) -> bool:
        return all(handle.closed for handle in self.handles)


class Full(Exception):
    """The disk is full."""


class FullSink(Written):
    """A sink that fails after its first bytes."""

    def write(self, data: bytes, /) -> int:
        if len(self.data) > 0:
            raise Full
        return super().write(data)


class FormatContract(ABC):
    """Nothing here knows which format it is."""

    @abstractmethod
    def build(self, **options: Any) -> Format[Any]:
        """The format with these options."""

    @abstractmethod
    def look(self, data: bytes) -> list[tuple[Any, ...]]:
        """The rows of a file of the columns of `PLAIN`, as another reader sees them."""

    @pytest.fixture
    def form(self) -> Format[Any]:
        return self.build()

    @pytest.fixture(params=["on disk", "by handle only"])
    def blank(self, request: pytest.FixtureRequest, tmp_path: Path) -> Written:
        return Written("blank", tmp_path / "blank" if request.param == "on disk" else None)

    # -- values -------------------------------------------------------------------------

    @BY_NAME
    def test_values_come_back_exactly_or_are_refused(
        self, form: Format[Any], blank: Written, case: Case
    ) -> None:
        frame = pl.DataFrame([case.series().alias("value")])
        schema = TableSchema.of(frame.schema)
        if form.held(case.type) is None:
            with pytest.raises(Unsupported, match="cannot hold") as failed:
                form.writer(blank, schema)
            assert failed.value.where["column"] == "value"
            assert blank.tell() == 0
            return
        if not case.finite and not form.capabilities.not_finite:
            with pytest.raises(StoreError) as refused:
                filled(form, blank, frame)
            assert refused.value.where["column"] == "value"
            return
        source = filled(form, blank, frame)
        same(read(form, source, schema), frame)
        if form.capabilities.types:
            assert form.schema(source).polars() == {"value": form.held(case.type)}
        assert form.rows(source) == frame.height
        assert source.all_closed()

    def test_all_columns_side_by_side(self, form: Format[Any], blank: Written) -> None:
        frame = together(form)
        assert frame.width > 20
        source = filled(form, blank, *(frame.slice(n, 7) for n in range(0, frame.height, 7)))
        same(read(form, source, TableSchema.of(frame.schema)), frame)

    def test_what_is_inferred_can_be_read(self, form: Format[Any], blank: Written) -> None:
        frame = together(form)
        source = filled(form, blank, frame)
        schema = form.schema(source)
        assert schema.names == tuple(frame.columns)
        found = read(form, source, schema)
        assert found.schema == schema.polars()
        assert found.null_count().equals(frame.null_count())

    def test_another_reader_sees_the_same(self, form: Format[Any], blank: Written) -> None:
        filled(form, blank, PLAIN)
        assert self.look(bytes(blank.data)) == PLAIN.rows()

    # -- shapes -------------------------------------------------------------------------

    def test_an_empty_table_keeps_its_columns(self, form: Format[Any], blank: Written) -> None:
        frame = together(form).clear()
        source = filled(form, blank, frame)
        schema = TableSchema.of(frame.schema)
        same(read(form, source, schema), frame)
        assert form.rows(source) == 0
        if form.capabilities.types:
            assert form.schema(source) == schema

    def test_a_wide_table(self, form: Format[Any], blank: Written) -> None:
        wide = pl.DataFrame({f"column {n}": [n, None, -n] for n in range(700)})
        source = filled(form, blank, wide)
        same(read(form, source, TableSchema.of(wide.schema)), wide)
        assert form.schema(source) == TableSchema.of(wide.schema)

    def test_odd_names(self, form: Format[Any], blank: Written) -> None:
        names = ["a b", 'q"q', "comma,", "line\nend", "ünï", "😀", "CASE", "case", "0", " "]
        odd = pl.DataFrame({name: [n] for n, name in enumerate(names)})
        source = filled(form, blank, odd)
        assert form.schema(source).names == tuple(names)
        same(read(form, source, TableSchema.of(odd.schema)), odd)

    def test_many_small_batches_and_one_large_make_the_same_rows(
        self, form: Format[Any], tmp_path: Path
    ) -> None:
        rows = BATCH_ROWS + 5
        frame = pl.DataFrame({"n": range(rows), "text": [f"row {n % 97}" for n in range(rows)]})
        schema = TableSchema.of(frame.schema)
        many = filled(form, Written("many", tmp_path / "many"), *frame.iter_slices(9999))
        one = filled(form, Written("one"), frame)
        for source in (many, one):
            batches = [*form.batches(source, schema)]
            assert max(batch.height for batch in batches) <= BATCH_ROWS
            assert all(batch.height for batch in batches)
            same(pl.concat(batches), frame)
            assert form.rows(source) == rows

    def test_batches_are_bounded_in_bytes(self, form: Format[Any], tmp_path: Path) -> None:
        megabytes = BATCH_BYTES // 2**20 + 6
        frame = pl.DataFrame({"text": [f"{n % 10}" * 2**20 for n in range(megabytes)]})
        source = filled(form, Written("long", tmp_path / "long"), frame)
        sizes, rows = list[float](), 0
        for batch in form.batches(source, TableSchema.of(frame.schema)):
            sizes.append(batch.estimated_size())
            rows += batch.height
        assert rows == megabytes
        assert max(sizes) <= BATCH_BYTES * 1.1

    # -- reading ------------------------------------------------------------------------

    def test_only_the_wanted_columns_in_their_order(
        self, form: Format[Any], blank: Written
    ) -> None:
        source = filled(form, blank, PLAIN)
        wanted = TableSchema.of(PLAIN.schema).select(["word", "id"])
        same(read(form, source, wanted), PLAIN.select("word", "id"))

    def test_a_column_that_is_not_there_is_null(self, form: Format[Any], blank: Written) -> None:
        source = filled(form, blank, PLAIN)
        more = [Column("gone", pl.Date()), Column("id", pl.Int64())]
        found = read(form, source, TableSchema(tuple(more)))
        same(found, PLAIN.select(pl.lit(None, pl.Date).alias("gone"), "id"))
        only = read(form, source, TableSchema((more[0],)))
        assert (only.height, only["gone"].null_count()) == (PLAIN.height, PLAIN.height)

    @pytest.mark.parametrize(
        ("narrow", "wide"),
        [
            (pl.Series("x", [1, None, -128], pl.Int8), pl.Int64()),
            (pl.Series("x", [1, None, 255], pl.UInt8), pl.Int16()),
            (pl.Series("x", [1, None, 2**53], pl.Int64), pl.Float64()),
            (pl.Series("x", [0.5, None], pl.Float32), pl.Float64()),
            (pl.Series("x", [1, None], pl.Int64), pl.Decimal(38, 2)),
            (pl.Series("x", [None, None], pl.Null), pl.Int64()),
        ],
        ids=lambda value: str(value.dtype if isinstance(value, pl.Series) else value),
    )
    def test_narrower_columns_are_widened(
        self, form: Format[Any], blank: Written, narrow: pl.Series, wide: pl.DataType
    ) -> None:
        source = filled(form, blank, narrow.to_frame())
        found = read(form, source, TableSchema((Column("x", wide),)))
        same(found, narrow.cast(wide).to_frame())

    @pytest.mark.parametrize(
        ("held", "asked"),
        [
            (pl.Series("x", [2**53 + 1]), pl.Float64()),
            (pl.Series("x", [300]), pl.Int8()),
            (pl.Series("x", [0.5]), pl.Int64()),
            (pl.Series("x", ["a"]), pl.Int64()),
            (pl.Series("x", ["a"]), pl.Date()),
        ],
        ids=lambda value: str(value.dtype if isinstance(value, pl.Series) else value),
    )
    def test_what_would_be_lost_is_refused(
        self, form: Format[Any], blank: Written, held: pl.Series, asked: pl.DataType
    ) -> None:
        source = filled(form, blank, held.to_frame())
        with pytest.raises(SchemaMismatch) as failed:
            read(form, source, TableSchema((Column("x", asked),)))
        assert failed.value.where["column"] == "x"
        assert failed.value.where["file"] == source.name
        assert source.all_closed()

    def test_blocks_together_are_the_file(self, form: Format[Any], blank: Written) -> None:
        frame = pl.DataFrame({"n": range(BATCH_ROWS + 10)})
        schema = TableSchema.of(frame.schema)
        source = filled(form, blank, frame)
        blocks = form.blocks(source)
        if blocks is None:
            return
        assert sum(block.rows for block in blocks) == frame.height
        told = sum(block.bytes for block in blocks)
        assert 0 < told <= source.size * 1.01  # footers tell a little more than there is
        parts = [read(form, source, schema, Span(n, n + 1)) for n in range(len(blocks))]
        assert [part.height for part in parts] == [block.rows for block in blocks]
        same(pl.concat(parts), frame)
        same(read(form, source, schema, Span(0, len(blocks))), frame)

    def test_reading_leaves_nothing_open(self, form: Format[Any], blank: Written) -> None:
        source = filled(form, blank, PLAIN, PLAIN)
        with no_thread_left():
            batches = form.batches(source, TableSchema.of(PLAIN.schema))
            next(batches)
            assert isinstance(batches, Iterator)
            batches.close()  # type: ignore[attr-defined]
            form.blocks(source)
            form.rows(source)
        assert source.all_closed()

    def test_many_threads_may_read_one_file(self, form: Format[Any], blank: Written) -> None:
        source = filled(form, blank, PLAIN)
        found = list[pl.DataFrame]()
        schema = TableSchema.of(PLAIN.schema)
        readers = [
            threading.Thread(target=lambda: found.append(read(form, source, schema)))
            for _ in range(4)
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        assert len(found) == 4
        for frame in found:
            same(frame, PLAIN)

    # -- damage -------------------------------------------------------------------------

    def test_an_empty_file_is_named(self, form: Format[Any], blank: Written) -> None:
        source = blank.settle()
        with pytest.raises(HomeError) as failed:
            form.schema(source)
        assert failed.value.where["file"] == source.name
        assert source.all_closed()

    def test_noise_is_named(self, form: Format[Any], blank: Written) -> None:
        blank.write(bytes(range(255, 0, -1)) * 40)
        source = blank.settle()
        with pytest.raises(HomeError) as failed:
            form.schema(source)
        assert failed.value.where["file"] == source.name

    def test_a_file_cut_short_never_counts_as_whole(
        self, form: Format[Any], blank: Written
    ) -> None:
        whole = filled(form, blank, PLAIN)
        for cut in range(1, whole.size, max(1, whole.size // 50)):
            path = blank.path and blank.path.with_name("cut")
            short = Written("cut", path, blank.data[:-cut]).settle()
            assert counted(form, short) != PLAIN.height
            if form.capabilities.end:
                with pytest.raises(HomeError) as failed:
                    read(form, short, form.schema(short))
                assert failed.value.where["file"] == "cut"
            assert short.all_closed()

    def test_a_file_twice_over_never_counts_as_one(self, form: Format[Any], blank: Written) -> None:
        filled(form, blank, PLAIN)
        path = blank.path and blank.path.with_name("twice")
        assert counted(form, Written("twice", path, blank.data * 2).settle()) != PLAIN.height

    # -- writing ------------------------------------------------------------------------

    def test_what_may_not_be_null_is_kept_so(self, form: Format[Any], blank: Written) -> None:
        strict = TableSchema(
            (Column("id", pl.Int64(), nullable=False), Column("word", pl.String()))
        )
        writer = form.writer(blank, strict)
        writer.write(PLAIN.select("id", "word"))
        writer.close()
        source = blank.settle()
        same(read(form, source, strict), PLAIN.select("id", "word"))
        if form.capabilities.types:
            assert form.schema(source) == strict

    def test_null_where_there_may_be_none_is_refused(self, form: Format[Any]) -> None:
        strict = TableSchema((Column("id", pl.Int64(), nullable=False),))
        with no_thread_left():
            writer = form.writer(Written("strict"), strict)
            with pytest.raises(StoreError, match="NULL") as failed:
                writer.write(pl.DataFrame({"id": [1, None]}))
            writer.abort()
        assert failed.value.where["column"] == "id"

    def test_a_batch_of_another_schema_is_refused(self, form: Format[Any]) -> None:
        with no_thread_left():
            writer = form.writer(Written("other"), TableSchema.of(PLAIN.schema))
            with pytest.raises(SchemaMismatch):
                writer.write(PLAIN.select("word", "id", "share"))
            with pytest.raises(SchemaMismatch):
                writer.write(PLAIN.cast({"id": pl.Int32}))
            writer.abort()

    @pytest.mark.parametrize("batches", [0, 1, 40])
    def test_a_writer_that_is_stopped_lets_go(self, form: Format[Any], batches: int) -> None:
        frame = pl.DataFrame({"n": range(BATCH_ROWS // 4)})
        with no_thread_left():
            sink = Written("stopped")
            writer = form.writer(sink, TableSchema.of(frame.schema))
            for _ in range(batches):
                writer.write(frame)
            writer.abort()
            size = sink.tell()
            writer.abort()
            assert sink.tell() == size
        if form.capabilities.end:
            with pytest.raises(HomeError):
                form.schema(sink)

    def test_stopping_after_the_end_is_nothing(self, form: Format[Any], blank: Written) -> None:
        writer = form.writer(blank, TableSchema.of(PLAIN.schema))
        writer.write(PLAIN)
        writer.close()
        size = blank.tell()
        writer.abort()
        assert blank.tell() == size
        same(read(form, blank.settle(), TableSchema.of(PLAIN.schema)), PLAIN)

    def test_an_error_of_the_sink_is_told_as_it_is(self, form: Format[Any]) -> None:
        frame = pl.DataFrame({"n": range(3 * BATCH_ROWS)})
        with no_thread_left():
            writers = list[Writer]()

            def fill() -> None:
                writers.append(form.writer(FullSink("full"), TableSchema.of(frame.schema)))
                for _ in range(20):
                    writers[0].write(frame)
                writers[0].close()

            with pytest.raises(Full):
                fill()
            for writer in writers:
                writer.abort()

    # -- settings -----------------------------------------------------------------------

    def test_an_option_nobody_knows_is_refused(self, form: Format[Any]) -> None:
        with pytest.raises(ConfigError, match="nonsense"):
            self.build(nonsense=1)

    def test_it_travels(self, form: Format[Any], blank: Written) -> None:
        source = filled(form, blank, PLAIN)
        again = pickle.loads(pickle.dumps(form))
        same(read(again, source, TableSchema.of(PLAIN.schema)), PLAIN)

    def test_it_says_what_it_is_called(self, form: Format[Any]) -> None:
        assert form.name
        assert all(suffix.startswith(".") for suffix in form.suffixes)
        assert all(f.description for f in type(form).Options.model_fields.values())


PLAIN = pl.DataFrame(
    {
        "id": [*range(1, 41)],
        "word": ["plain", None, "", 'q"q', "a,b", "line\nend", "ünï", "😀", " x ", "\\"] * 4,
        "share": [0.5, None, -1e-3, 1e300, 0.1] * 8,
    },
    schema={"id": pl.Int64, "word": pl.String, "share": pl.Float64},
)
"""What any format can hold."""


def filled(form: Format[Any], blank: Written, *frames: pl.DataFrame) -> Written:
    """A finished file of these rows."""
    writer = form.writer(blank, TableSchema.of(frames[0].schema))
    try:
        for frame in frames:
            writer.write(frame)
        writer.close()
    finally:
        writer.abort()
    return blank.settle()


def read(
    form: Format[Any], source: Written, schema: TableSchema, span: Span | None = None
) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema=schema.polars()), *form.batches(source, schema, span)])


def counted(form: Format[Any], source: Written) -> int | None:
    """None if the file is refused, by its name."""
    try:
        return form.rows(source)
    except HomeError as failed:
        if failed.where["file"] != source.name:
            raise
        return None


def together(form: Format[Any]) -> pl.DataFrame:
    """All columns that the format takes, repeated to one height."""
    taken = [
        case
        for case in ALL
        if form.held(case.type) is not None and (case.finite or form.capabilities.not_finite)
    ]
    rows = 60
    return pl.DataFrame(
        [case.series().gather([n % len(case.values) for n in range(rows)]) for case in taken]
    )


def same(found: pl.DataFrame, wanted: pl.DataFrame) -> None:
    """Equal to the last bit: names, types, order, NULL, NaN and the sign of zero."""
    assert found.schema == wanted.schema
    for name in wanted.columns:
        assert plainly(found[name]) == plainly(wanted[name])


def plainly(values: pl.Series) -> str:
    if isinstance(values.dtype, pl.Categorical | pl.Enum):
        values = values.cast(pl.String)
    return repr(values.to_physical().to_list())
