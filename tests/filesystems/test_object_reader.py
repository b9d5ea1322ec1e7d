"""Objects are read by ranges, few and large, and never more of them than fits."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from hygge.core.errors import ConnectionFailed, HomeError
from hygge.core.schema import TableSchema
from hygge.filesystems import object_reader
from hygge.filesystems.object_reader import ObjectReader
from hygge.formats.format import Span
from hygge.formats.parquet import Parquet

DATA = random.Random(1).randbytes(200_000)


class Place:
    """Gives bytes, and remembers for what it was asked."""

    def __init__(self, data: bytes = DATA) -> None:
        self.data, self.asked, self.lock = data, list[tuple[int, int]](), threading.Lock()

    def fetch(self, start: int, end: int) -> bytes:
        with self.lock:
            self.asked.append((start, end))
        return self.data[start:end]

    def open(self) -> ObjectReader:
        return ObjectReader(len(self.data), self.fetch)


def test_any_piece_is_what_lies_there() -> None:
    chance = random.Random(2)
    with Place().open() as file:
        for _ in range(300):
            start, size = chance.randrange(len(DATA) + 10), chance.randrange(5_000)
            file.seek(start)
            assert file.read(size) == DATA[start : start + size]
            assert file.tell() == min(start, len(DATA)) + len(DATA[start : start + size]) or (
                start > len(DATA)
            )


def test_whoever_reads_on_asks_seldom() -> None:
    place = Place()
    with place.open() as file:
        told = b"".join(iter(lambda: file.read(1000), b""))
    assert told == DATA
    assert len(place.asked) == 1


def test_the_end_is_asked_for_once() -> None:
    place = Place()
    with place.open() as file:
        file.seek(-8, 2)
        assert file.read(8) == DATA[-8:]
        file.seek(-3000, 2)
        assert file.read() == DATA[-3000:]
    assert len(place.asked) == 1


def test_what_is_expected_is_fetched_once_and_in_order() -> None:
    place = Place()
    spans = [(n * 20_000, n * 20_000 + 15_000) for n in range(10)]
    with place.open() as file:
        file.expect(spans)
        for start, end in spans:
            for at in range(start, end, 5000):
                file.seek(at)
                assert file.read(5000) == DATA[at : at + 5000]
    assert sorted(place.asked) == spans


def test_no_more_is_expected_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_reader, "_IN_MEMORY", 40_000)
    monkeypatch.setattr(object_reader, "ROOM", object_reader.Room(40_000))
    place = Place()
    with place.open() as file:
        file.expect([(0, 30_000), (30_000, 60_000), (60_000, 160_000), (160_000, 170_000)])
    assert {end - start for start, end in place.asked} <= {30_000, 10_000}
    assert len(place.asked) == 1, "two of them do not fit"


def test_readers_share_the_room_and_give_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_reader, "ROOM", room := object_reader.Room(40_000))
    spans = [(n * 20_000, n * 20_000 + 15_000) for n in range(10)]
    one, other = Place(), Place()
    with one.open() as first, other.open() as second:
        first.expect(spans)
        assert room.share == 40_000
        second.expect(spans)
        assert room.share == 20_000
        for start, end in spans:  # what is read now always has room
            for file in (first, second):
                file.seek(start)
                assert file.read(end - start) == DATA[start:end]
            assert max(other.asked) == (start, end), "nothing is fetched ahead of what is read"
    assert sorted(one.asked) == sorted(other.asked) == spans
    assert room.share == 40_000


def test_a_large_piece_comes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_reader, "_PART", 7_000)
    place = Place()
    with place.open() as file:
        file.expect([(1_000, 31_000)])
        for start, end in ((1_000, 2_000), (7_500, 22_500), (8_000, 8_001), (30_000, 31_000)):
            file.seek(start)
            assert file.read(end - start) == DATA[start:end]
    assert sorted(place.asked) == [
        (at, min(at + 7_000, 31_000)) for at in range(1_000, 31_000, 7_000)
    ]


def test_a_piece_that_cannot_be_fetched_fails_who_reads_it() -> None:
    def fetch(start: int, end: int) -> bytes:
        if start >= 100_000:
            raise ConnectionFailed("the connection broke")
        return DATA[start:end]

    with ObjectReader(len(DATA), fetch) as file:
        file.expect([(0, 10_000), (100_000, 110_000)])
        assert file.read(10_000) == DATA[:10_000]
        file.seek(100_000)
        with pytest.raises(ConnectionFailed):
            file.read(10)


class InAPlace:
    """A parquet file that has no path."""

    name, local = "place", None

    def __init__(self, path: Path) -> None:
        self.place = Place(path.read_bytes())
        self.size = len(self.place.data)

    def open(self) -> ObjectReader:
        return self.place.open()


@pytest.mark.parametrize("names", [["a", "b.c", "s"], ["b.c"]])
@pytest.mark.parametrize("span", [None, Span(1, 3)])
def test_row_groups_come_one_request_each(
    tmp_path: Path, names: list[str], span: Span | None
) -> None:
    rows = pl.DataFrame(
        {
            "a": range(40_000),
            "b.c": [f"word {n * 7919 % 40_000}" for n in range(40_000)],
            "s": [{"x": n, "y": str(n)} for n in range(40_000)],
        }
    )
    rows.write_parquet(tmp_path / "t.parquet", row_group_size=10_000)
    source, form = InAPlace(tmp_path / "t.parquet"), Parquet.build({})
    schema = form.schema(source)  # type: ignore[arg-type]
    wanted = TableSchema(tuple(schema[name] for name in names))
    source.place.asked.clear()
    found = pl.concat([*form.batches(source, wanted, span)])  # type: ignore[arg-type]
    expected = rows if span is None else rows[10_000:30_000]
    assert found.equals(expected.select(names))
    groups = 2 if span else pq.read_metadata(tmp_path / "t.parquet").num_row_groups
    assert len(source.place.asked) <= groups + 1, "the footer, and each row group"


def test_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1" + bytes(1000))
    source, form = InAPlace(tmp_path / "t.parquet"), Parquet.build({})
    with pytest.raises(HomeError, match="not a readable parquet file"):
        form.schema(source)  # type: ignore[arg-type]
