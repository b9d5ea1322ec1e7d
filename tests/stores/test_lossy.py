"""`allow_lossy`: what a database cannot hold exactly becomes the nearest, is counted and told."""

from __future__ import annotations

from contextlib import closing
from math import inf, nan
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.flow.stage import Stage
from tests.types.expecting import read
from tests.types.systems import (
    SYSTEMS,
    DuckdbSystem,
    MssqlSystem,
    MysqlSystem,
    PostgresSystem,
    SqliteSystem,
    System,
)

from hygge.core.errors import ConfigError, ConnectionFailed, HyggeError, StoreError
from hygge.core.events import Notice, PartReused
from hygge.core.schema import TableSchema
from hygge.flow.report import FlowReport
from hygge.testing.faulty_store import FaultyStore

NANOS = [1_700_000_000_123_456_789, -1, None, 1_700_000_000_123_456_000]
CLOCK = [86_399_999_999_999, 1, None, 5_000]
FLOATS = [nan, inf, -inf, None, 1.5]
MICROS = [1_700_000_000_123_456_000, -1000, None, 1_700_000_000_123_456_000]
TICKS = [1_700_000_000_123_456_700, -100, None, 1_700_000_000_123_456_000]
MOMENT, ZONED = pl.Datetime("ns"), pl.Datetime("ns", "UTC")
CASES: list[tuple[type[System], pl.DataType, list[Any], list[Any], int]] = [
    *(
        (system, kind, NANOS, MICROS, 2)
        for system in (PostgresSystem, MysqlSystem)
        for kind in (MOMENT, ZONED)
    ),
    (DuckdbSystem, ZONED, NANOS, MICROS, 2),
    (MssqlSystem, MOMENT, NANOS, TICKS, 2),
    (MssqlSystem, ZONED, NANOS, TICKS, 2),
    *(
        (system, pl.Time(), CLOCK, [86_399_999_999_000, 0, None, 5_000], 2)
        for system in (PostgresSystem, MysqlSystem, DuckdbSystem)
    ),
    (MssqlSystem, pl.Time(), CLOCK, [86_399_999_999_900, 0, None, 5_000], 2),
    *(
        (system, kind, FLOATS, [None, None, None, None, 1.5], 3)
        for system in (MysqlSystem, MssqlSystem)
        for kind in (pl.Float64(), pl.Float32())
    ),
    (SqliteSystem, pl.Float64(), FLOATS, [None, inf, -inf, None, 1.5], 1),
    (PostgresSystem, pl.String(), ["a\0b\0", "a", None], ["ab", "a", None], 1),
]
IDS = [f"{system.name} {kind}" for system, kind, *_ in CASES]


def column(kind: pl.DataType, values: list[Any]) -> pl.DataFrame:
    if kind.is_temporal():
        return pl.DataFrame({"v": pl.Series(values, dtype=pl.Int64).cast(kind)})
    return pl.DataFrame({"v": pl.Series(values, dtype=kind)})


def in_nanoseconds(values: pl.Series) -> list[Any]:
    if isinstance(values.dtype, pl.Datetime):
        return values.dt.epoch("ns").to_list()
    return (values.to_physical() if values.dtype == pl.Time() else values).to_list()


def loaded(system: System, tmp: Path, rows: pl.DataFrame, **store: Any) -> FlowReport:
    stage = Stage(tmp)
    stage.give(rows)
    return stage.run(stage.flow(store=system.store(**store)))


@pytest.mark.parametrize(("kind", "type_", "values", "expected", "count"), CASES, ids=IDS)
def test_the_nearest_is_there_and_counted(
    kind: type[System],
    type_: pl.DataType,
    values: list[Any],
    expected: list[Any],
    count: int,
    tmp_path: Path,
) -> None:
    system, rows = kind(tmp_path), column(type_, values)
    refused = loaded(system, tmp_path, rows).error
    assert isinstance(refused, HyggeError)
    assert "allow_lossy" in str(refused.hint)
    report = loaded(system, tmp_path, rows, allow_lossy=["v"])
    assert report.error is None, report.error
    assert in_nanoseconds(read(system.home())["v"]) == expected
    assert report.receipt is not None
    assert report.receipt.changed == {"v": count}
    told = f"{count} values of v were changed into the nearest that the store can hold"
    assert told in str(report.run.message)
    assert any(told in note for note in report.notes)


