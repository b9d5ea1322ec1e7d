"""What every Store promises that merges: one row a key, the latest, and no two keys for one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from hygge.core.errors import HyggeError, StoreError
from hygge.core.schema import TableSchema
from hygge.core.store import Mode, Receipt, Store
from hygge.testing.harness import StoreRig, people, request, settled, staged

KEYED = pl.Schema({"code": pl.String(), "at": pl.Int64(), "note": pl.String()})


def keyed(*rows: tuple[str | None, int | None, str]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=KEYED, orient="row")


def merge(
    store: Store[Any], *parts: pl.DataFrame, base: Receipt | None = None, **more: Any
) -> Receipt:
    """One load of these partitions, in this order."""
    known = {"keys": ("code",), "latest": "at", "schema": TableSchema.of(KEYED), **more}

    async def story() -> Receipt:
        async with store.load(request(Mode.MERGE, base, **known)) as load:
            done = [await staged(load, str(n), part) for n, part in enumerate(parts)]
            return await load.commit(done)

    return asyncio.run(story())


def by_code(rig: StoreRig) -> Sequence[Any]:
    return sorted(rig.look() or [], key=str)


class MergeContract:
    """Part of StoreContract. Skipped where merging is not claimed."""

    @pytest.fixture
    def merging(self, rig: StoreRig) -> Store[Any]:
        store = rig.store()
        if Mode.MERGE not in store.capabilities.modes:
            pytest.skip("claims no merge")
        return store

    @pytest.mark.parametrize(
        ("kind", "old", "new"),
        [
            (pl.Int64(), 9, 10),
            (pl.UInt64(), 9, 2**63 + 1),
            (pl.Decimal(18, 2), Decimal("9.50"), Decimal("10.50")),
            (pl.Date(), date(2024, 1, 9), date(2024, 1, 10)),
            (pl.Datetime("us"), datetime(2024, 1, 1), datetime(2024, 1, 1, 0, 0, 0, 1)),
            (pl.String(), "B0", "a1"),
        ],
        ids=str,
    )
    def test_the_latest_is_told_by_its_type_or_not_at_all(
        self, rig: StoreRig, merging: Store[Any], kind: pl.DataType, old: object, new: object
    ) -> None:
        """Not by its text, nor by a collation of the database."""
        schema = pl.Schema({"code": pl.String(), "at": kind, "note": pl.String()})
        rows = pl.DataFrame([("a", new, "new"), ("a", old, "old")], schema=schema, orient="row")
        told = ""
        try:
            merge(merging, rows, schema=TableSchema.of(schema))
        except StoreError as refused:
            told = str(refused)
        found = [note for _, _, note in rig.look() or []]
        assert ("cannot tell which is the latest" in told and not found) or found == ["new"]

    def test_the_latest_row_of_a_key_counts_wherever_it_comes(
        self, rig: StoreRig, merging: Store[Any]
    ) -> None:
        first = keyed(("a", 5, "latest"), ("b", 1, "old"), ("c", None, "old"))
        second = keyed(("b", 2, "latest"), ("a", 4, "old"), ("c", 1, "latest"), ("b", 1, "old"))
        base = merge(merging, first, second)
        assert by_code(rig) == [("a", 5, "latest"), ("b", 2, "latest"), ("c", 1, "latest")]
        assert not rig.leftovers()
        merge(merging, keyed(("b", 3, "newer"), ("d", 1, "new")), base=base)
        expected = [("a", 5, "latest"), ("b", 3, "newer"), ("c", 1, "latest"), ("d", 1, "new")]
        assert by_code(rig) == expected

    def test_rows_that_are_equally_late_are_refused_and_their_key_named(
        self, rig: StoreRig, merging: Store[Any]
    ) -> None:
        base = merge(merging, keyed(("a", 1, "there")))
        rows = keyed(("a", 2, "one"), ("b", 1, "early"), ("b", 1, "too"), ("b", 3, "late"))
        with pytest.raises(StoreError, match="code = 'a'") as failed:
            merge(merging, rows, keyed(("a", 2, "other")), base=base)
        assert "on_tie" in str(failed.value.hint)
        assert by_code(rig) == [("a", 1, "there")]

    def test_rows_that_are_the_same_are_one(self, rig: StoreRig, merging: Store[Any]) -> None:
        merge(merging, keyed(("a", 2, "one"), ("a", 1, "old")), keyed(("a", 2, "one")))
        assert by_code(rig) == [("a", 2, "one")]

    def test_of_rows_that_are_equally_late_any_may_be_taken_if_told(
        self, rig: StoreRig, merging: Store[Any]
    ) -> None:
        rows = keyed(("a", 2, "one"), ("a", 1, "old"))
        merge(merging, rows, keyed(("a", 2, "other")), any_tie=True)
        assert by_code(rig) in ([("a", 2, "one")], [("a", 2, "other")])

    def test_a_row_without_a_key_is_refused(self, rig: StoreRig, merging: Store[Any]) -> None:
        base = merge(merging, keyed(("a", 1, "there")))
        with pytest.raises(StoreError, match="1 rows have no key") as failed:
            merge(merging, keyed((None, 2, "nobody"), ("b", 1, "new")), base=base)
        assert failed.value.where["column"] == "code"
        assert by_code(rig) == [("a", 1, "there")]

    def test_keys_that_only_look_alike_stay_apart(self, rig: StoreRig, merging: Store[Any]) -> None:
        codes = ["a", "A", "a ", " a", "\u00e4", "a\u0308", "\u00df", "ss", "", "\t"]
        rows = keyed(*((code, 1, f"row {n}") for n, code in enumerate(codes)))
        base = merge(merging, rows)
        assert by_code(rig) == sorted(rows.rows(), key=str)
        newer = keyed(*((code, 2, f"newer {n}") for n, code in enumerate(codes)))
        merge(merging, newer, base=base)
        assert by_code(rig) == sorted(newer.rows(), key=str)

    def test_merging_goes_on_from_a_full_load(self, rig: StoreRig, merging: Store[Any]) -> None:
        schema = TableSchema.of(KEYED)
        full = request(keys=("code",), schema=schema)
        base = asyncio.run(settled(merging, full, keyed(("a", 1, "old"), ("b", 1, "old"))))
        base = merge(merging, keyed(("b", 2, "new"), ("c", 2, "new")), base=base)
        assert by_code(rig) == [("a", 1, "old"), ("b", 2, "new"), ("c", 2, "new")]
        again = request(base=base, keys=("code",), schema=schema)
        base = asyncio.run(settled(merging, again, keyed(("a", 3, "full"))))
        merge(merging, keyed(("a", 4, "new")), base=base)
        assert by_code(rig) == [("a", 4, "new")]

    def test_a_merge_without_keys_is_refused(self, rig: StoreRig, merging: Store[Any]) -> None:
        with pytest.raises(HyggeError):
            asyncio.run(settled(merging, request(Mode.MERGE, keys=()), people(0, 1)))
        assert not rig.look()
