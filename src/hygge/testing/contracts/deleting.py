"""What every Store promises that deletes: rows that are gone go, or are marked, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl
import pytest

from hygge.core.errors import HyggeError, StoreError
from hygge.core.names import begun
from hygge.core.schema import DELETED_AT, OPERATION, Change, Column, SchemaChange, TableSchema
from hygge.core.store import Deletes, Load, LoadRequest, Mode, Receipt, StagedPart, Store
from hygge.testing.harness import PEOPLE, Row, StoreRig, people, request, settled, staged, unordered

ALL = 1.0
"""So many rows may be gone."""
STRICT = TableSchema(
    tuple(replace(column, nullable=column.name != "born") for column in PEOPLE.columns)
)


def told(*changes: tuple[int, int], word: str = "new") -> pl.DataFrame:
    """Changes of people: an id, and 0 for an upsert or 1 for a delete."""
    return pl.concat(
        people(i, 1, word).with_columns(pl.lit(op, pl.Int8).alias(OPERATION)) for i, op in changes
    )


def changing(base: Receipt | None, deletes: Deletes, **more: Any) -> LoadRequest:
    """A merge of changes that are told."""
    schema = TableSchema.of(told((0, 0)).schema)
    return request(Mode.MERGE, base, schema=schema, deletes=deletes, **more)


def only_keys(*ids: int | None) -> pl.DataFrame:
    """People of whom nothing but the key is known."""
    return pl.DataFrame({"id": list(ids)}, schema={"id": pl.Int64()}).select(
        pl.col(c.name) if c.name == "id" else pl.lit(None, c.type).alias(c.name)
        for c in PEOPLE.columns
    )


async def keys_staged(load: Load, *frames: pl.DataFrame) -> list[StagedPart]:
    parts = [await staged(load, f"keys of {n}", frame) for n, frame in enumerate(frames)]
    return [replace(part, keys=True) for part in parts]


def compared(
    store: Store[Any],
    what: LoadRequest,
    rows: Sequence[pl.DataFrame],
    keys: Sequence[pl.DataFrame],
) -> Receipt:
    """A whole load of these rows, where the source has these keys."""

    async def story() -> Receipt:
        async with store.load(what) as load:
            parts = [await staged(load, f"{n}", frame) for n, frame in enumerate(rows)]
            parts += await keys_staged(load, *keys)
            found = await load.verify(parts)
            assert [found[part.partition.name] for part in parts] == [part.rows for part in parts]
            return await load.commit(parts)

    return asyncio.run(story())


class DeleteContract:
    """Part of StoreContract. Skipped where deletes are not claimed."""

    @pytest.fixture
    def deleting(self, rig: StoreRig) -> Store[Any]:
        store = rig.store()
        if not store.capabilities.deletes:
            pytest.skip("claims no deletes")
        return store

    def seen(self, rig: StoreRig) -> list[Row]:
        return unordered(rig.look())

    # told by the source

    def test_how_many_were_deleted_is_told(self, rig: StoreRig, deleting: Store[Any]) -> None:
        base = asyncio.run(settled(deleting, request(), people(0, 5)))
        what = changing(base, Deletes.HARD)
        receipt = asyncio.run(settled(deleting, what, told((1, 1), (3, 1), (9, 1), (7, 0))))
        assert (receipt.rows, receipt.deleted) == (4, 2)
        kept = [people(0, 1), people(2, 1), people(4, 1), people(7, 1, "new")]
        assert self.seen(rig) == unordered(pl.concat(kept).rows())

    def test_deletes_may_be_ignored(self, rig: StoreRig, deleting: Store[Any]) -> None:
        base = asyncio.run(settled(deleting, request(), people(0, 3)))
        what = changing(base, Deletes.IGNORE)
        receipt = asyncio.run(settled(deleting, what, told((0, 1), (1, 0), (1, 1), (5, 0), (5, 1))))
        assert (receipt.rows, receipt.deleted) == (5, 0)
        kept = [people(0, 1), people(1, 1, "new"), people(2, 1), people(5, 1, "new")]
        assert self.seen(rig) == unordered(pl.concat(kept).rows())

    def test_a_deleted_row_may_stay_and_be_marked(
        self, rig: StoreRig, deleting: Store[Any]
    ) -> None:
        base = asyncio.run(settled(deleting, request(keys=("id",)), people(0, 4)))
        first = changing(base, Deletes.SOFT)
        receipt = asyncio.run(settled(deleting, first, told((0, 1), (2, 1), (3, 0))))
        assert receipt.deleted == 2
        moment = begun(first.load_id)
        after = [
            *marked(people(0, 1), moment),
            *marked(people(1, 1)),
            *marked(people(2, 1), moment),
        ]
        assert self.seen(rig) == unordered([*after, *marked(people(3, 1, "new"))])
        # told again it stays as it was; a key that comes again lives again
        second = changing(receipt, Deletes.SOFT)
        again = asyncio.run(settled(deleting, second, told((0, 1), (2, 0), (9, 1), word="again")))
        assert again.deleted == 0
        after = [*marked(people(0, 1), moment), *marked(people(1, 1))]
        after += [*marked(people(2, 1, "again")), *marked(people(3, 1, "new"))]
        assert self.seen(rig) == unordered(after)
        assert not rig.leftovers()

    def test_a_marked_row_is_as_it_was_when_it_went(
        self, rig: StoreRig, deleting: Store[Any]
    ) -> None:
        """However the changes are cut into loads."""
        what = changing(None, Deletes.SOFT)
        parts = [told((0, 0), (1, 0), word="old"), told((0, 0), (0, 1), (1, 1), (1, 0), (2, 1))]
        asyncio.run(settled(deleting, what, *parts))
        after = [*marked(people(0, 1, "new"), begun(what.load_id)), *marked(people(1, 1, "new"))]
        assert self.seen(rig) == unordered(after)

    def test_the_mark_is_no_column_of_the_load(self, rig: StoreRig, deleting: Store[Any]) -> None:
        """It takes no part in the schema, whatever else is added to the table."""
        base = asyncio.run(settled(deleting, changing(None, Deletes.SOFT), told((0, 0), (1, 1))))
        assert names(deleting) == PEOPLE.names
        extra = Column("extra", pl.Int64())
        asyncio.run(deleting.evolve([SchemaChange(Change.ADDED, None, extra)]))
        rows = told((0, 1), (4, 0)).with_columns(extra=pl.lit(1, pl.Int64))
        rows = rows.select(*PEOPLE.names, "extra", OPERATION)
        what = changing(base, Deletes.SOFT)
        what = replace(what, schema=TableSchema.of(rows.schema))
        asyncio.run(settled(deleting, what, rows))
        assert names(rig.store()) == (*PEOPLE.names, "extra")
        assert self.ids(rig) == {0: True, 4: False}

    def test_a_source_may_have_a_column_of_that_name(
        self, rig: StoreRig, deleting: Store[Any]
    ) -> None:
        """It is its own affair then, and no row counts as marked."""
        rows = people(0, 4).with_columns(pl.col("seen").alias(DELETED_AT))
        schema = TableSchema.of(rows.schema)
        base = asyncio.run(settled(deleting, request(keys=("id",), schema=schema), rows))
        assert self.seen(rig) == unordered(rows.rows())
        what = request(Mode.MERGE, base, schema=schema, most_gone=0.5)
        keys = only_keys(0, 1).with_columns(
            pl.lit(None, pl.Datetime("us", "UTC")).alias(DELETED_AT)
        )
        assert compared(deleting, what, [rows.head(1)], [keys]).deleted == 2
        assert self.seen(rig) == unordered(rows.head(2).rows())

    def test_a_full_load_marks_no_row(self, rig: StoreRig, deleting: Store[Any]) -> None:
        first = request(keys=("id",), deletes=Deletes.SOFT)
        base = asyncio.run(settled(deleting, first, people(0, 3)))
        assert self.seen(rig) == unordered(marked(people(0, 3)))
        base = asyncio.run(settled(deleting, changing(base, Deletes.SOFT), told((1, 1), (7, 0))))
        assert self.ids(rig) == {0: False, 1: True, 2: False, 7: False}
        again = request(keys=("id",), base=base, deletes=Deletes.SOFT)
        base = asyncio.run(settled(deleting, again, people(1, 2), people(4, 1)))
        assert self.seen(rig) == unordered(marked(pl.concat([people(1, 2), people(4, 1)])))
        assert names(deleting) == PEOPLE.names
        other = people(0, 2).drop("word")
        changed = request(
            keys=("id",), base=base, deletes=Deletes.SOFT, schema=TableSchema.of(other.schema)
        )
        asyncio.run(settled(deleting, changed, other))
        assert self.seen(rig) == unordered(marked(other))

    def test_a_full_load_of_changes_has_what_is_left(
        self, rig: StoreRig, deleting: Store[Any]
    ) -> None:
        base = asyncio.run(settled(deleting, request(), people(5, 2)))
        what = changing(base, Deletes.HARD, keys=("id",))
        what = replace(what, mode=Mode.REPLACE)
        asyncio.run(settled(deleting, what, told((0, 0), (1, 0), (2, 0)), told((1, 1), (9, 1))))
        assert self.seen(rig) == unordered(
            [*people(0, 1, "new").rows(), *people(2, 1, "new").rows()]
        )

    def test_deletes_that_name_no_row_are_refused(
        self, rig: StoreRig, deleting: Store[Any]
    ) -> None:
        appending = replace(changing(None, Deletes.HARD), mode=Mode.APPEND)
        for what in (appending, replace(appending, mode=Mode.REPLACE, keys=())):
            with pytest.raises(HyggeError, match="deletes need `keys`"):
                asyncio.run(settled(deleting, what, told((0, 0))))
        assert rig.look() is None

    # found by comparing keys

    @pytest.mark.parametrize("deletes", [Deletes.HARD, Deletes.SOFT])
    def test_rows_whose_key_is_gone_go(
        self, rig: StoreRig, deleting: Store[Any], deletes: Deletes
    ) -> None:
        base = asyncio.run(settled(deleting, request(keys=("id",)), people(0, 9)))
        what = request(Mode.MERGE, base, most_gone=0.34, deletes=deletes, schema=STRICT)
        rows = [people(4, 1, "changed"), people(20, 1)]
        # 30 is above what was read, 4 and 20 went when it was, 0 comes twice
        keys = [only_keys(0, 2, 5), only_keys(0, 6, 7, 30)]
        receipt = compared(deleting, what, rows, keys)
        assert (receipt.rows, receipt.deleted) == (2, 3)
        left = dict.fromkeys([0, 2, 4, 5, 6, 7, 20], False)
        marks = dict.fromkeys([1, 3, 8], True)
        assert self.ids(rig) == (left if deletes is Deletes.HARD else {**left, **marks})
        assert not rig.leftovers()

    def test_a_marked_row_that_is_there_again_lives(
        self, rig: StoreRig, deleting: Store[Any]
    ) -> None:
        how: dict[str, Any] = {"most_gone": ALL, "deletes": Deletes.SOFT}
        base = asyncio.run(settled(deleting, request(keys=("id",)), people(0, 3)))
        base = compared(deleting, request(Mode.MERGE, base, **how), [], [only_keys(0)])
        assert (base.rows, base.deleted) == (0, 2)
        base = compared(
            deleting, request(Mode.MERGE, base, **how), [people(2, 1)], [only_keys(0, 2)]
        )
        assert base.deleted == 0
        assert self.ids(rig) == {0: False, 1: True, 2: False}
        # marked rows count no more, until one does not want to keep them
        half = request(Mode.MERGE, base, most_gone=0.5, deletes=Deletes.HARD)
        assert compared(deleting, half, [], [only_keys(0)]).deleted == 1
        assert self.ids(rig) == {0: False}

    def test_more_than_one_may_believe_is_refused(
        self, rig: StoreRig, deleting: Store[Any]
    ) -> None:
        base = asyncio.run(settled(deleting, request(keys=("id",)), people(0, 10)))
        before = self.seen(rig)
        new = [people(3, 1, "changed"), people(10, 10)]
        for keys, gone in ((only_keys(*range(7)), 3), (only_keys(), 9)):
            what = request(Mode.MERGE, base, most_gone=0.29)
            with pytest.raises(StoreError, match=f"{gone} of 10 rows are gone") as failed:
                compared(deleting, what, new, [keys])
            assert "max_delete_fraction: 1" in str(failed.value.hint)
            assert self.seen(rig) == before
            asyncio.run(deleting.recover("people", what.load_id))
        most = request(Mode.MERGE, base, most_gone=0.3)
        assert compared(deleting, most, new, [only_keys(*range(7))]).deleted == 3
        assert set(self.ids(rig)) == {*range(7), *range(10, 20)}
        assert not rig.leftovers()

    def test_all_rows_may_go(self, rig: StoreRig, deleting: Store[Any]) -> None:
        base = asyncio.run(settled(deleting, request(keys=("id",)), people(0, 3)))
        what = request(Mode.MERGE, base, most_gone=ALL)
        receipt = compared(deleting, what, [], [only_keys()])
        assert receipt.deleted == 3
        assert rig.look() == []
        empty = request(Mode.MERGE, receipt, most_gone=0.1)
        assert compared(deleting, empty, [people(7, 1)], [only_keys(7)]).deleted == 0
        assert self.seen(rig) == people(7, 1).rows()

    def test_a_source_without_a_key_is_refused(self, rig: StoreRig, deleting: Store[Any]) -> None:
        base = asyncio.run(settled(deleting, request(keys=("id",)), people(0, 3)))
        what = request(Mode.MERGE, base, most_gone=ALL)
        with pytest.raises(StoreError, match="1 rows have no key"):
            compared(deleting, what, [people(2, 1)], [only_keys(0, 1, None)])
        assert self.seen(rig) == people(0, 3).rows()

    def test_what_a_comparison_would_change_is_told_before(
        self, rig: StoreRig, deleting: Store[Any]
    ) -> None:
        base = asyncio.run(settled(deleting, request(keys=("id",)), people(0, 4)))

        async def wrong(what: LoadRequest, *frames: pl.DataFrame) -> int:
            async with deleting.load(what) as load:
                count = await load.corrections(await keys_staged(load, *frames))
            await deleting.recover(what.flow, what.load_id)
            return count

        def asked(**more: Any) -> LoadRequest:
            return request(Mode.MERGE, base, **more)

        most = {"most_gone": ALL, "deletes": Deletes.SOFT}
        assert asyncio.run(wrong(asked(**most), only_keys(0, 1), only_keys(2, 3))) == 0
        assert asyncio.run(wrong(asked(**most), only_keys(0, 9))) == 3
        assert asyncio.run(wrong(asked(**most))) == 4
        assert asyncio.run(wrong(asked(), only_keys(0))) == 0
        base = compared(deleting, asked(**most), [], [only_keys(0)])
        assert asyncio.run(wrong(asked(**most), only_keys(0))) == 0
        assert asyncio.run(wrong(asked(**most), only_keys(1, 3))) == 3
        base = compared(deleting, asked(**most), [], [only_keys(1, 3)])
        assert self.ids(rig) == {0: True, 1: False, 2: True, 3: False}

    def test_a_comparison_is_taken_up_again(self, rig: StoreRig, deleting: Store[Any]) -> None:
        """What was staged before counts, and a try at keys that was given up does not."""
        base = asyncio.run(settled(deleting, request(keys=("id",)), people(0, 5)))
        what = request(Mode.MERGE, base, most_gone=ALL)

        async def story() -> Receipt:
            async with deleting.load(what) as load:
                rows = [await staged(load, "rows", people(3, 1, "new"))]
                await keys_staged(load, only_keys(1))
            async with rig.store().load(what) as load:
                keys = await keys_staged(load, only_keys(0, 2))
                first = await load.commit([*rows, *keys])
                assert await load.commit([*rows, *keys]) == first
                return first

        assert asyncio.run(story()).deleted == 2
        assert set(self.ids(rig)) == {0, 2, 3}
        assert not rig.leftovers()

    def ids(self, rig: StoreRig) -> dict[int, bool]:
        """Each row's id, and whether it is marked."""
        return {row[0]: any(_is_mark(value) for value in row[4:]) for row in rig.look() or []}


def _is_mark(value: object) -> bool:
    return isinstance(value, datetime)


def marked(rows: pl.DataFrame, moment: datetime | None = None) -> list[Row]:
    """These rows as they are seen in a table that marks."""
    return [(*row, moment) for row in rows.rows()]


def names(store: Store[Any]) -> tuple[str, ...]:
    found = asyncio.run(store.schema())
    assert found is not None
    assert DELETED_AT not in found
    return found.names
