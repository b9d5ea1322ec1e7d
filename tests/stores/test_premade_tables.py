"""Tables that others made: what is staged goes in as it is, or the load is refused."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from tests.stores.choosing import RIGS, asked, chosen

from hygge.core.errors import HyggeError, StoreError
from hygge.core.schema import TableSchema
from hygge.core.store import LoadRequest, Mode, Receipt
from hygge.testing.harness import StoreRig, request, settled, staged, unordered

ROWS = pl.DataFrame({"id": [1], "v": [2]})
SECONDS = [
    ("duckdb", "timestamp_s"),
    ("mssql", "datetime2(0)"),
    ("mysql", "datetime"),
    ("postgres", "timestamp(0)"),
]


def made(kind: str, tmp: Path, native: str) -> StoreRig:
    """A table of ours by name, with a column v of this type."""
    rig = RIGS[kind](tmp)
    null = " null" if kind == "mssql" else ""
    asked(rig, f"create table @people (id bigint{null}, v {native}{null})")
    return rig


def load(rig: StoreRig, value: object) -> list[object]:
    rows = pl.DataFrame({"id": [1], "v": [value]})
    what = request(Mode.APPEND, schema=TableSchema.of(rows.schema))
    asyncio.run(settled(rig.store(), what, rows))
    return [row[1] for row in rig.look() or ()]


@pytest.mark.parametrize("kind", RIGS)
@pytest.mark.parametrize("value", ["007", " 7", "7.0"])
def test_texts_that_are_no_numbers_are_none(tmp_path: Path, kind: str, value: str) -> None:
    rig = made(kind, tmp_path, "int")
    with pytest.raises(HyggeError):
        load(rig, value)
    assert not rig.look()


@pytest.mark.parametrize("kind", ["duckdb", "mssql", "mysql", "sqlite"])
def test_texts_that_a_number_says_as_well(tmp_path: Path, kind: str) -> None:
    """PostgreSQL takes no text for a number."""
    assert load(made(kind, tmp_path, "int"), "7") == [7]


@pytest.mark.parametrize(("kind", "native"), SECONDS)
def test_moments_are_not_rounded(tmp_path: Path, kind: str, native: str) -> None:
    """A year before its end would be the next one."""
    rig = made(kind, tmp_path, native)
    with pytest.raises(StoreError, match="would change values"):
        load(rig, datetime(2024, 12, 31, 23, 59, 59, 700_000))
    assert not rig.look()


@pytest.mark.parametrize(("kind", "native"), SECONDS)
def test_whole_seconds_go_where_there_are_only_seconds(
    tmp_path: Path, kind: str, native: str
) -> None:
    (found,) = load(made(kind, tmp_path, native), datetime(2024, 12, 31, 23, 59, 59))
    assert isinstance(found, datetime)
    assert found.replace(tzinfo=None) == datetime(2024, 12, 31, 23, 59, 59)


@pytest.mark.parametrize("kind", RIGS)
@pytest.mark.parametrize("mode", Mode)
def test_rows_that_others_put_there_are_left_in_peace(
    tmp_path: Path, kind: str, mode: Mode
) -> None:
    """A merge would overwrite some, and compared keys would take the others for gone."""
    rig = made(kind, tmp_path, "bigint")
    rows = pl.DataFrame({"id": [1], "v": [2]})
    what = request(mode, schema=TableSchema.of(rows.schema), keys=("id",))
    asked(rig, "insert into @people values (7, 7)")
    with pytest.raises(StoreError, match="hygge did not put there") as refused:
        asyncio.run(settled(rig.store(), what, rows))
    assert "`replace` replaces" in str(refused.value.hint)
    assert ("`append`" in str(refused.value.hint)) == (mode is not Mode.REPLACE)
    assert rig.look() == [(7, 7)]


def strangers(kind: str, tmp: Path) -> StoreRig:
    """A table that has a row of somebody else's."""
    rig = made(kind, tmp, "bigint")
    asked(rig, "insert into @people values (7, 7)")
    return rig


def keyed(mode: Mode, base: Receipt | None = None) -> LoadRequest:
    return request(mode, schema=TableSchema.of(ROWS.schema), keys=("id",), base=base)


