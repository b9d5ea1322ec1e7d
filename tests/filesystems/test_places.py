"""What others do to an object while it is read, folders of very many, and names with odd letters:
on a server of each kind."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.filesystems.places import PLACES, Flat, Google, Place

from hygge.core.errors import SourceChanged, SourceMissing
from hygge.core.home import HomeConfig, ReadRequest
from hygge.core.partition import WHOLE, Partition
from hygge.core.store import StoreConfig
from hygge.flow.factory import FlowFactory
from hygge.flow.settings import FlowSettings
from hygge.flow.terms import Terms
from hygge.homes.file_schema import union
from hygge.homes.files import FileHome, FileHomeConfig
from hygge.journal.memory import MemoryJournal

SELDOM = (Flat, Google)
"""What these do is much like what two others do."""
MANY = 10_000
ALL = ReadRequest()


@pytest.fixture(
    params=[
        pytest.param(kind, id=kind.__name__, marks=[pytest.mark.long] * (kind in SELDOM))
        for kind in PLACES
    ]
)
def place(request: pytest.FixtureRequest, keeping: None, tmp_path: Path) -> Place:
    made: Place = request.param(tmp_path)
    return made


def parquet(start: int, rows: int, **how: Any) -> bytes:
    """Rows that do not pack: each row group is more than is fetched at once."""
    out = io.BytesIO()
    ids = pl.DataFrame({"id": range(start, start + rows)})
    ids.with_columns(pl.col("id").hash(seed).alias(f"n{seed}") for seed in range(20)).write_parquet(
        out, **how
    )
    return out.getvalue()


def ids(home: FileHome, partition: Partition = WHOLE) -> list[int]:
    return [n for batch in home.batches(ALL, partition) for n in batch["id"]]


def begun(home: FileHome) -> Iterator[pl.DataFrame]:
    """A read of which the first rows came."""
    reading = home.batches(ALL, WHOLE)
    assert next(reading).height
    return reading


# -- while it is read -------------------------------------------------------------------


FIRST = 10**11
"""Numbers of one width, so that files of as many are of one size."""
BIG: dict[str, Callable[[int], bytes]] = {
    "parquet": lambda start: parquet(
        start, 60_000, row_group_size=2_000, compression="uncompressed"
    ),
    "csv": lambda start: b"id\n" + b"".join(b"%d\n" % (start + n) for n in range(1_000_000)),
}


@pytest.mark.parametrize("form", BIG)
def test_a_file_that_is_deleted_while_it_is_read(place: Place, form: str) -> None:
    """What was read of it does not pass for the whole, and another try says what is the matter."""
    path = f"in/people.{form}"
    place.put(path, BIG[form](FIRST))
    home = place.home(path)
    reading = begun(home)
    place.remove(path)
    with pytest.raises(SourceChanged) as failed:
        list(reading)
    assert failed.value.transient
    assert path in str(failed.value)
    with pytest.raises(SourceMissing):
        ids(home)


@pytest.mark.parametrize("form", BIG)
def test_a_file_that_becomes_another_while_it_is_read(place: Place, form: str) -> None:
    """Of the same size: only its version tells. Old and new rows never come together."""
    path, later = f"in/people.{form}", 2 * FIRST
    old, new = BIG[form](FIRST), BIG[form](later)
    assert len(old) == len(new)
    place.put_before(path, old)
    home = place.home(path)
    reading, seen = begun(home), list[int]()
    place.put(path, new)
    with pytest.raises(SourceChanged) as failed:
        seen.extend(n for batch in reading for n in batch["id"])
    assert failed.value.transient
    assert all(n < later for n in seen), "rows of the new one came behind those of the old"
    assert min(ids(home)) >= later


def test_a_file_that_goes_between_planning_and_reading(place: Place) -> None:
    place.put("in/1.csv", b"id\n1\n")
    place.put("in/2.csv", b"id\n2\n")
    home = place.home("in", partition_mb=0.000001)
    one, other = home.split(ALL)
    place.remove("in/2.csv")
    with pytest.raises(SourceChanged, match=r"2\.csv is gone") as failed:
        ids(home, other)
    assert failed.value.transient
    assert ids(home, one) == [1], "what is not touched stays worth resuming"


def test_what_is_remembered_of_a_file_is_its_own(place: Place) -> None:
    """It becomes another after it was listed, and then what it was: a server whose versions are
    sums of the bytes gives it its old one back."""
    first, other = (pl.DataFrame({"id": [5], name: [1]}) for name in ("first", "other"))
    data = [io.BytesIO(), io.BytesIO()]
    for frame, into in zip((first, other), data, strict=True):
        frame.write_parquet(into)
    place.put_before("in/1.parquet", data[0].getvalue())
    listed = place.home("in")._wanted.find()
    place.put("in/1.parquet", data[1].getvalue())
    with suppress(SourceChanged):  # as good: it is told
        union(place.files, listed.files, listed.format)
    place.put_before("in/1.parquet", data[0].getvalue())
    assert place.home("in").table_schema().names == ("id", "first")


def test_a_probe_lets_each_in_and_leaves_nothing(place: Place) -> None:
    for layout in ("folder", "versioned"):
        place.store("raw/deep/people", layout=layout).probe()
    assert list(place.files.list()) == []
    assert list(place.files.folders("")) == []


# -- very many --------------------------------------------------------------------------


def test_a_folder_of_very_many_is_listed_to_its_end(place: Place) -> None:
    wanted = {f"in/{n:05}.csv": b"id\n%d\n" % n for n in range(MANY)}
    place.fill(wanted)
    place.put("inn/1.csv", b"id\n1\n")
    assert [file.path for file in place.files.list("in")] == sorted(wanted)


def test_a_folder_of_many_is_read_once(place: Place) -> None:
    read_all(place, 300)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_folder_of_more_is_read_once(place: Place) -> None:
    """A page of a listing has a thousand."""
    read_all(place, 1_500)


def read_all(place: Place, count: int) -> None:
    place.fill({f"in/{n:05}.csv": b"id\n%d\n" % n for n in range(count)})
    home = place.home("in", partition_mb=0.001)
    parts = home.split(ALL)
    assert len(parts) > 1
    assert [n for part in parts for n in ids(home, part)] == list(range(count))


# -- names ------------------------------------------------------------------------------

ODD = ["a b", "ünï-表", "100%25", "a#b", "a+b", "why?", "a&b=c", "it's", "x;y,z", "(1)@~!$", 'a"b']


@pytest.mark.parametrize("name", ODD)
def test_an_entity_of_any_name_goes_there_and_back(place: Place, name: str) -> None:
    """As the name of a table, in `{entity}`, and of the file it comes from."""
    place.put(f"in/{name}.csv", b"id\n1\n2\n")
    ends = {"type": "csv", "path": "in/{entity}.csv"}, {"type": "parquet", "path": "out/{entity}"}
    home, store = (
        {**end, "connection": "there", **FileHomeConfig.for_entity(end, {}, name)} for end in ends
    )
    for _ in range(2):
        flow = FlowFactory.build(
            "odd",
            HomeConfig.create(home),
            StoreConfig.create(store),
            FlowSettings(retries=0),
            MemoryJournal(),
            connections=place.connections,
        )
        report = asyncio.run(flow.run(Terms()))
        assert report.error is None, report.error
    assert ids(place.home(f"out/{name}")) == [1, 2]
    assert set(place.files.folders("out")) == {"_hygge", name}
