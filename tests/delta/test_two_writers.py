"""Two who write to one Delta table at once: each commit is on top of what its load looked at."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pytest
from tests.rigs.delta import DeltaRig

from hygge.core.errors import LoadLost
from hygge.core.partition import Partition
from hygge.core.store import Mode, Receipt, StagedPart
from hygge.stores.commit_log import Record
from hygge.stores.delta_actions import NewFile
from hygge.stores.delta_log import Action, DeltaLog
from hygge.stores.delta_merge import Merging
from hygge.testing.harness import people, request, rows_of, settled, staged, unordered

ROUNDS, WRITERS = 6, 2
Told = list[tuple[str, int]]


def write(folder: Path, number: int, rounds: Barrier, told: Any) -> None:
    """In a process of its own: load after load, each begun and committed side by side."""
    rig = DeltaRig(folder)

    async def one(at: int) -> None:
        last = await rig.store().last("people")
        rounds.wait()
        frame = people(100 * at + 10 * number, 3)
        try:
            async with rig.store().load(request(Mode.APPEND, last)) as load:
                part = await staged(load, f"{number}", frame)
                rounds.wait()
                await load.commit([part])
            told.put(("won", at, number))
        except LoadLost:
            told.put(("lost", at, number))
        rounds.wait()

    for at in range(1, ROUNDS + 1):
        asyncio.run(one(at))


def test_of_two_processes_one_wins_each_round(tmp_path: Path) -> None:
    rig = DeltaRig(tmp_path)
    asyncio.run(settled(rig.store(), request(Mode.APPEND), people(0, 1)))
    context = multiprocessing.get_context("spawn")
    rounds, told = context.Barrier(WRITERS), context.Queue()
    writers = [
        context.Process(target=write, args=(tmp_path, n, rounds, told)) for n in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    said = [told.get(timeout=60) for _ in range(ROUNDS * WRITERS)]
    for writer in writers:
        writer.join()
    won = [(at, number) for word, at, number in said if word == "won"]
    assert sorted(at for at, _ in won) == list(range(1, ROUNDS + 1))
    expected = [people(0, 1), *(people(100 * at + 10 * number, 3) for at, number in won)]
    assert unordered(rig.look()) == unordered(rows_of(expected))


class Meanwhile:
    """Does something once, just before a commit is written; or after it."""

    def __init__(self, patch: pytest.MonkeyPatch, work: Callable[[], Any], version: int) -> None:
        real, self.times = DeltaLog.write, 0

        def writing(
            log: DeltaLog, number: int, record: Record | None, actions: Sequence[Action]
        ) -> bool:
            if number == version and not self.times:
                self.times += 1
                work()
            return real(log, number, record, actions)

        patch.setattr(DeltaLog, "write", writing)


@pytest.fixture
def rig(tmp_path: Path) -> DeltaRig:
    return DeltaRig(tmp_path)


def load(rig: DeltaRig, frame: pl.DataFrame, base: Receipt | None = None, **more: Any) -> Receipt:
    mode = more.pop("mode", Mode.APPEND)
    return asyncio.run(settled(rig.store(), request(mode, base, **more), frame))


def begun(rig: DeltaRig) -> Receipt:
    return load(rig, people(0, 4))


def next_version(rig: DeltaRig) -> int:
    return int(deltalake.DeltaTable(rig.folder).version()) + 1


@pytest.mark.parametrize("mode", list(Mode))
def test_what_others_add_while_we_commit_is_seen(
    rig: DeltaRig, monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    """By an append it is kept; a full load replaces it, too; a merge takes it as it takes all."""
    first = begun(rig)

    def other() -> None:
        deltalake.write_deltalake(rig.folder, people(50, 1), mode="append")

    meanwhile = Meanwhile(monkeypatch, other, next_version(rig))
    load(rig, people(50, 2, "ours"), first, mode=mode)
    assert meanwhile.times == 1
    expected = {
        Mode.APPEND: [people(0, 4), people(50, 1), people(50, 2, "ours")],
        Mode.MERGE: [people(0, 4), people(50, 2, "ours")],
        Mode.REPLACE: [people(50, 2, "ours")],
    }
    assert unordered(rig.look()) == unordered(rows_of(expected[mode]))
    assert not rig.leftovers()


def test_files_that_others_pack_while_we_merge_are_not_counted_twice(
    rig: DeltaRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begun(rig)
    second = load(rig, people(4, 4), first)
    meanwhile = Meanwhile(
        monkeypatch,
        lambda: deltalake.DeltaTable(rig.folder).optimize.compact(),
        next_version(rig),
    )
    load(rig, people(3, 2, "new"), second, mode=Mode.MERGE)
    assert meanwhile.times == 1
    expected = [people(0, 3), people(3, 2, "new"), people(5, 3)]
    assert unordered(rig.look()) == unordered(rows_of(expected))
    assert not rig.leftovers()


def test_a_load_that_is_erased_while_it_commits_is_lost(
    rig: DeltaRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begun(rig)
    what = request(Mode.APPEND, first)

    def erase() -> None:
        assert asyncio.run(rig.store().recover("people", what.load_id)) is None

    Meanwhile(monkeypatch, erase, next_version(rig))
    with pytest.raises(LoadLost):
        asyncio.run(settled(rig.store(), what, people(4, 4)))
    monkeypatch.undo()
    assert unordered(rig.look()) == unordered(people(0, 4).rows())
    asyncio.run(rig.store().recover("people", what.load_id))
    assert not rig.leftovers()


@pytest.mark.parametrize("version", [0, 1])
def test_a_load_that_is_erased_while_it_makes_the_table_is_lost(
    rig: DeltaRig, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    """Before the table is made it is told beside it, and afterwards by the table's own log."""
    what = request(Mode.APPEND)

    def erase() -> None:
        assert asyncio.run(rig.store().recover("people", what.load_id)) is None

    meanwhile = Meanwhile(monkeypatch, erase, version)
    with pytest.raises(LoadLost):
        asyncio.run(settled(rig.store(), what, people(4, 4)))
    assert meanwhile.times == 1
    monkeypatch.undo()
    assert rig.look() == []
    assert asyncio.run(rig.store().recover("people", what.load_id)) is None
    assert not rig.leftovers()
    assert asyncio.run(rig.store().last("people")) is None
    begun(rig)
    assert unordered(rig.look()) == unordered(people(0, 4).rows())