@pytest.mark.parametrize("kind", RIGS)
@pytest.mark.parametrize("mode", [Mode.APPEND, Mode.MERGE])
def test_rows_of_others_may_stay(tmp_path: Path, kind: str, mode: Mode) -> None:
    rig = strangers(kind, tmp_path)
    store = chosen(rig, if_exists="append")
    first = asyncio.run(settled(store, keyed(mode), ROWS))
    assert unordered(rig.look()) == unordered([(1, 2), (7, 7)])
    with pytest.raises(StoreError, match="keeps the rows") as refused:
        asyncio.run(settled(store, keyed(Mode.REPLACE, first), ROWS))
    assert "`if_exists: replace`" in str(refused.value.hint)
    assert unordered(rig.look()) == unordered([(1, 2), (7, 7)])


@pytest.mark.parametrize("kind", RIGS)
@pytest.mark.parametrize("mode", Mode)
def test_rows_of_others_may_go_with_the_first_load(tmp_path: Path, kind: str, mode: Mode) -> None:
    rig = strangers(kind, tmp_path)
    store = chosen(rig, if_exists="replace")
    first = asyncio.run(settled(store, keyed(mode), ROWS))
    assert rig.look() == [(1, 2)]
    later = pl.DataFrame({"id": [3], "v": [4]})
    asyncio.run(settled(store, keyed(mode, first), later))
    assert unordered(rig.look()) == ([(3, 4)] if mode is Mode.REPLACE else [(1, 2), (3, 4)])


@pytest.mark.parametrize("kind", RIGS)
@pytest.mark.parametrize("mode", Mode)
def test_rows_that_others_put_there_meanwhile_are_seen(
    tmp_path: Path, kind: str, mode: Mode
) -> None:
    rig = made(kind, tmp_path, "bigint")

    async def story() -> None:
        async with rig.store().load(keyed(mode)) as load:
            parts = [await staged(load, "all", ROWS)]
            await asyncio.to_thread(asked, rig, "insert into @people values (7, 7)")
            with pytest.raises(StoreError, match="hygge did not put there"):
                await load.commit(parts)

    asyncio.run(story())
    assert rig.look() == [(7, 7)]


@pytest.mark.parametrize("kind", RIGS)
def test_a_load_that_is_not_published_replaces_nothing(tmp_path: Path, kind: str) -> None:
    rig = strangers(kind, tmp_path)
    store = chosen(rig, if_exists="replace")
    nameless = pl.DataFrame({"id": [None], "v": [4]}, schema_overrides={"id": pl.Int64})
    with pytest.raises(StoreError, match="1 rows have no key"):
        asyncio.run(settled(store, keyed(Mode.MERGE), nameless))
    assert rig.look() == [(7, 7)]


@pytest.mark.parametrize("kind", RIGS)
@pytest.mark.parametrize("how", ["fail", "append"])
def test_an_empty_table_of_others_is_not_made_anew_unasked(
    tmp_path: Path, kind: str, how: str
) -> None:
    """It would come without its indexes, defaults and grants."""
    rig = made(kind, tmp_path, "int")
    with pytest.raises(StoreError, match="made by others, and its column v is ") as refused:
        asyncio.run(settled(chosen(rig, if_exists=how), keyed(Mode.REPLACE), ROWS))
    assert "`if_exists: replace` makes it anew" in str(refused.value.hint)
    asked(rig, "insert into @people (id, v) values (7, 7)")  # it is there


@pytest.mark.parametrize("kind", RIGS)
def test_an_empty_table_of_others_with_other_columns_is_not_made_anew(
    tmp_path: Path, kind: str
) -> None:
    rig = made(kind, tmp_path, "bigint")
    more = ROWS.with_columns(w=pl.lit("x"))
    what = request(Mode.REPLACE, schema=TableSchema.of(more.schema))
    with pytest.raises(StoreError, match="it has the columns id, v, not id, v, w"):
        asyncio.run(settled(rig.store(), what, more))
    assert rig.look() == []


@pytest.mark.parametrize("kind", RIGS)
def test_an_empty_table_of_others_is_made_anew_where_that_is_asked(
    tmp_path: Path, kind: str
) -> None:
    rig = made(kind, tmp_path, "int")
    asyncio.run(settled(chosen(rig, if_exists="replace"), keyed(Mode.REPLACE), ROWS))
    assert rig.look() == [(1, 2)]
