"""Tables that others made: what is staged goes in as it is, or the load is refused."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from tests.rigs import mysql, postgres
from tests.rigs.duckdb import DuckdbStoreRig
from tests.rigs.mysql import MysqlStoreRig
from tests.rigs.postgres import PostgresStoreRig
from tests.rigs.sqlite import SqliteStoreRig

from hygge.core.errors import HyggeError, StoreError
from hygge.core.schema import TableSchema
from hygge.core.store import Mode
from hygge.stores.sql import SqlStore
from hygge.testing.harness import StoreRig, request, settled

RIGS: dict[str, type[StoreRig]] = {
    "duckdb": DuckdbStoreRig,
    "mysql": MysqlStoreRig,
    "postgres": PostgresStoreRig,
    "sqlite": SqliteStoreRig,
}
SECONDS = [("duckdb", "timestamp_s"), ("mysql", "datetime"), ("postgres", "timestamp(0)")]


def made(kind: str, tmp: Path, native: str) -> StoreRig:
    """A table of ours by name, with a column v of this type."""
    rig = RIGS[kind](tmp)
    asked(rig, f"create table people (id bigint, v {native})")
    return rig


def asked(rig: StoreRig, sql: str) -> None:
    """Done by somebody who knows nothing of hygge."""
    match rig:
        case MysqlStoreRig():
            mysql.ask(rig.database, sql)
        case PostgresStoreRig():
            postgres.ask(sql.replace("people", f"{rig.schema}.people"))
        case DuckdbStoreRig() | SqliteStoreRig():
            rig.ask(sql)


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


@pytest.mark.parametrize("kind", ["duckdb", "mysql", "sqlite"])
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
    asked(rig, "insert into people values (7, 7)")
    with pytest.raises(StoreError, match="hygge did not put there") as refused:
        asyncio.run(settled(rig.store(), what, rows))
    assert "adopt: true" in str(refused.value.hint)
    assert rig.look() == [(7, 7)]
    store = rig.store()
    assert isinstance(store, SqlStore)
    store.config = store.config.model_copy(update={"adopt": True})
    asyncio.run(settled(store, request(mode, schema=what.schema, keys=what.keys), rows))
    found = [(1, 2)] if mode is Mode.REPLACE else [(1, 2), (7, 7)]
    assert sorted(rig.look() or ()) == found
