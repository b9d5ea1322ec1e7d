"""What every Store promises that takes loads back: only the last append, and all of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from hygge.core.errors import LoadLost, Unsupported
from hygge.core.names import new_load_id
from hygge.core.store import Mode, Receipt, Store
from hygge.core.watermark import Watermark
from hygge.testing.harness import StoreRig, people, request, rows_of, staged, unordered


def load(
    store: Store[Any], frame: pl.DataFrame, base: Receipt | None = None, mode: Mode = Mode.APPEND
) -> Receipt:
    """One load that reached the greatest id among these rows."""
    low = base.watermark if base else None

    async def story() -> Receipt:
        async with store.load(request(mode, base, low=low)) as opened:
            part = await staged(opened, "all", frame)
            high = Watermark("id", "int64", int(frame["id"].max()))  # type: ignore[arg-type]
            return await opened.commit([replace(part, high=high)])

    return asyncio.run(story())


def undo(store: Store[Any], load_id: str, by: str | None = None) -> Receipt:
    return asyncio.run(store.undo("people", load_id, by or new_load_id()))


class UndoContract:
    """Part of StoreContract. Where it is not claimed, it must be refused."""

    @pytest.fixture
    def undoing(self, rig: StoreRig) -> Store[Any]:
        store = rig.store()
        if not store.capabilities.undo:
            pytest.skip("claims no undoing")
        return store

    def test_undoing_that_is_not_claimed_is_refused(self, rig: StoreRig) -> None:
        if rig.store().capabilities.undo:
            pytest.skip("claims undoing")
        with pytest.raises(Unsupported, match="cannot take a load back"):
            undo(rig.store(), "whatever")

    def test_the_last_append_is_taken_back(self, rig: StoreRig, undoing: Store[Any]) -> None:
        first = load(undoing, people(0, 4))
        second = load(undoing, people(4, 3), first)
        receipt = undo(undoing, second.load_id)
        assert unordered(rig.look()) == unordered(people(0, 4).rows())
        assert (receipt.rows, receipt.undoes) == (3, second.load_id)
        assert asyncio.run(undoing.last("people")) == receipt
        assert (receipt.watermark, receipt.source) == (first.watermark, first.source)
        assert not rig.leftovers()
        load(rig.store(), people(4, 5), receipt)  # and the next load builds on it
        assert unordered(rig.look()) == unordered(people(0, 9).rows())

    def test_loads_are_taken_back_one_after_the_other(
        self, rig: StoreRig, undoing: Store[Any]
    ) -> None:
        receipts = [load(undoing, people(0, 2))]
        for n in (2, 4, 6):
            receipts.append(load(undoing, people(n, 2), receipts[-1]))
        for n in (3, 2):
            with pytest.raises(LoadLost, match="another load came since"):
                undo(undoing, receipts[n - 1].load_id)
            assert undo(undoing, receipts[n].load_id).watermark == receipts[n - 1].watermark
            with pytest.raises(LoadLost, match="taken back before"):
                undo(undoing, receipts[n].load_id)
        assert unordered(rig.look()) == unordered(people(0, 4).rows())

    def test_undoing_twice_under_one_name_is_once(self, rig: StoreRig, undoing: Store[Any]) -> None:
        first = load(undoing, people(0, 4))
        second = load(undoing, people(4, 3), first)
        by = new_load_id()
        receipt = undo(undoing, second.load_id, by)
        assert undo(rig.store(), second.load_id, by) == receipt
        assert asyncio.run(rig.store().recover("people", by)) == receipt
        assert unordered(rig.look()) == unordered(people(0, 4).rows())

    def test_what_is_gone_is_not_taken_back(self, rig: StoreRig, undoing: Store[Any]) -> None:
        first = load(undoing, people(0, 4))
        with pytest.raises(Unsupported, match="began the table"):
            undo(undoing, first.load_id)
        second = load(undoing, people(7, 2), first, Mode.REPLACE)
        with pytest.raises(Unsupported, match="replaced the table"):
            undo(undoing, second.load_id)
        with pytest.raises(LoadLost, match="another load came since"):
            undo(undoing, first.load_id)
        assert unordered(rig.look()) == unordered(people(7, 2).rows())

    def test_a_load_between_an_undoing_and_its_base_is_lost(
        self, rig: StoreRig, undoing: Store[Any]
    ) -> None:
        first = load(undoing, people(0, 4))
        second = load(undoing, people(4, 3), first)
        undo(undoing, second.load_id)
        with pytest.raises(LoadLost):
            load(undoing, people(7, 1), second)
        assert unordered(rig.look()) == unordered(rows_of([people(0, 4)]))
