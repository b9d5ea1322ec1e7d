"""Columns and keys of a mirrored table: what may change with a load, and what a full one alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from tests.mirroring.publisher import Load, Publisher

from hygge.core.errors import StoreError, Unsupported
from hygge.core.names import begun
from hygge.core.schema import TableSchema
from hygge.core.store import Mode
from hygge.mirroring.names import file_name
from hygge.testing.harness import PEOPLE, people, rows_of, unordered

Change = Callable[[pl.DataFrame], pl.DataFrame]


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path)


def test_a_new_column_is_null_in_older_rows(publisher: Publisher) -> None:
    publisher.put(Mode.MERGE, people(0, 3))
    more = people(2, 2, "new").with_columns(more=pl.lit("x"))
    publisher.put(Mode.MERGE, more)
    old = [(*row, None) for row in people(0, 2).rows()]
    assert publisher.rows() == unordered([*old, *more.rows()])


def test_a_column_that_goes_stays_and_may_come_again(publisher: Publisher) -> None:
    publisher.put(Mode.MERGE, people(0, 2))
    publisher.put(Mode.MERGE, people(2, 2).drop("born"))
    publisher.put(Mode.MERGE, people(4, 2))
    without = people(2, 2).with_columns(born=pl.lit(None, pl.Date))
    assert publisher.rows() == unordered(rows_of([people(0, 2), without, people(4, 2)]))


CHANGES: dict[str, tuple[Change, dict[str, Any], str]] = {
    "type": (lambda f: f.with_columns(pl.col("born").cast(pl.String)), {}, "date"),
    "wider": (lambda f: f.with_columns(small=pl.col("small").cast(pl.Int64)), {}, "int"),
    "name": (lambda f: f.rename({"word": "said"}), {}, "word"),
    "case": (lambda f: f.drop("word").with_columns(Word=pl.lit(1)), {}, "'word'"),
    "required": (lambda f: f.with_columns(more=pl.lit(1)), {"required": ("more",)}, "never NULL"),
    "keys": (lambda f: f, {"keys": ("word",)}, "keys are id"),
    "key gone": (lambda f: f.rename({"id": "number"}), {"keys": ("id",)}, "key"),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_what_fabric_cannot_follow_is_refused_before_staging(
    publisher: Publisher, change: str
) -> None:
    made, more, said = CHANGES[change]

    def small(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(small=pl.lit(1, pl.Int32))

    publisher.put(Mode.MERGE, small(people(0, 3)))
    with pytest.raises((StoreError, Unsupported), match=said) as failed:
        publisher.begin(Load.of(Mode.MERGE, made(small(people(3, 1))), **more))
    assert change == "case" or "--full-drop" in str(failed.value.hint)
    assert publisher.store().strays("people") == []
    assert publisher.rows() == unordered(small(people(0, 3)).rows())


@pytest.mark.parametrize("change", list(CHANGES))
def test_a_full_load_may_change_all(publisher: Publisher, change: str) -> None:
    made, more, _ = CHANGES[change]
    publisher.put(Mode.MERGE, people(0, 3).with_columns(small=pl.lit(1, pl.Int32)))
    publisher.apply()
    rows = made(people(3, 2).with_columns(small=pl.lit(1, pl.Int32)))
    keys = {"key gone": "number", "keys": "word"}.get(change, "id")
    publisher.put(Mode.REPLACE, rows, **{**more, "keys": (keys,)})
    assert publisher.rows() == unordered(rows.rows())
    assert publisher.numbers() == [1]


def test_a_table_without_rows_is_one(publisher: Publisher) -> None:
    publisher.run(Load.of(Mode.REPLACE, people(0, 0), schema=PEOPLE, keys=("id",)))
    assert publisher.rows() == []
    publisher.put(Mode.MERGE, people(0, 2))
    assert publisher.rows() == unordered(people(0, 2).rows())
    publisher.run(Load.of(Mode.REPLACE, people(0, 0), schema=PEOPLE, keys=("id",)))
    assert publisher.rows() == []
    assert publisher.numbers() == [1]


@pytest.mark.parametrize("mode", [Mode.MERGE, Mode.APPEND])
def test_a_later_load_without_rows_publishes_no_file(publisher: Publisher, mode: Mode) -> None:
    publisher.put(mode, people(0, 2))
    publisher.run(Load.of(mode, people(0, 0)))
    assert publisher.numbers() == [1]
    publisher.put(mode, people(2, 2))
    assert publisher.rows() == unordered(people(0, 4).rows())


def test_every_column_but_the_keys_may_be_null(publisher: Publisher) -> None:
    required = ("id", "word", "born", "seen")
    publisher.put(Mode.MERGE, people(0, 3), required=required)
    path = publisher.files.local(f"{publisher.folder}/{file_name(1)}")
    assert path is not None
    fields = {field.name: field.nullable for field in pq.read_schema(path)}
    assert fields == {"id": False, "word": True, "born": True, "seen": True}


def test_moments_finer_than_a_microsecond(tmp_path: Path) -> None:
    at = datetime(2024, 5, 6, 7, 8, 9, 123456)
    fine = pl.DataFrame({"id": [1], "at": pl.Series([at]).dt.cast_time_unit("ns")})
    finer = fine.with_columns(pl.col("at").dt.offset_by("5ns"))
    publisher = Publisher(tmp_path)
    publisher.put(Mode.MERGE, fine)
    assert publisher.rows() == [(1, at.replace(tzinfo=UTC))]
    with pytest.raises(StoreError, match="finer than a microsecond") as failed:
        publisher.put(Mode.MERGE, finer.with_columns(id=pl.lit(2, pl.Int64)))
    assert "allow_lossy" in str(failed.value.hint)
    publisher.recover()
    done = publisher.run(Load.of(Mode.MERGE, finer), allow_lossy=("at",))
    assert done.changed == {"at": 1}
    assert publisher.rows() == [(1, at.replace(tzinfo=UTC))]


def test_when_a_row_was_loaded(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path, loaded_at=True)
    load = publisher.put(Mode.MERGE, people(0, 2))
    later = publisher.put(Mode.MERGE, people(1, 2, "new"))
    found = publisher.frame().sort("id")
    assert found.columns == [*PEOPLE.names, "__LastLoadedAt__"]
    told = found["__LastLoadedAt__"].to_list()
    one, two = begun(load.load_id), begun(later.load_id)
    assert told == [one, two, two]
    assert abs(datetime.now(UTC) - one) < timedelta(minutes=5)
    with pytest.raises(Unsupported, match="this column itself"):
        publisher.put(Mode.MERGE, people(1, 1).with_columns(__LastLoadedAt__=pl.lit(1)))


def test_loaded_at_may_begin_and_end_later(publisher: Publisher) -> None:
    publisher.put(Mode.MERGE, people(0, 1))
    publisher.run(Load.of(Mode.MERGE, people(1, 1)), loaded_at=True)
    publisher.put(Mode.MERGE, people(2, 1))
    told = publisher.frame().sort("id")["__LastLoadedAt__"]
    assert [value is None for value in told] == [True, False, True]


def test_the_manifest_tells_what_the_files_have(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path, schema_manifest=True, loaded_at=True)
    publisher.put(Mode.MERGE, people(0, 2))
    publisher.put(Mode.MERGE, people(2, 2).with_columns(more=pl.lit(True)))
    told = json.loads(publisher.files.get(f"{publisher.folder}/_schema.json") or b"")
    assert told["keyColumns"] == ["id"]
    kinds = {column["name"]: column["type"] for column in told["columns"]}
    assert kinds == {
        "id": "bigint",
        "word": "varchar(max)",
        "born": "date",
        "seen": "datetime2(6)",
        "more": "bit",
        "__LastLoadedAt__": "datetime2(6)",
    }
    assert len(publisher.rows()) == 4


def test_who_publishes_is_told_once(tmp_path: Path) -> None:
    partner = {"name": "shop", "source_type": "Oracle", "source_version": "19c"}
    publisher = Publisher(tmp_path, partner=partner)
    publisher.put(Mode.MERGE, people(0, 2))
    told = json.loads(publisher.files.get(f"{publisher.zone}/_partnerEvents.json") or b"")
    expected = {"sourceType": "Oracle", "sourceVersion": "19c"}
    assert told == {"partnerName": "shop", "sourceInfo": expected}
    publisher.run(Load.of(Mode.MERGE, people(2, 2)), partner={"name": "another"})
    assert b'"shop"' in (publisher.files.get(f"{publisher.zone}/_partnerEvents.json") or b"")


@pytest.mark.parametrize("keys", [(), ("id",)])
@pytest.mark.parametrize("mode", [Mode.APPEND, Mode.REPLACE])
def test_keys_that_come_later(publisher: Publisher, mode: Mode, keys: tuple[str, ...]) -> None:
    """A key may have several rows where nobody has looked: what a merge does then, no page says."""
    publisher.put(mode, people(0, 3), keys=keys)
    assert ("keyColumns" in publisher.metadata()) == bool(keys)
    if mode is Mode.APPEND or not keys:
        with pytest.raises(StoreError, match="rows were appended, or had no keys") as refused:
            publisher.put(Mode.MERGE, people(2, 2, "new"))
        assert "--full-drop" in (refused.value.hint or "")
        publisher.put(Mode.REPLACE, people(0, 3), keys=("id",))
    publisher.put(Mode.MERGE, people(2, 2, "new"))
    assert json.loads(publisher.metadata())["keyColumns"] == ["id"]
    publisher.put(Mode.APPEND, people(4, 1), keys=("id",))
    with pytest.raises(StoreError, match="rows were appended, or had no keys"):
        publisher.put(Mode.MERGE, people(4, 1, "new"))
    assert publisher.rows() == unordered(rows_of([people(0, 2), people(2, 2, "new"), people(4, 1)]))


def test_what_tells_rows_apart_is_never_cut_off(publisher: Publisher) -> None:
    """Three keys that are one in microseconds would be one row."""
    fine = pl.Series("id", [1_000, 1_001, 1_002], dtype=pl.Datetime("ns"))
    rows = people(0, 3).with_columns(fine)
    publisher.settings["allow_lossy"] = True
    with pytest.raises(StoreError, match="id"):
        publisher.put(Mode.MERGE, rows)
    publisher.put(Mode.MERGE, people(0, 3).with_columns(fine.alias("born")))


def test_texts_of_any_letters_name_columns(publisher: Publisher) -> None:
    odd = people(0, 2).rename({"word": "a b/ü%20'\"", "born": "x,y;z"})
    publisher.put(Mode.MERGE, odd)
    assert publisher.rows() == unordered(odd.rows())
    known = publisher.store().table_schema()
    assert known == TableSchema.of(odd.schema)
