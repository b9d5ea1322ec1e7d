"""Going on with an interrupted load: with all that is surely unchanged, and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.flow.stage import INCREMENTAL, Stage
from tests.rigs.memory import MemoryStoreRig

from hygge.core.errors import ConnectionFailed, FlowError, StoreError
from hygge.core.events import LoadRecovered, PartReused
from hygge.core.lease import Lease
from hygge.databases import memory
from hygge.journal.memory import MemoryJournal
from hygge.stores.memory import MemoryStore, MemoryStoreConfig
from hygge.testing.faulty_store import FaultyStore
from hygge.testing.harness import Harm, people, rows_of, unordered

THREE = (people(0, 3), people(3, 3), people(6, 3))


@pytest.fixture
def broken_off(stage: Stage) -> Stage:
    """Three partitions, and a load that ended when two of them were staged."""
    stage.give(*THREE)
    break_off(stage)
    return stage


def break_off(stage: Stage, **settings: Any) -> None:
    finished = 0

    def fail_at_the_third(what: str) -> None:
        nonlocal finished
        if what == "write" and finished == 2:
            raise ConnectionFailed("no more")
        finished += what == "finish"

    report = stage.run(
        stage.flow(
            store=FaultyStore(stage.target.store(), fail_at_the_third), **{"retries": 0, **settings}
        )
    )
    assert report.error is not None
    assert report.error.what == "no more"


def reused(stage: Stage) -> list[str]:
    return [event.partition for event in stage.told(PartReused)]


def test_what_is_whole_and_unchanged_is_not_read_again(broken_off: Stage) -> None:
    broken_off.done()
    assert reused(broken_off) == ["00000", "00001"]
    assert broken_off.rows == unordered(rows_of(THREE))
    assert not broken_off.leftovers


def test_the_load_keeps_its_name(broken_off: Stage) -> None:
    (begun,) = broken_off.target.table.staged
    receipt = broken_off.done().receipt
    assert receipt is not None
    assert receipt.load_id == begun


def test_an_incremental_load_keeps_its_bound(stage: Stage) -> None:
    stage.give(*THREE)
    break_off(stage, **INCREMENTAL)
    pages = memory.table(stage.source.table).pages
    stage.give(*THREE, people(9, 3))
    table = memory.table(stage.source.table)
    table.pages = (*pages, table.pages[-1])  # the same pages, and a new one
    stage.done(**INCREMENTAL)
    assert reused(stage) == ["00000", "00001"]
    stage.done(**INCREMENTAL)
    assert stage.rows == unordered(people(0, 12).rows())


def test_a_partition_that_changed_is_read_again(broken_off: Stage) -> None:
    table = memory.table(broken_off.source.table)
    first, *rest = table.pages
    broken_off.give(people(0, 3, "new"))
    table.pages = (table.pages[0], *rest)
    assert table.pages[0].version != first.version
    broken_off.done()
    assert reused(broken_off) == ["00001"]
    assert broken_off.rows == unordered(rows_of([people(0, 3, "new"), *THREE[1:]]))


def test_a_partition_that_vanished_is_not_published(broken_off: Stage) -> None:
    table = memory.table(broken_off.source.table)
    table.pages = table.pages[1:]
    broken_off.done()
    assert broken_off.rows == unordered(rows_of(THREE[1:]))


@pytest.mark.parametrize(
    "settings",
    [
        {"columns": ("id", "word")},
        {"where": "id < 8"},
        {"polish": {"constants": [{"name": "by", "value": "us"}]}},
        {"keys": "id"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_other_settings_begin_anew(broken_off: Stage, settings: dict[str, Any]) -> None:
    broken_off.done(**settings)
    assert reused(broken_off) == []
    assert [event.fate for event in broken_off.told(LoadRecovered)][-1] == "erased"
    ids = [row[0] for row in broken_off.rows]
    assert sorted(ids) == list(range(8 if "where" in settings else 9))
    assert not broken_off.leftovers


def test_another_mode_begins_anew(broken_off: Stage) -> None:
    broken_off.done(**INCREMENTAL)
    assert reused(broken_off) == []
    assert broken_off.rows == unordered(rows_of(THREE))


@pytest.mark.parametrize("harm", list(Harm))
def test_a_part_that_was_harmed_meanwhile_is_staged_again(broken_off: Stage, harm: Harm) -> None:
    import asyncio

    ((_, parts),) = asyncio.run(broken_off.journal.unfinished("people"))
    broken_off.target.spoil(harm, parts[0])
    broken_off.done()
    assert reused(broken_off) == ["00001"]
    assert broken_off.rows == unordered(rows_of(THREE))
    assert not broken_off.leftovers


def test_partitions_without_a_version_are_read_again(stage: Stage) -> None:
    memory.table(stage.source.table).put(THREE, versioned=False)
    break_off(stage)
    assert not stage.leftovers
    stage.done()
    assert reused(stage) == []
    assert stage.rows == unordered(rows_of(THREE))


def test_without_the_journal_what_was_staged_is_erased(broken_off: Stage) -> None:
    broken_off.journal = MemoryJournal()
    broken_off.done()
    assert reused(broken_off) == []
    assert broken_off.rows == unordered(rows_of(THREE))
    assert not broken_off.leftovers


def test_another_store_is_refused_and_the_first_one_named(broken_off: Stage) -> None:
    other = MemoryStoreRig(broken_off.tmp)
    report = broken_off.run(broken_off.flow(store=other.store()))
    assert isinstance(report.error, FlowError)
    assert broken_off.target.store().identity in str(report.error)
    assert report.error.hint
    assert other.look() is None
    broken_off.done()
    assert broken_off.rows == unordered(rows_of(THREE))
    broken_off.done(broken_off.flow(store=other.store()))
    assert unordered(other.look()) == unordered(rows_of(THREE))


def test_a_load_that_another_hand_erased_is_begun_anew(broken_off: Stage) -> None:
    (begun,) = broken_off.target.table.staged
    asyncio.run(broken_off.target.store().recover("people", begun))
    report = broken_off.done()
    assert report.receipt is not None
    assert report.receipt.load_id != begun
    assert broken_off.rows == unordered(rows_of(THREE))
    assert not broken_off.leftovers


def test_a_lease_that_cannot_be_given_back_spoils_nothing(stage: Stage) -> None:
    class Sticky(MemoryStore):
        async def release(self, lease: Lease) -> None:
            raise StoreError("the network is gone")

    stage.give(people(0, 3))
    stage.done(stage.flow(store=Sticky(MemoryStoreConfig(table=stage.target.table.name))))
    assert stage.rows == unordered(people(0, 3).rows())


def test_what_is_wrong_in_itself_leaves_nothing_behind(stage: Stage) -> None:
    stage.give(*THREE)
    report = stage.run(min_rows=100)
    assert "min_rows" in str(report.error)
    assert not stage.leftovers