def test_one_load_that_two_finish_leaves_no_file_behind(
    rig: DeltaRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that slept past its lease, and the one that took its load up: the same receipt."""
    first = begun(rig)
    what = request(Mode.MERGE, first)

    async def story() -> None:
        async with rig.store().load(what) as slept:
            part = await staged(slept, "a", people(2, 4, "new"))
            done, real = list[Receipt](), Merging.written

            def written(merging: Merging) -> Iterator[NewFile]:
                if not done:
                    monkeypatch.setattr(Merging, "written", real)
                    done.append(asyncio.run(other(part)))
                return real(merging)

            monkeypatch.setattr(Merging, "written", written)
            async with slept.part(Partition("late")) as late:
                await late.write(people(50, 1))
                assert await slept.commit([part]) == done[0]
                with pytest.raises(LoadLost):
                    await late.finish()

    async def other(part: StagedPart) -> Receipt:
        async with rig.store().load(what) as again:
            return await again.commit([part])

    asyncio.run(story())
    assert unordered(rig.look()) == unordered(rows_of([people(0, 2), people(2, 4, "new")]))
    assert not rig.leftovers()


def test_the_log_tells_what_each_load_was(rig: DeltaRig) -> None:
    """In words that any reader of the log can find: our receipt, and the application's number."""
    receipt = begun(rig)
    newest = deltalake.DeltaTable(rig.folder).history(1)[0]
    told = json.loads(newest["hygge"])
    assert (told["fate"], told["load_id"]) == ("published", receipt.load_id)
    assert told["receipt"]["rows"] == 4
    number = deltalake.DeltaTable(rig.folder).transaction_version("hygge:people")
    assert number == int(receipt.load_id[:16], 16)


def test_texts_of_any_letters_are_read_back(rig: DeltaRig) -> None:
    """Some of them end a line elsewhere, in a log whose lines are its words."""
    letters = 'a\u2028\u0085\x0b\n"ü'
    first = load(rig, people(0, 1).with_columns(word=pl.lit(letters)), source=letters)
    assert first.source == letters
    assert asyncio.run(rig.store().last("people")) == first
    deltalake.write_deltalake(
        rig.folder, people(1, 1).with_columns(word=pl.lit(letters)), mode="append"
    )
    load(rig, people(2, 1), first)
    assert len(rig.look() or []) == 3


def test_others_commits_do_not_hide_our_receipt(rig: DeltaRig) -> None:
    first = begun(rig)
    for n in range(3):
        deltalake.write_deltalake(rig.folder, people(50 + n, 1), mode="append")
    assert asyncio.run(rig.store().last("people")) == first
    load(rig, people(4, 1), first)
    assert len(rig.look() or []) == 8


def test_a_log_that_was_cut_is_told(rig: DeltaRig) -> None:
    """Where our last word is gone, nothing is loaded twice."""
    first = begun(rig)
    for n in range(3):
        deltalake.write_deltalake(rig.folder, people(50 + n, 1), mode="append")
    deltalake.DeltaTable(rig.folder).create_checkpoint()
    for version in range(4):
        (rig.folder / "_delta_log" / f"{version:020}.json").unlink()
    with pytest.raises(Exception, match="the log of this table was cut") as failed:
        asyncio.run(rig.store().last("people"))
    assert "full-drop" in str(failed.value)
    with pytest.raises(Exception, match="the log of this table was cut"):
        load(rig, people(4, 1), first)
    assert len(rig.look() or []) == 7


def test_the_log_is_summed_up_now_and_then(rig: DeltaRig) -> None:
    receipt = begun(rig)
    for n in range(10):
        receipt = load(rig, people(10 * n, 1), receipt)
    log = rig.folder / "_delta_log"
    assert (log / "_last_checkpoint").exists()
    for version in range(10):  # as a clean-up of the log would
        (log / f"{version:020}.json").unlink()
    assert asyncio.run(rig.store().last("people")) == receipt
    load(rig, people(900, 1), receipt)
    assert len(rig.look() or []) == 15
