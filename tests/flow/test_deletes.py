"""Rows that are gone from the source: found by its keys, deleted or marked, and never too many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.flow.stage import Stage
from tests.rigs.duckdb import DuckdbStoreRig
from tests.rigs.file_homes import ParquetFilesRig
from tests.rigs.memory import MemoryChangesRig
from tests.rigs.mysql import MysqlStoreRig
from tests.rigs.postgres import PostgresHomeRig, PostgresStoreRig
from tests.rigs.sqlite import SqliteHomeRig, SqliteStoreRig

from hygge.core.errors import ConfigError, ConnectionFailed, StoreError, Unsupported
from hygge.core.events import FlowFinished, Notice, PartitionsPlanned, PartReused, PartStaged
from hygge.core.home import HomeCapabilities, ReadRequest
from hygge.core.journal import Status
from hygge.core.names import begun
from hygge.core.partition import Partition
from hygge.core.schema import DELETED_AT, OPERATION, TableSchema
from hygge.databases import memory
from hygge.homes.memory import MemoryChanges, MemoryHome, MemoryHomeConfig
from hygge.testing.faulty_store import FaultyStore
from hygge.testing.harness import HomeRig, StoreRig, people, unordered

MERGING: dict[str, Any] = {"run_type": "incremental", "watermark": "id", "keys": "id"}
FINDING: dict[str, Any] = {**MERGING, "detect_deletes": "by_key_compare"}
SOFT: dict[str, Any] = {**FINDING, "deletes": "soft"}
STORES = [MysqlStoreRig, PostgresStoreRig, SqliteStoreRig, DuckdbStoreRig]


def without(rows: pl.DataFrame, *ids: int) -> pl.DataFrame:
    return rows.filter(~pl.col("id").is_in(ids))


def ids(stage: Stage) -> list[int]:
    return sorted(row[0] for row in stage.rows)


# found by keys


def test_rows_that_are_gone_are_deleted(stage: Stage) -> None:
    stage.give(people(0, 10))
    assert stage.done(**FINDING).run.message is None
    stage.give(without(people(0, 12), 3, 7))
    report = stage.done(**FINDING)
    assert stage.rows == unordered(without(people(0, 12), 3, 7).rows())
    assert report.receipt is not None
    assert (report.rows, report.receipt.deleted) == (3, 2)  # the last position came again
    assert report.run.message == "2 rows deleted"
    assert stage.told(FlowFinished)[-1].deleted == 2
    assert not stage.leftovers


def test_a_run_without_new_rows_publishes_deletes_alone(stage: Stage) -> None:
    above = {**FINDING, "watermark": {"column": "seen", "nulls": "ignore"}}
    stage.give(people(0, 10))
    stage.done(**above)
    empty = people(0, 10).with_columns(seen=pl.lit(None, pl.Datetime("us", "UTC")))
    stage.give(without(empty, 4))  # nothing that has a watermark
    report = stage.done(**above)
    assert (report.status, report.rows) == (Status.SUCCESS, 0)
    assert stage.rows == unordered(without(people(0, 10), 4).rows())
    assert stage.last is not None
    assert stage.last.watermark is None  # where nothing has a position, all is read the next time
    receipt = stage.last
    report = stage.done(**above)
    assert (report.status, report.receipt) == (Status.SKIP, None)
    assert stage.last == receipt
    assert not stage.leftovers


def test_the_newest_rows_may_be_gone_and_come_anew(stage: Stage) -> None:
    stage.give(people(0, 10))
    stage.done(**FINDING)
    stage.give(people(0, 8))
    stage.done(**FINDING)
    assert stage.rows == unordered(people(0, 8).rows())
    assert "it ends at id ≤ 7" in stage.told(Notice)[-1].text
    assert stage.last is not None
    assert stage.last.watermark is not None
    assert stage.last.watermark.value == 7
    stage.give(people(0, 8), people(8, 1, "anew"))  # below the first position
    stage.done(**FINDING)
    assert stage.rows == unordered([*people(0, 8).rows(), *people(8, 1, "anew").rows()])


def test_a_new_row_among_the_last_that_are_left_is_loaded(stage: Stage) -> None:
    """Its watermark is below that of rows which are gone by now."""
    settings = {**FINDING, "watermark": "seen"}
    stage.give(people(0, 10))
    stage.done(**settings)
    new = people(7, 1).with_columns(id=pl.lit(70, pl.Int64))
    stage.give(people(0, 8), new)
    stage.done(**settings)
    assert stage.rows == unordered([*people(0, 8).rows(), *new.rows()])


def test_a_source_that_was_restored_is_followed(stage: Stage) -> None:
    """Rows that were read as they are no more, and whose watermark is long passed."""
    restored = people(0, 10, "restored")
    stage.give(people(0, 12))
    stage.done(**FINDING)
    stage.give(restored)
    stage.done(**FINDING)
    assert stage.rows == unordered(restored.rows())


def test_a_source_that_was_emptied_and_filled_again(stage: Stage) -> None:
    settings = {**FINDING, "max_delete_fraction": 1}
    stage.give(people(0, 10))
    stage.done(**settings)
    stage.give(people(0, 0))
    stage.done(**settings)
    assert stage.rows == []
    stage.give(people(0, 15, "anew"))
    stage.done(**settings)
    assert stage.rows == unordered(people(0, 15, "anew").rows())


def test_too_many_are_refused_and_nothing_changes(stage: Stage) -> None:
    stage.give(people(0, 10))
    stage.done(**FINDING)
    before, receipt = stage.rows, stage.last
    for left, told in (
        (without(people(0, 15), 1, 2, 3), "3 of 10 rows"),
        (people(0, 0), "10 of 10 rows"),
    ):
        stage.give(left)
        report = stage.run(**FINDING)
        assert isinstance(report.error, StoreError)
        assert told in str(report.error)
        assert (stage.rows, stage.last) == (before, receipt)
        assert not stage.leftovers
    stage.done(**FINDING, max_delete_fraction=1)
    assert stage.rows == []


def test_what_leaves_the_condition_is_gone(stage: Stage) -> None:
    asked = {**FINDING, "where": "word <> 'hidden'", "columns": ("id", "seen")}
    stage.give(people(0, 5))
    stage.done(**asked)
    hide = pl.when(pl.col("id") == 2).then(pl.lit("hidden")).otherwise("word")
    stage.give(people(0, 5).with_columns(word=hide))
    stage.done(**asked)
    assert ids(stage) == [0, 1, 3, 4]


@pytest.mark.parametrize(
    "polish",
    [
        {"columns": {"case": "upper"}},
        {
            "hash_ids": [{"name": "key", "columns": ["id", "born"]}],
            "timestamps": [{"name": "loaded"}],
            "constants": [{"name": "by", "value": "us"}],
        },
    ],
    ids=["renamed", "made"],
)
def test_keys_are_compared_as_they_are_after_polish(stage: Stage, polish: dict[str, Any]) -> None:
    keys = ["key", "by"] if "hash_ids" in polish else "id"
    asked = {**FINDING, "polish": polish, "keys": keys}
    stage.give(people(0, 10))
    stage.done(**asked)
    stage.give(without(people(0, 10), 3))
    assert stage.done(**asked).run.message == "1 rows deleted"
    assert ids(stage) == [0, 1, 2, *range(4, 10)]


def test_keys_that_the_source_does_not_have_are_refused(stage: Stage) -> None:
    stage.give(people(0, 3))
    constant = {"constants": [{"name": "by", "value": "us"}]}
    report = stage.run(**{**FINDING, "keys": "by", "polish": constant})
    assert isinstance(report.error, ConfigError)
    assert "not made of the source's columns" in str(report.error)
    assert stage.target.look() is None


def test_a_source_row_without_a_key_is_refused(stage: Stage) -> None:
    stage.give(people(0, 5))
    stage.done(**{**FINDING, "run_type": "full_drop"})
    nobody = people(0, 1).with_columns(id=pl.lit(None, pl.Int64))
    stage.give(people(0, 5), nobody)
    settings = {**FINDING, "watermark": {"column": "id", "nulls": "ignore"}}
    report = stage.run(**settings)
    assert isinstance(report.error, StoreError)
    assert "1 rows have no key" in str(report.error)
    assert stage.rows == unordered(people(0, 5).rows())


@pytest.mark.parametrize("run_type", ["full_drop", "backfill"])
def test_only_an_incremental_load_looks_for_them(stage: Stage, run_type: str) -> None:
    stage.give(people(0, 10))
    stage.done(**FINDING)
    stage.give(people(5, 5))
    more = {"range": {"from": 5, "to": 7}} if run_type == "backfill" else {}
    stage.done(**{**FINDING, **more, "run_type": run_type})
    assert ids(stage) == [*range(5 if run_type == "full_drop" else 0, 10)]
    assert not any(part.partition.startswith("keys") for part in stage.told(PartStaged))


# marked


def test_marked_rows_live_again_and_a_full_load_marks_none(stage: Stage) -> None:
    stage.give(people(0, 10))
    stage.done(**SOFT)
    stage.give(without(people(0, 12), 3))
    report = stage.done(**SOFT)
    assert report.receipt is not None
    moment = begun(report.receipt.load_id)
    assert marks(stage) == {i: moment if i == 3 else None for i in range(12)}
    stage.give(without(people(0, 12), 3, 5), people(3, 1, "again"))
    stage.done(**{**SOFT, "watermark": {"column": "id", "overlap": 20}})
    assert marks(stage)[3] is None
    assert marks(stage)[5] is not None
    assert ("again 3",) in [row[1:2] for row in stage.rows if row[0] == 3]
    stage.done(**{**SOFT, "run_type": "full_drop"})
    assert marks(stage) == {i: None for i in range(12) if i != 5}
    assert DELETED_AT not in (asyncio.run(stage.target.store().schema()) or ())


def marks(stage: Stage) -> dict[int, datetime | None]:
    return {row[0]: row[4] for row in stage.rows}


def test_a_row_that_comes_back_below_the_position_is_told_by_its_key(stage: Stage) -> None:
    """Its values are those of before: nothing told that it came. It does not count as gone."""
    stage.give(people(0, 10))
    stage.done(**SOFT)
    stage.give(without(people(0, 10), 3))
    stage.done(**SOFT)
    stage.give(people(0, 10))
    stage.done(**SOFT)
    assert marks(stage) == dict.fromkeys(range(10))


def test_a_source_with_the_stores_own_column_is_refused(stage: Stage) -> None:
    stage.give(people(0, 3).with_columns(pl.col("seen").alias(DELETED_AT)))
    report = stage.run(**SOFT)
    assert isinstance(report.error, ConfigError)
    assert report.error.where["column"] == DELETED_AT
    assert stage.target.look() is None


# told by the source


def changes(*told: tuple[int, int]) -> pl.DataFrame:
    return pl.concat(
        people(i, 1).with_columns(pl.lit(op, pl.Int8).alias(OPERATION)) for i, op in told
    )


@pytest.mark.parametrize(("deletes", "left"), [("hard", [2]), ("soft", [1, 2]), ("ignore", [1, 2])])
def test_deletes_that_are_told(tmp_path: Path, deletes: str, left: list[int]) -> None:
    stage = Stage(tmp_path)
    stage.source = MemoryChangesRig(tmp_path)
    stage.give(changes((1, 0), (2, 0), (1, 1)))
    stage.done(**MERGING, deletes=deletes)
    assert ids(stage) == left
    assert not stage.told(Notice)[1:]


@pytest.mark.parametrize(
    "more",
    [
        {"columns": ["id", "word"]},
        {"polish": {"columns": {"case": "pascal"}}},
        {"polish": {"columns": {"remove_special": True}}},
        {"on_schema_change": "freeze"},
        {"on_schema_change": "fail"},
    ],
    ids=str,
)
def test_what_tells_of_a_row_that_is_gone_comes_through(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    """It is no column: none that is chosen, renamed, new or frozen."""
    stage = Stage(tmp_path)
    stage.source = MemoryChangesRig(tmp_path)
    stage.give(changes((1, 0), (2, 0), (3, 0)))
    stage.done(**MERGING, **more)
    stage.give(changes((1, 0), (2, 0), (3, 0), (3, 1)))
    stage.done(**MERGING, **more)
    assert ids(stage) == [1, 2]
    assert not [note for note in stage.told(Notice) if OPERATION in note.text]


def test_soft_deletes_that_nothing_tells_of_are_noticed(stage: Stage) -> None:
    stage.give(people(0, 3))
    stage.done(**MERGING, deletes="soft")
    assert "`detect_deletes` finds them" in stage.told(Notice)[0].text


# what cannot be


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"deletes": "soft"}, "deletes: soft is for rows that are merged: it needs `keys`"),
        ({"detect_deletes": "by_key_compare"}, "detect_deletes is for rows that are merged"),
        ({**MERGING, "write": "append", "deletes": "ignore"}, "deletes: ignore is for rows that"),
        ({**FINDING, "write": "append"}, "detect_deletes is for rows that are merged"),
        ({**FINDING, "deletes": "ignore"}, "detect_deletes finds rows that are gone"),
        ({**FINDING, "max_delete_fraction": 0}, "greater than 0"),
        ({**FINDING, "max_delete_fraction": 1.5}, "less than or equal to 1"),
        ({**FINDING, "detect_deletes": "by_magic"}, "by_key_compare"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    stage: Stage, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        stage.flow(**settings)


class Narrow(MemoryHome):
    capabilities = HomeCapabilities(incremental=True, partitions=True, where=True)


def test_homes_and_stores_that_cannot_are_refused(stage: Stage, tmp_path: Path) -> None:
    config = MemoryHomeConfig(type="memory", table=stage.source.table)
    stage.give(people(0, 3))
    poor = stage.target.store()
    poor.capabilities = type(poor.capabilities)(modes=poor.capabilities.modes)  # type: ignore[misc]
    for flow, told in (
        (stage.flow(Narrow(config), **FINDING), "Narrow cannot read keys alone"),
        (stage.flow(MemoryChanges(config), **FINDING), "MemoryChanges tells of deletes itself"),
        (stage.flow(store=poor, **FINDING), "MemoryStore cannot delete rows"),
        (stage.flow(store=poor, **MERGING, deletes="soft"), "MemoryStore cannot delete rows"),
    ):
        error = stage.run(flow).error
        assert isinstance(error, Unsupported)
        assert error.what.startswith(told)
        assert error.hint
        assert stage.target.look() is None


# while others write


class Busy(MemoryHome):
    """Others change the table between two readings, and none of them is told of a state."""

    between: Callable[[], None]

    @asynccontextmanager
    async def reading(self, request: ReadRequest) -> AsyncIterator[Sequence[Partition]]:
        async with super().reading(request) as partitions:
            yield partitions
        self.between()


def busy(stage: Stage, between: Callable[[], None]) -> Busy:
    home = Busy(MemoryHomeConfig(type="memory", table=stage.source.table))
    home.between = between
    return home


def test_a_row_that_comes_between_the_rows_and_the_keys_is_not_deleted(stage: Stage) -> None:
    stage.give(people(0, 5))
    stage.done(**FINDING)
    stage.give(people(0, 8))
    changed = [lambda: stage.give(people(0, 9)), lambda: stage.give(people(0, 10))]
    stage.done(stage.flow(busy(stage, lambda: changed.pop(0)()), **FINDING))
    assert ids(stage) == [*range(8)]
    stage.done(**FINDING)
    assert ids(stage) == [*range(10)]


def test_a_row_that_is_away_while_the_rows_are_read_is_not_deleted(stage: Stage) -> None:
    """Its watermark is old: once deleted it would not be loaded again."""
    stage.give(people(0, 10))
    stage.done(**FINDING)
    stage.give(without(people(0, 12), 3))
    changed = [lambda: stage.give(people(0, 12)), lambda: None]
    stage.done(stage.flow(busy(stage, lambda: changed.pop(0)()), **FINDING))
    assert ids(stage) == [*range(12)]


def test_a_row_that_goes_between_the_rows_and_the_keys_goes_in_the_end(stage: Stage) -> None:
    stage.give(people(0, 10))
    stage.done(**FINDING)
    stage.give(people(0, 12))
    changed = [lambda: stage.give(without(people(0, 12), 3, 11)), lambda: None]
    stage.done(stage.flow(busy(stage, lambda: changed.pop(0)()), **FINDING))
    assert ids(stage) == [0, 1, 2, *range(4, 12)]  # 11 was read, and is as fresh as the rest
    stage.done(**FINDING)
    assert ids(stage) == [0, 1, 2, *range(4, 11)]


def test_keys_are_read_after_all_rows_and_told_as_such(stage: Stage) -> None:
    stage.give(people(0, 4))
    stage.done(**FINDING)
    stage.heard.clear()
    stage.give(people(0, 3), people(3, 3))
    report = stage.done(**FINDING, parallel=2)
    names = [part.partition for part in stage.told(PartStaged)]
    assert sorted(names[:2]) == ["00000", "00001"]
    assert sorted(names[2:]) == ["keys of 00000", "keys of 00001"]
    assert [planned.count for planned in stage.told(PartitionsPlanned)] == [2, 4]
    assert report.rows == 3


def test_a_load_that_goes_on_reads_the_keys_again(stage: Stage) -> None:
    """A day later there may be others: those of the day before are not kept."""
    stage.give(people(0, 10))
    stage.done(**FINDING)
    stage.give(without(people(0, 6), 2), people(6, 8))

    def fail_at_the_commit(what: str) -> None:
        if what == "commit":
            raise ConnectionFailed("no more")

    store = FaultyStore(stage.target.store(), fail_at_the_commit)
    assert stage.run(stage.flow(store=store, retries=0, **FINDING)).error is not None
    pages = memory.table(stage.source.table).pages
    stage.give(people(0, 6), without(people(6, 8), 7))
    table = memory.table(stage.source.table)
    table.pages = (table.pages[0], pages[1])  # the second as it was: its rows are kept
    stage.done(**FINDING)
    assert [part.partition for part in stage.told(PartReused)] == ["00001"]
    assert ids(stage) == [*range(14)]
    stage.give(without(people(0, 14), 7))
    stage.done(**FINDING)
    assert ids(stage) == [*range(7), *range(8, 14)]


@pytest.mark.parametrize(
    "changed", [{"deletes": "soft"}, {"max_delete_fraction": 0.5}, {"detect_deletes": None}]
)
def test_other_settings_begin_anew(stage: Stage, changed: dict[str, Any]) -> None:
    stage.give(people(0, 4))
    stage.done(**FINDING)
    stage.give(people(0, 4), people(4, 4))

    def fail_at_the_commit(what: str) -> None:
        if what == "commit":
            raise ConnectionFailed("no more")

    store = FaultyStore(stage.target.store(), fail_at_the_commit)
    assert stage.run(stage.flow(store=store, retries=0, **FINDING)).error is not None
    stage.done(**{**FINDING, **changed})
    assert not stage.told(PartReused)
    assert ids(stage) == [*range(8)]


# from one system to another


@pytest.mark.parametrize("home", [PostgresHomeRig, SqliteHomeRig, ParquetFilesRig])
@pytest.mark.parametrize("store", STORES)
def test_a_destination_follows_deletes(
    tmp_path: Path, home: type[HomeRig], store: type[StoreRig]
) -> None:
    stage, source, target = Stage(tmp_path), home(tmp_path), store(tmp_path)

    def run(*frames: pl.DataFrame, **more: Any) -> int:
        source.give(*frames)
        flow = stage.flow(source.home(), target.store(), **{**FINDING, **more})
        receipt = stage.done(flow).receipt
        return receipt.deleted if receipt else -1

    assert run(people(0, 20), people(20, 20)) == 0
    assert run(without(people(0, 20), 3, 4), people(20, 22)) == 2
    assert unordered(target.look()) == unordered(without(people(0, 42), 3, 4).rows())
    source.give(people(0, 10), people(10, 1))
    flow = stage.flow(source.home(), target.store(), **FINDING)
    assert "31 of 40 rows are gone" in str(stage.run(flow).error)
    assert unordered(target.look()) == unordered(without(people(0, 42), 3, 4).rows())
    assert run(people(0, 6), people(6, 40), max_delete_fraction=0.1, deletes="soft") == 0
    assert run(people(0, 5), people(7, 40), deletes="soft") == 2
    marked = {row[0] for row in target.look() or [] if row[4] is not None}
    assert marked == {5, 6}
    assert not target.leftovers()


@pytest.mark.parametrize("store", STORES)
def test_a_row_of_nothing_but_its_key_is_of_any_type(
    stage: Stage, tmp_path: Path, store: type[StoreRig]
) -> None:
    """Even where the source says that a column is never empty."""
    target, rows = store(tmp_path), people(0, 6)
    wide = rows.with_columns(
        yes=pl.lit(True),
        price=pl.lit("1.25").cast(pl.Decimal(18, 4)),
        share=pl.lit(0.5),
        bytes=pl.lit(b"x"),
        hour=pl.lit(time(1, 2)),
        hands=pl.lit(datetime(2024, 1, 1)),
        many=pl.lit(2**63, pl.UInt64),
        kind=pl.lit("a").cast(pl.Enum(["a", "b"])),
    )
    source = memory.table(stage.source.table)
    for frame in (wide, without(wide, 2)):
        source.put([frame])
        columns = TableSchema.of(frame.schema).columns
        source.schema = TableSchema(
            tuple(replace(c, nullable=c.name in rows.columns[1:]) for c in columns)
        )
        stage.done(stage.flow(store=target.store(), **FINDING))
    assert sorted(row[0] for row in target.look() or []) == [0, 1, 3, 4, 5]