@pytest.mark.parametrize("kind", SYSTEMS, ids=lambda kind: kind.name)
def test_what_can_be_held_is_not_touched(kind: type[System], tmp_path: Path) -> None:
    rows = pl.DataFrame({"a": [1.5, None], "b": ["x", None], "c": [b"\0", None]})
    report = loaded(system := kind(tmp_path), tmp_path, rows, allow_lossy=True)
    assert report.error is None
    assert report.receipt is not None
    assert not report.receipt.changed
    assert not report.notes
    assert read(system.home()).equals(rows)


@pytest.mark.parametrize("kind", SYSTEMS, ids=lambda kind: kind.name)
def test_only_the_columns_that_are_named(kind: type[System], tmp_path: Path) -> None:
    rows = pl.DataFrame({"v": [1], "w": pl.Series([1], dtype=pl.Time())})
    report = loaded(kind(tmp_path), tmp_path, rows, allow_lossy=["v"])
    if kind is SqliteSystem:
        assert report.error is None
    else:
        assert isinstance(report.error, StoreError)
        assert report.error.where["column"] == "w"


@pytest.mark.parametrize("kind", SYSTEMS, ids=lambda kind: kind.name)
def test_a_column_that_is_not_there_is_refused(kind: type[System], tmp_path: Path) -> None:
    rows = pl.DataFrame({"price": [1.5]})
    report = loaded(kind(tmp_path), tmp_path, rows, allow_lossy=["pricee"])
    assert isinstance(report.error, ConfigError)
    assert "did you mean 'price'" in str(report.error.hint)


@pytest.mark.parametrize("kind", [MysqlSystem, MssqlSystem, SqliteSystem], ids=lambda k: k.name)
def test_what_may_not_be_null_stays_refused(kind: type[System], tmp_path: Path) -> None:
    system, rows = kind(tmp_path), pl.DataFrame({"v": [1.5, nan]})
    schema = TableSchema.of(rows.schema)
    required = TableSchema((type(schema["v"])("v", pl.Float64(), nullable=False),))
    store = system.store(allow_lossy=True)
    bent, changed = store.lossy.bent(store.database, rows, required)
    assert not changed
    with closing(store.database.connect(write=True)) as session:
        session.change(f"create table t (v {store.database.native(pl.Float64())} not null)")
        with pytest.raises(StoreError):
            session.insert(store.target, bent)


def test_a_year_that_is_none_there_stays_refused(tmp_path: Path) -> None:
    rows = pl.DataFrame({"v": pl.Series([10**6], dtype=pl.Int32).cast(pl.Date)})
    far = rows.with_columns(pl.col("v").dt.offset_by("10000y"))
    report = loaded(MssqlSystem(tmp_path), tmp_path, far, allow_lossy=True)
    assert isinstance(report.error, StoreError)
    assert "1 to 9999" in str(report.error)


@pytest.mark.parametrize("kind", [PostgresSystem, MysqlSystem, DuckdbSystem], ids=lambda k: k.name)
def test_later_loads_find_the_columns_they_left(kind: type[System], tmp_path: Path) -> None:
    stage, system = Stage(tmp_path), kind(tmp_path)
    later: dict[str, Any] = {"run_type": "incremental", "watermark": "id", "keys": ["id"]}
    frames = [
        pl.DataFrame({"id": ids, "at": pl.Series([n + 1 for n in ids]).cast(ZONED)})
        for ids in ([1, 2], [1, 2, 3, 4])
    ]
    for rows, count in zip(frames, (2, 3), strict=True):
        stage.give(rows)
        report = stage.done(stage.flow(store=system.store(allow_lossy=True), **later))
        assert report.receipt is not None
        assert report.receipt.changed["at"] in (count, 2)
    assert read(system.home()).sort("id")["at"].dt.epoch("us").to_list() == [0, 0, 0, 0]
    assert not [event for event in stage.told(Notice) if "→" in event.text]


def test_what_was_changed_before_a_load_broke_off_is_told_with_it(tmp_path: Path) -> None:
    """Parts that are staged are not staged again, and what was changed in them is still known."""
    stage, system = Stage(tmp_path), MssqlSystem(tmp_path)
    frames = [pl.DataFrame({"v": [nan, float(n)]}) for n in range(4)]
    stage.give(*frames)
    finished = 0

    def fail_at_the_third(what: str) -> None:
        nonlocal finished
        if what == "write" and finished == 2:
            raise ConnectionFailed("no more")
        finished += what == "finish"

    plain = system.store(allow_lossy=True)
    broken = stage.run(stage.flow(store=FaultyStore(plain, fail_at_the_third), retries=0))
    assert broken.error is not None
    report = stage.done(stage.flow(store=plain))
    assert report.receipt is not None
    assert report.receipt.changed == {"v": 4}
    assert len(stage.told(PartReused)) == 2
