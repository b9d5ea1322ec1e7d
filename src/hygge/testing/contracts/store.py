"""What every Store promises, one test a promise. Chosen by the capabilities it declares."""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Coroutine
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import polars as pl
import pytest

from hygge.core.errors import FlowBusy, HyggeError, LoadLost, Unsupported
from hygge.core.lease import Owner
from hygge.core.partition import Partition
from hygge.core.schema import OPERATION, Change, Column, SchemaChange, TableSchema
from hygge.core.store import Mode, Receipt, Store
from hygge.core.ties import Ties
from hygge.core.types import type_name
from hygge.core.watermark import Watermark
from hygge.testing.contracts.deleting import DeleteContract
from hygge.testing.contracts.merging import MergeContract
from hygge.testing.contracts.undoing import UndoContract
from hygge.testing.harness import (
    PEOPLE,
    Harm,
    StoreRig,
    no_thread_left,
    people,
    request,
    rows_of,
    settled,
    shown,
    staged,
    unordered,
)

T = TypeVar("T")
MODES = pytest.mark.parametrize("mode", list(Mode))
POSITIONS = [
    (pl.Int64(), 41),
    (pl.String(), "ü'\"\n"),
    (pl.Date(), date(9999, 12, 31)),
    (pl.Datetime("us"), datetime(2024, 2, 29, 23, 59, 59, 999999)),
    (pl.Datetime("us", "UTC"), datetime(2024, 2, 29, tzinfo=UTC)),
    (pl.Decimal(38, 10), Decimal("12345678901234567890.0123456789")),
]


