"""What every Home promises, one test a promise. Chosen by the capabilities it declares."""

from __future__ import annotations

import asyncio
import pickle
from contextlib import aclosing
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from hygge.core.errors import HyggeError, SourceMissing, Unsupported
from hygge.core.home import Home, ReadRequest
from hygge.core.partition import WHOLE, Partition
from hygge.core.schema import OPERATION
from hygge.core.types import parse_type, type_name
from hygge.core.watermark import Watermark
from hygge.testing.harness import HomeRig, Row, gathered, no_thread_left, people, rows_of, shown

THREE = (people(0, 4), people(4, 3), people(7, 5))
POSITIONS: list[tuple[str, list[Any]]] = [
    ("int64", [3, 41, None, 7]),
    ("date", [date(2000, 1, 1), date(9999, 12, 31)]),
    ("datetime(us)", [datetime(2024, 2, 29, 23, 59, 59, 999999)]),
    ("datetime(us, UTC)", [datetime(2024, 2, 29, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)]),
    ("decimal(20, 4)", [Decimal("1.5000"), Decimal("-2.0000")]),
    ("string", ["Z", "a", "ü"]),
]


class HomeContract:
    """Subclass it, and give a fixture `rig` that makes a HomeRig of an empty source."""

    # -- rows ---------------------------------------------------------------------------

    def test_the_schema_holds_for_every_batch(self, rig: HomeRig) -> None:
        frames = given(rig, *THREE)
        home = rig.home()

        async def story() -> None:
            schema = await home.schema()
            assert [(c.name, type_name(c.type)) for c in schema.columns] == [
                (name, type_name(kind)) for name, kind in frames[0].schema.items()
            ]
            async with home.reading(ReadRequest()) as parts:
                for part in parts:
                    for batch in await gathered(home, partition=part):
                        schema.check(batch)

        asyncio.run(story())

    def test_partitions_are_the_whole_in_order_and_nothing_twice(self, rig: HomeRig) -> None:
        frames = given(rig, *THREE)
        home = rig.home()

        async def story() -> None:
            async with home.reading(ReadRequest()) as parts:
                assert len({part.name for part in parts}) == len(parts)
                rows = [row for p in parts for row in rows_of(await gathered(home, partition=p))]
            assert rows == rows_of(frames)
            assert rows_of(await gathered(home)) == rows_of(frames)
            if home.capabilities.partitions:
                assert len(parts) > 1
            else:
                assert list(parts) == [WHOLE]

        asyncio.run(story())

    def test_partitions_keep_their_names(self, rig: HomeRig) -> None:
        given(rig, *THREE)
        names = [[p.name for p in asyncio.run(by_partition(rig.home()))] for _ in range(2)]
        assert names[0] == names[1]

    def test_equal_partitions_give_equal_rows(self, rig: HomeRig) -> None:
        given(rig, *THREE)
        home = rig.home()

        async def story() -> None:
            before = await by_partition(home)
            await asyncio.to_thread(given, rig, people(0, 4), people(4, 3, "new"), people(7, 5))
            for part, rows in (await by_partition(home)).items():
                if part in before and part.version is not None:
                    assert rows == before[part]
            for part, rows in before.items():
                if part.version is not None:
                    assert await rows_or_error(home, part) in (rows, None)

        asyncio.run(story())

    def test_reading_twice_gives_the_same(self, rig: HomeRig) -> None:
        given(rig, *THREE)
        home = rig.home()
        first = rows_of(asyncio.run(gathered(home)))
        assert rows_of(asyncio.run(gathered(home))) == first

        async def at_once() -> list[list[pl.DataFrame]]:
            return list(await asyncio.gather(*(gathered(home) for _ in range(3))))

        assert [rows_of(frames) for frames in asyncio.run(at_once())] == [first] * 3

    def test_an_empty_table_keeps_its_types(self, rig: HomeRig) -> None:
        (empty,) = given(rig, people(0, 0))
        home = rig.home()

        async def story() -> None:
            schema = await home.schema()
            assert schema.polars() == empty.schema
            async with home.reading(ReadRequest()) as parts:
                for part in parts:
                    for batch in await gathered(home, partition=part):
                        schema.check(batch)
                        assert batch.height == 0

        asyncio.run(story())

    # -- what may be asked -----------------------------------------------------------------

    def test_only_the_columns_asked_for(self, rig: HomeRig) -> None:
        frames = given(rig, *THREE)
        home, asked = rig.home(), ReadRequest(columns=("seen", "id"))
        if not home.capabilities.columns:
            refused(home, asked)
            return
        expected = ["seen", "id", *([OPERATION] if home.capabilities.deletes else [])]
        read = asyncio.run(gathered(home, asked))
        assert all(frame.columns == expected for frame in read)
        assert rows_of(read) == rows_of([frame.select(expected) for frame in frames])

    def test_a_column_that_is_not_there_is_named(self, rig: HomeRig) -> None:
        given(rig, *THREE)
        home = rig.home()
        if not home.capabilities.columns:
            pytest.skip("claims no columns")
        with pytest.raises(HyggeError, match="nowhere"):
            asyncio.run(gathered(home, ReadRequest(columns=("id", "nowhere"))))

    def test_only_the_rows_asked_for(self, rig: HomeRig) -> None:
        frames = given(rig, *THREE)
        home, asked = rig.home(), ReadRequest(where="id >= 2 and id < 9 or word = 'old 0'")
        if not home.capabilities.where:
            refused(home, asked)
            return
        rows = [row for row in rows_of(frames) if 2 <= row[0] < 9 or row[1] == "old 0"]
        assert rows_of(asyncio.run(gathered(home, asked))) == rows

    @pytest.mark.parametrize("where", ["id >= ", "nowhere = 1"])
    def test_a_condition_that_cannot_be_is_an_error(self, rig: HomeRig, where: str) -> None:
        given(rig, *THREE)
        home = rig.home()
        if not home.capabilities.where:
            pytest.skip("claims no where")
        with pytest.raises(HyggeError):
            asyncio.run(gathered(home, ReadRequest(where=where)))

    # -- what is new -----------------------------------------------------------------------

    @pytest.mark.parametrize("low_closed", [True, False])
    @pytest.mark.parametrize("bound_closed", [True, False])
    def test_a_window_has_the_ends_it_says(
        self, rig: HomeRig, low_closed: bool, bound_closed: bool
    ) -> None:
        given(rig, *THREE)
        home = rig.home()
        low = Watermark("id", "int64", 2, low_closed)
        bound = Watermark("id", "int64", 8, bound_closed)
        asked = ReadRequest(low=low, bound=bound)
        if not home.capabilities.incremental:
            refused(home, asked)
            return
        ids = range(2 + (not low_closed), 8 + bound_closed)
        assert [row[0] for row in rows_of(asyncio.run(gathered(home, asked)))] == list(ids)
        partitioned = asyncio.run(by_partition(home, asked))
        assert [row[0] for rows in partitioned.values() for row in rows] == list(ids)

    @pytest.mark.parametrize(("kind", "values"), POSITIONS, ids=[name for name, _ in POSITIONS])
    def test_the_upper_bound_is_the_greatest_value_with_its_type(
        self, rig: HomeRig, kind: str, values: list[Any]
    ) -> None:
        column = pl.Series("at", values, dtype=parse_type(kind))
        frame = pl.DataFrame({"id": range(len(values)), "at": column})
        given(rig, frame)
        home = rig.home()
        if not home.capabilities.incremental:
            with pytest.raises(Unsupported):
                asyncio.run(home.upper_bound("at"))
            return
        mark = asyncio.run(home.upper_bound("at")).watermark
        assert mark is not None
        assert (mark.column, mark.type) == ("at", kind)
        top = max(value for value in values if value is not None)
        assert (mark.value, type(mark.value)) == (top, type(top))
        below = ReadRequest(bound=Watermark("at", kind, top, closed=False))
        rest = [value for value in values if value is not None and value != top]
        read = [row[1] for row in rows_of(asyncio.run(gathered(home, below)))]
        assert [value for value in read if value is not None] == rest

    def test_a_row_without_a_position_reaches_the_flow(self, rig: HomeRig) -> None:
        frame = people(0, 4).with_columns(seen=pl.when(pl.col("id") != 1).then("seen"))
        given(rig, frame)
        home = rig.home()
        if not home.capabilities.incremental:
            pytest.skip("is not read incrementally")
        mark = asyncio.run(home.upper_bound("seen")).watermark
        assert mark is not None
        rows = rows_of(asyncio.run(gathered(home, ReadRequest(low=mark, bound=mark))))
        assert [row[0] for row in rows] == [1, 3]

    def test_an_empty_table_has_no_upper_bound(self, rig: HomeRig) -> None:
        given(rig, people(0, 0))
        home = rig.home()
        if not home.capabilities.incremental:
            pytest.skip("is not read incrementally")
        assert asyncio.run(home.upper_bound("id")).watermark is None

    def test_an_upper_bound_of_no_column_is_an_error(self, rig: HomeRig) -> None:
        given(rig, *THREE)
        with pytest.raises(HyggeError):
            asyncio.run(rig.home().upper_bound("nowhere"))

    def test_deletes_come_in_the_reserved_last_column(self, rig: HomeRig) -> None:
        given(rig, *THREE)
        home = rig.home()
        if not home.capabilities.deletes:
            pytest.skip("claims no deletes")
        schema = asyncio.run(home.schema())
        last = schema.columns[-1]
        assert (last.name, last.type) == (OPERATION, pl.Int8())

    # -- manners ---------------------------------------------------------------------------

    def test_cancelling_leaves_no_thread(self, rig: HomeRig) -> None:
        given(rig, *THREE)
        home = rig.home()

        async def story() -> None:
            reading = asyncio.Event()

            async def read() -> None:
                while True:
                    async with aclosing(home.read(ReadRequest())) as batches:
                        async for _ in batches:
                            reading.set()

            task = asyncio.create_task(read())
            await reading.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        with no_thread_left():
            asyncio.run(story())

    def test_stopping_after_a_batch_leaves_no_thread(self, rig: HomeRig) -> None:
        given(rig, *THREE)

        async def story() -> None:
            async with aclosing(rig.home().read(ReadRequest())) as batches:
                assert (await anext(batches)).height > 0

        with no_thread_left():
            asyncio.run(story())

    def test_a_missing_source_is_said_by_check_as_by_reading(self, rig: HomeRig) -> None:
        home = rig.missing()
        for ask in (home.check, home.schema, lambda: gathered(home)):
            with pytest.raises(SourceMissing):
                asyncio.run(ask())

    def test_check_is_content_with_what_is_there(self, rig: HomeRig) -> None:
        given(rig, *THREE)
        with no_thread_left():
            asyncio.run(rig.home().check())

    def test_the_identity_is_stable_and_tells_no_secret(self, rig: HomeRig) -> None:
        given(rig, *THREE)
        assert rig.home().identity == rig.home().identity
        assert rig.home().identity != rig.missing().identity
        told = [secret for secret in rig.secrets if secret in shown(rig.home())]
        assert not told

    def test_it_pickles(self, rig: HomeRig) -> None:
        frames = given(rig, *THREE)
        home: Home[Any] = pickle.loads(pickle.dumps(rig.home()))
        assert home.identity == rig.home().identity
        assert rows_of(asyncio.run(gathered(home))) == rows_of(frames)


def given(rig: HomeRig, *frames: pl.DataFrame) -> list[pl.DataFrame]:
    """The source's rows from now on: with `__op__` where it tells of deletes."""
    told = list(frames)
    if rig.home().capabilities.deletes:
        told = [frame.with_columns(pl.lit(0, pl.Int8).alias(OPERATION)) for frame in frames]
    try:
        rig.give(*told)
    except Unsupported as cannot:
        pytest.skip(str(cannot))
    return told


async def by_partition(
    home: Home[Any], asked: ReadRequest | None = None
) -> dict[Partition, list[Row]]:
    """The rows of each, in their order, as one load reads them."""
    wish = asked or ReadRequest()
    async with home.reading(wish) as parts:
        return {part: rows_of(await gathered(home, wish, part)) for part in parts}


async def rows_or_error(home: Home[Any], partition: Any) -> list[tuple[Any, ...]] | None:
    """The rows; None where the Home says that it cannot give them any more."""
    try:
        return rows_of(await gathered(home, partition=partition))
    except HyggeError:
        return None


def refused(home: Home[Any], asked: ReadRequest) -> None:
    with pytest.raises(Unsupported):
        asyncio.run(gathered(home, asked))