class StoreContract(MergeContract, DeleteContract, UndoContract):
    """Subclass it, and give a fixture `rig` that makes a StoreRig of an empty destination."""

    def able(self, rig: StoreRig, mode: Mode) -> Store[Any]:
        store = rig.store()
        if mode not in store.capabilities.modes:
            pytest.skip(f"claims no {mode}")
        return store

    # -- what a load does ----------------------------------------------------------------

    def test_replace_replaces_and_again_gives_the_same(self, rig: StoreRig) -> None:
        store = self.able(rig, Mode.REPLACE)
        first = run(settled(store, request(), people(0, 5)))
        second = run(settled(store, request(base=first), people(2, 2), people(9, 1)))
        assert unordered(rig.look()) == unordered(rows_of([people(2, 2), people(9, 1)]))
        run(settled(rig.store(), request(base=second), people(2, 2), people(9, 1)))
        assert unordered(rig.look()) == unordered(rows_of([people(2, 2), people(9, 1)]))

    def test_append_appends(self, rig: StoreRig) -> None:
        store = self.able(rig, Mode.APPEND)
        first = run(settled(store, request(Mode.APPEND), people(0, 3)))
        run(settled(store, request(Mode.APPEND, first), people(2, 3)))
        assert unordered(rig.look()) == unordered(rows_of([people(0, 3), people(2, 3)]))

    def test_merge_keeps_the_last_row_of_a_key_in_the_order_of_the_commit(
        self, rig: StoreRig
    ) -> None:
        store = self.able(rig, Mode.MERGE)
        first = run(settled(store, request(keys=("id",)), people(0, 4)))

        async def story() -> None:
            async with store.load(request(Mode.MERGE, first)) as load:
                new = await staged(load, "a", people(1, 2, "stale"), people(2, 1, "new"))
                old = await staged(load, "b", people(2, 2, "stale"), people(7, 1, "new"))
                await load.commit([old, new])

        run(story())
        expected = [people(0, 1), people(1, 1, "stale"), people(2, 1, "new")]
        expected += [people(3, 1, "stale"), people(7, 1, "new")]
        assert unordered(rig.look()) == unordered(rows_of(expected))

    def test_a_merge_into_nothing_keeps_one_row_a_key(self, rig: StoreRig) -> None:
        store = self.able(rig, Mode.MERGE)
        run(settled(store, request(Mode.MERGE), people(0, 2, "stale"), people(0, 2, "new")))
        assert unordered(rig.look()) == unordered(people(0, 2, "new").rows())

    @MODES
    def test_an_empty_load_keeps_its_types(self, rig: StoreRig, mode: Mode) -> None:
        store = self.able(rig, mode)
        first = run(settled(store, request(mode)))
        assert rig.look() == []
        assert columns_of(store) == columns(PEOPLE)
        run(settled(store, request(mode, first), people(0, 0)))
        assert rig.look() == []
        assert columns_of(rig.store()) == columns(PEOPLE)

    def test_an_empty_replace_empties_the_table(self, rig: StoreRig) -> None:
        store = self.able(rig, Mode.REPLACE)
        first = run(settled(store, request(), people()))
        run(settled(store, request(base=first)))
        assert rig.look() == []

    @MODES
    def test_a_mode_that_is_not_claimed_is_refused(self, rig: StoreRig, mode: Mode) -> None:
        store = rig.store()
        if mode in store.capabilities.modes:
            pytest.skip(f"claims {mode}")
        with pytest.raises(Unsupported):
            run(settled(store, request(mode), people()))
        assert rig.look() is None
        assert not rig.leftovers()

    def test_deletes_delete_and_a_later_upsert_brings_back(self, rig: StoreRig) -> None:
        store = self.able(rig, Mode.MERGE)
        if not store.capabilities.deletes:
            pytest.skip("claims no deletes")
        first = run(settled(store, request(), people(0, 4)))
        told = [(1, 1), (2, 1), (2, 0), (9, 1)]
        changes = pl.concat(
            people(i, 1, "new").with_columns(pl.lit(op, pl.Int8).alias(OPERATION)) for i, op in told
        )
        schema = TableSchema.of(changes.schema)
        run(settled(store, request(Mode.MERGE, first, schema=schema), changes))
        expected = [people(0, 1), people(2, 1, "new"), people(3, 1)]
        assert unordered(rig.look()) == unordered(rows_of(expected))
        assert columns_of(store) == columns(PEOPLE)

    # -- what is published, and when ---------------------------------------------------------

    def test_readers_see_the_old_rows_until_the_commit(self, rig: StoreRig) -> None:
        store = self.able(rig, Mode.REPLACE)
        first = run(settled(store, request(), people(0, 2)))

        async def story() -> None:
            async with store.load(request(base=first)) as load:
                part = await staged(load, "a", people(5, 3))
                await load.verify([part])
                assert unordered(rig.look()) == unordered(people(0, 2).rows())
                await load.commit([part])
                assert unordered(rig.look()) == unordered(people(5, 3).rows())

        run(story())

    def test_committing_twice_is_once(self, rig: StoreRig) -> None:
        store = rig.store()
        mode = any_mode(store, Mode.APPEND)

        async def story() -> tuple[Receipt, Receipt]:
            async with store.load(request(mode)) as load:
                parts = [await staged(load, "a", people())]
                return await load.commit(parts), await load.commit(parts)

        first, second = run(story())
        assert first == second
        assert unordered(rig.look()) == unordered(people().rows())

    def test_the_commit_lists_the_order(self, rig: StoreRig) -> None:
        if not rig.ordered:
            pytest.skip("readers see no order here")
        store = rig.store()

        async def story() -> None:
            async with store.load(request(any_mode(store))) as load:
                names = ["a", "b", "c"]
                parts = [await staged(load, x, people(3 * i, 3)) for i, x in enumerate(names)]
                await load.commit([parts[2], parts[0], parts[1]])

        run(story())
        assert rig.look() == rows_of([people(6, 3), people(0, 3), people(3, 3)])

    def test_a_part_that_is_not_listed_is_not_published(self, rig: StoreRig) -> None:
        store = rig.store()

        async def story() -> None:
            async with store.load(request(any_mode(store))) as load:
                listed = await staged(load, "a", people(0, 2))
                await staged(load, "b", people(7, 2))
                await load.commit([listed])

        run(story())
        assert unordered(rig.look()) == unordered(people(0, 2).rows())
        assert not rig.leftovers()

    def test_a_partition_tried_again_does_not_double(self, rig: StoreRig) -> None:
        store = rig.store()

        async def story() -> None:
            async with store.load(request(any_mode(store))) as load:
                async with load.part(Partition("a")) as part:
                    await part.write(people(0, 3))  # and never finished
                await staged(load, "a", people(0, 3))
                again = await staged(load, "a", people(0, 3))
                assert await load.verify([again]) == {"a": 3}
                await load.commit([again])

        run(story())
        assert unordered(rig.look()) == unordered(people(0, 3).rows())
        assert not rig.leftovers()

    def test_many_batches_and_an_empty_one_make_one_part(self, rig: StoreRig) -> None:
        store = rig.store()

        async def story() -> Receipt:
            async with store.load(request(any_mode(store))) as load:
                batches = [people(0, 2), people(2, 0), people(2, 1), people(3, 0)]
                return await load.commit([await staged(load, "a", *batches)])

        assert run(story()).rows == 3
        assert unordered(rig.look()) == unordered(people(0, 3).rows())

    def test_parts_side_by_side_land_whole(self, rig: StoreRig) -> None:
        store = rig.store()
        frames = [people(100 * n, 40) for n in range(4)]

        async def story() -> None:
            async with store.load(request(any_mode(store))) as load:
                work = [staged(load, f"{n}", *f.iter_slices(10)) for n, f in enumerate(frames)]
                await load.commit(await asyncio.gather(*work))

        run(story())
        assert unordered(rig.look()) == unordered(rows_of(frames))

    # -- proof -----------------------------------------------------------------------------

    @pytest.mark.parametrize("harm", list(Harm))
    def test_a_harmed_part_counts_nothing(self, rig: StoreRig, harm: Harm) -> None:
        if harm not in rig.harms:
            pytest.skip(f"cannot notice: {harm}")
        store = rig.store()

        async def story() -> None:
            async with store.load(request(any_mode(store))) as load:
                whole = await staged(load, "a", people(0, 4))
                harmed = await staged(load, "b", people(4, 4))
                assert await load.verify([whole, harmed]) == {"a": 4, "b": 4}
                await asyncio.to_thread(rig.spoil, harm, harmed)
                assert await load.verify([whole, harmed]) == {"a": 4, "b": 0}

        run(story())

    # -- recover -----------------------------------------------------------------------------

    def test_leaving_erases_nothing_and_the_same_load_goes_on(self, rig: StoreRig) -> None:
        store = rig.store()
        what = request(any_mode(store))

        async def story() -> None:
            async with store.load(what) as load:
                part = await staged(load, "a", people())
            assert await rig.store().recover(what.flow, what.load_id, keep=True) is None
            async with rig.store().load(what) as again:
                assert await again.verify([part]) == {"a": 3}
                await again.commit([part])

        run(story())
        assert unordered(rig.look()) == unordered(people().rows())
        assert not rig.leftovers()

    def test_erased_is_for_ever(self, rig: StoreRig) -> None:
        store = rig.store()
        what = request(any_mode(store))

        async def story() -> None:
            async with store.load(what) as load:
                await staged(load, "a", people())
            assert await store.recover(what.flow, what.load_id) is None
            assert await store.recover(what.flow, what.load_id) is None
            assert await store.recover(what.flow, what.load_id, keep=True) is None
            with pytest.raises(LoadLost):
                async with store.load(what):
                    pytest.fail("an erased load was entered")

        run(story())
        assert rig.look() is None
        assert not rig.leftovers()

    def test_a_load_that_never_came_is_erased_all_the_same(self, rig: StoreRig) -> None:
        store = rig.store()
        what = request(any_mode(store))
        assert run(store.recover(what.flow, what.load_id)) is None
        with pytest.raises(LoadLost):
            run(settled(store, what, people()))
        assert rig.look() is None
        assert not rig.leftovers()

    def test_after_the_commit_recover_gives_the_receipt(self, rig: StoreRig) -> None:
        store = rig.store()
        what = request(any_mode(store))
        receipt = run(settled(store, what, people()))
        assert run(rig.store().recover(what.flow, what.load_id)) == receipt
        assert run(rig.store().recover(what.flow, what.load_id, keep=True)) == receipt
        assert unordered(rig.look()) == unordered(people().rows())

    def test_recover_still_knows_the_receipt_of_an_older_load(self, rig: StoreRig) -> None:
        store = rig.store()
        what = request(any_mode(store))
        first = run(settled(store, what, people()))
        run(settled(store, request(any_mode(store), first), people(7, 1)))
        before = rig.look()
        assert run(store.recover(what.flow, what.load_id)) == first
        assert rig.look() == before

    def test_a_late_writer_does_not_bring_back_what_was_erased(self, rig: StoreRig) -> None:
        store = rig.store()
        what = request(any_mode(store))

        async def story() -> None:
            async with store.load(what) as load:
                try:
                    async with load.part(Partition("late")) as part:
                        await part.write(people(0, 2))
                        await rig.store().recover(what.flow, what.load_id)
                        await part.write(people(2, 2))
                        late = [await part.finish()]
                except HyggeError:
                    late = []
                with pytest.raises(LoadLost):
                    await load.commit(late)

        run(story())
        assert rig.look() is None
        assert not rig.leftovers()
        assert run(store.unfinished(what.flow)) == []

    def test_a_part_opened_after_the_erasing_writes_nothing(self, rig: StoreRig) -> None:
        store = rig.store()
        what = request(any_mode(store))

        async def story() -> None:
            async with store.load(what) as load:
                await rig.store().recover(what.flow, what.load_id)
                with pytest.raises(HyggeError):
                    await staged(load, "late", people())

        run(story())
        assert not rig.leftovers()

    def test_unfinished_sees_what_is_there_and_nothing_after(self, rig: StoreRig) -> None:
        store = rig.store()
        lost, done = (request(any_mode(store)) for _ in range(2))

        async def begin() -> None:
            for what in (done, lost):
                async with store.load(what) as load:
                    await staged(load, "a", people())

        assert run(store.unfinished("people")) == []
        run(begin())
        assert list(run(rig.store().unfinished("people"))) == [lost.load_id, done.load_id]
        run(settled(store, done, people()))
        run(store.recover("people", lost.load_id))
        assert run(store.unfinished("people")) == []
        assert not rig.leftovers()

    # -- what the destination remembers ----------------------------------------------------------

    def test_last_is_the_newest_receipt(self, rig: StoreRig) -> None:
        store = rig.store()
        assert run(store.last("people")) is None
        first = run(settled(store, request(any_mode(store)), people()))
        assert run(store.last("people")) == first
        what = request(any_mode(store), first, source="elsewhere")
        second = run(settled(store, what, people(5, 1), people(6, 1)))
        assert run(rig.store().last("people")) == second
        assert (second.load_id, second.flow) == (what.load_id, "people")
        assert (second.rows, second.source) == (2, "elsewhere")
        assert (second.where, second.keys) == (what.where, what.keys)

    @pytest.mark.parametrize(("kind", "value"), POSITIONS, ids=[type_name(k) for k, _ in POSITIONS])
    def test_a_watermark_comes_back_as_what_it_was(
        self, rig: StoreRig, kind: pl.DataType, value: Any
    ) -> None:
        store = rig.store()
        low = Watermark("at", type_name(kind), value, closed=True, ties=Ties(3))
        receipt = run(settled(store, request(any_mode(store), low=low), people()))
        assert receipt.watermark == low
        found = run(rig.store().last("people"))
        assert found is not None
        assert found.watermark == low
        assert type(found.watermark.value) is type(value)

    def test_a_load_on_an_older_receipt_is_lost(self, rig: StoreRig) -> None:
        store = rig.store()
        mode = any_mode(store, Mode.APPEND)
        first = run(settled(store, request(mode), people(0, 1)))
        second = run(settled(store, request(mode, first), people(1, 1)))
        before = rig.look()
        for base in (None, first):
            with pytest.raises(LoadLost):
                run(settled(store, request(mode, base), people(2, 1)))
            assert rig.look() == before
        run(settled(store, request(mode, second), people(2, 1)))

    def test_of_two_loads_at_once_one_wins(self, rig: StoreRig) -> None:
        store = rig.store()
        mode = any_mode(store, Mode.APPEND)
        first = run(settled(store, request(mode), people(0, 1)))

        async def story() -> list[Receipt | BaseException]:
            one, two = request(mode, first), request(mode, first)
            async with store.load(one) as a, rig.store().load(two) as b:
                parts = [await staged(a, "a", people(1, 1)), await staged(b, "b", people(2, 1))]
                commits = [a.commit(parts[:1]), b.commit(parts[1:])]
                done = await asyncio.gather(*commits, return_exceptions=True)
            for what in (one, two):
                await store.recover(what.flow, what.load_id)
            return done

        done = run(story())
        won = [result for result in done if isinstance(result, Receipt)]
        lost = [result for result in done if isinstance(result, LoadLost)]
        assert (len(won), len(lost)) == (1, 1), done
        kept = [people(0, 1)] if mode is not Mode.REPLACE else []
        kept.append(people(1 + done.index(won[0]), 1))
        assert unordered(rig.look()) == unordered(rows_of(kept))
        assert not rig.leftovers()

    def test_schema_gives_the_last_columns(self, rig: StoreRig) -> None:
        store = self.able(rig, Mode.REPLACE)
        assert run(store.schema()) is None
        first = run(settled(store, request(), people()))
        assert columns_of(store) == columns(PEOPLE)
        fewer = people().select(pl.col("id").cast(pl.Int32), "born")
        schema = TableSchema.of(fewer.schema)
        run(settled(store, request(base=first, schema=schema), fewer))
        assert columns_of(rig.store()) == columns(schema)

    @pytest.mark.parametrize("mode", [Mode.APPEND, Mode.MERGE])
    def test_a_column_becomes_wider_with_the_load_that_needs_it(
        self, rig: StoreRig, mode: Mode
    ) -> None:
        store = rig.store()
        if not store.capabilities.widens or mode not in store.capabilities.modes:
            pytest.skip("claims no wider columns")
        how: dict[str, Any] = {"keys": ("id",) if mode is Mode.MERGE else ()}
        narrow, wide = pl.col("id").cast(pl.Int16), pl.lit(2**40).alias("much")
        first = people(0, 2).select("id", narrow.alias("much"))
        second = people(2, 1).select("id", wide)

        async def story() -> None:
            schema = TableSchema.of(first.schema)
            base = await settled(store, request(mode, schema=schema, **how), first)
            schema = TableSchema.of(second.schema)
            what = request(mode, base, schema=schema, **how)
            async with store.load(what) as load:
                await staged(load, "given up", second)
            assert await store.recover("people", what.load_id) is None
            assert rig.look() == first.rows()
            await settled(store, request(mode, base, schema=schema, **how), second)
            there = await store.schema()
            assert there is not None
            assert there["much"].type == pl.Int64()
            seen = await store.standing(there)
            assert seen is None or seen.polars() == there.polars()

        asyncio.run(story())
        assert unordered(rig.look()) == unordered([*first.rows(), *second.rows()])

    def test_an_added_column_is_null_in_older_rows(self, rig: StoreRig) -> None:
        store = self.able(rig, Mode.APPEND)
        first = run(settled(store, request(Mode.APPEND), people(0, 2)))
        wider = people(2, 1).with_columns(extra=pl.lit(1, pl.Int64))
        schema = TableSchema.of(wider.schema)
        added = [SchemaChange(Change.ADDED, None, Column("extra", pl.Int64()))]
        run(store.evolve(added))
        run(store.evolve(added))
        run(settled(store, request(Mode.APPEND, first, schema=schema), wider))
        old = people(0, 2).with_columns(extra=pl.lit(None, pl.Int64))
        assert unordered(rig.look()) == unordered(rows_of([old, wider]))
        assert columns_of(store) == columns(schema)

    # -- leases --------------------------------------------------------------------------------

    def test_a_second_owner_is_told_who_holds_it(self, rig: StoreRig) -> None:
        store = self.leasing(rig)

        async def story() -> None:
            lease = await store.lease("people", 60)
            with pytest.raises(FlowBusy, match=rf"{os.getpid()}.*{socket.gethostname()}"):
                await rig.store().lease("people", 60)
            await store.renew(lease, 60)
            await store.release(lease)
            again = await rig.store().lease("people", 60)
            await store.release(lease)  # what another run holds is not touched
            with pytest.raises(FlowBusy):
                await store.lease("people", 60)
            await store.release(again)

        run(story())
        assert not rig.leftovers()

    def test_a_lease_that_ran_out_is_taken_over_and_its_owner_told(self, rig: StoreRig) -> None:
        store = self.leasing(rig)

        async def story() -> None:
            late = await store.lease("people", -1)
            mine = await rig.store().lease("people", 60)
            with pytest.raises(FlowBusy):
                await store.renew(late, 60)
            await store.renew(mine, 60)
            await store.release(mine)

        run(story())

    def test_a_dead_owner_is_replaced_at_once(
        self, rig: StoreRig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = self.leasing(rig)
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        me = Owner.me()
        dead = Owner(me.host, me.boot, gone.pid, "1", "dead")
        with monkeypatch.context() as patched:
            patched.setattr(Owner, "me", classmethod(lambda _: dead))
            run(store.lease("people", 600))

        async def story() -> None:
            await store.release(await rig.store().lease("people", 60))

        run(story())

    def leasing(self, rig: StoreRig) -> Store[Any]:
        store = rig.store()
        if type(store).lease is Store.lease:
            pytest.skip("gives no leases")
        return store

    # -- manners ---------------------------------------------------------------------------------

    def test_the_identity_is_stable_and_tells_no_secret(self, rig: StoreRig) -> None:
        assert rig.store().identity == rig.store().identity
        told = [secret for secret in rig.secrets if secret in shown(rig.store())]
        assert not told

    def test_it_pickles(self, rig: StoreRig) -> None:
        store: Store[Any] = pickle.loads(pickle.dumps(rig.store()))
        assert store.identity == rig.store().identity
        run(settled(store, request(any_mode(store)), people()))
        assert unordered(rig.look()) == unordered(people().rows())

    def test_check_leaves_nothing(self, rig: StoreRig) -> None:
        store = rig.store()
        run(store.check())
        assert rig.look() is None
        assert run(store.schema()) is None
        assert not rig.leftovers()
        run(settled(store, request(any_mode(store)), people()))
        before = rig.look()
        run(store.check())
        assert rig.look() == before

    def test_cancelling_leaves_no_thread(self, rig: StoreRig) -> None:
        store = rig.store()
        what = request(any_mode(store))

        async def story() -> None:
            writing = asyncio.Event()

            async def write() -> None:
                async with store.load(what) as load, load.part(Partition("a")) as part:
                    while True:
                        await part.write(people())
                        writing.set()

            task = asyncio.create_task(write())
            await writing.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await store.recover(what.flow, what.load_id)

        with no_thread_left():
            run(story())
        assert rig.look() is None
        assert not rig.leftovers()


def run(story: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(story)


def any_mode(store: Store[Any], first: Mode = Mode.REPLACE) -> Mode:
    """A mode that this Store claims, this one if it does."""
    modes = store.capabilities.modes
    return first if first in modes else min(modes)


def columns(schema: TableSchema) -> list[tuple[str, str]]:
    return [(column.name, type_name(column.type)) for column in schema.columns]


def columns_of(store: Store[Any]) -> list[tuple[str, str]]:
    found = asyncio.run(store.schema())
    assert found is not None
    return columns(found)
