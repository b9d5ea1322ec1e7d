"""Each type of ours, written: exactly, as a wider type that its table tells, or refused."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.rigs.memory import MemoryHomeRig
from tests.types import duckdb_cases, mssql_cases, mysql_cases, postgres_cases, sqlite_cases
from tests.types.expecting import Ours, Refused, exactly, moved, read, refused
from tests.types.systems import (
    SYSTEMS,
    DuckdbSystem,
    MssqlSystem,
    MysqlSystem,
    PostgresSystem,
    SqliteSystem,
    System,
)

from hygge.core.home import Home
from hygge.core.types import parse_type, type_name
from hygge.stores.sql import SqlStore
from hygge.testing.cases import Case, cases

TABLES: dict[type[System], list[Ours]] = {
    PostgresSystem: postgres_cases.OURS,
    MysqlSystem: mysql_cases.OURS,
    SqliteSystem: sqlite_cases.OURS,
    DuckdbSystem: duckdb_cases.OURS,
    MssqlSystem: mssql_cases.OURS,
}
REFUSED: dict[type[System], dict[str, str]] = {
    PostgresSystem: postgres_cases.REFUSED,
    MysqlSystem: mysql_cases.REFUSED,
    SqliteSystem: sqlite_cases.REFUSED,
    DuckdbSystem: duckdb_cases.REFUSED,
    MssqlSystem: mssql_cases.REFUSED,
}
UNSIGNED = {"float64: minus zero": (SqliteSystem, MysqlSystem)}
"""Whose zero has no sign: what is written as -0.0 is 0.0, which equals it."""
WRITTEN = [
    pytest.param(kind, ours, id=f"{kind.name} {ours}")
    for kind, table in TABLES.items()
    for ours in table
]


def home_of(tmp: Path, *frames: pl.DataFrame) -> Home[Any]:
    source = MemoryHomeRig(tmp)
    source.give(*frames)
    return source.home()


def native(store: SqlStore) -> str:
    """What the one column is declared as, in the words of the database's catalog."""
    with closing(store.database.connect()) as session:
        (field,) = session.fields(store.target)
    return field.native


def seen(system: System, ours: Ours) -> list[object]:
    """What the plain driver finds there; DuckDB's would need pytz for a moment with a zone."""
    zoned = isinstance(system, DuckdbSystem) and "ZONE" in ours.native
    named = f"{system.schema}.t" if isinstance(system, PostgresSystem) else "t"
    return [row[0] for row in system.ask(f"select v{'::varchar' * zoned} from {named}")]


@pytest.mark.parametrize(("kind", "ours"), WRITTEN)
def test_a_value_lies_there_and_comes_back(kind: type[System], ours: Ours, tmp_path: Path) -> None:
    system, ours_kind = kind(tmp_path), parse_type(ours.kind)
    rows = pl.DataFrame({"v": pl.Series([ours.value, None]).cast(ours_kind)})
    store = system.store()
    moved(home_of(tmp_path, rows), store)
    plain = store.database.plain
    assert plain(native(store)) == plain(ours.native)
    assert plain(ours.native) == plain(store.database.native(ours_kind)), "it is made anew"
    assert exactly(seen(system, ours)) == exactly([ours.seen, None])
    found = read(system.home())["v"]
    assert type_name(found.dtype) == (ours.kind if ours.back == "same" else ours.back)
    again = ours.value if ours.again == "same" else ours.again
    assert exactly(found.to_list()) == exactly([again, None])


def refusal(kind: type[System], case: Case) -> str | None:
    """What is said of such values, if they have no place there."""
    return next(
        (text for start, text in REFUSED[kind].items() if case.name.startswith(start)), None
    )


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        pytest.param(kind, case, id=f"{kind.name} {case.name}")
        for kind in SYSTEMS
        for case in cases()
        if refusal(kind, case)
    ],
)
def test_what_has_no_place_is_refused(kind: type[System], case: Case, tmp_path: Path) -> None:
    system = kind(tmp_path)
    with refused(Refused(refusal(kind, case) or "")):
        moved(home_of(tmp_path, case.series().rename("v").to_frame()), system.store())
    assert "t" not in tables(system)


@pytest.mark.parametrize("kind", SYSTEMS, ids=lambda kind: kind.name)
def test_what_goes_wrong_elsewhere(kind: type[System], tmp_path: Path) -> None:
    """Each case a column; the shorter ones end in NULLs."""
    system, known = kind(tmp_path), [case for case in cases() if not refusal(kind, case)]
    columns = [case.series().rename(f"c{n}") for n, case in enumerate(known)]
    rows = pl.concat([values.to_frame() for values in columns], how="horizontal_extend")
    moved(home_of(tmp_path, rows), system.store())
    found = read(system.home())
    for case, values in zip(known, columns, strict=True):
        expected = shown(as_it_is_there(values, kind))
        if case.name in UNSIGNED and kind in UNSIGNED[case.name]:
            expected = [0.0 if value == 0.0 else value for value in expected]
        expected += [None] * (rows.height - len(values))
        assert exactly(shown(found[values.name])) == exactly(expected), case.name


def tables(system: System) -> str:
    """All tables' names, those of hygge itself aside."""
    sql = {
        "postgres": "select table_name from information_schema.tables where table_schema = '{}'",
        "mysql": "show tables",
        "sqlite": "select name from sqlite_master where type = 'table'",
        "duckdb": "select table_name from duckdb_tables()",
        "mssql": "select name from sys.tables",
    }[system.name]
    found = system.ask(sql.format(getattr(system, "schema", "")))
    return " ".join(row[0] for row in found if not row[0].startswith("_hygge"))


def as_it_is_there(values: pl.Series, kind: type[System]) -> pl.Series:
    """Of the wider type that the column has there, by the table of the system."""
    ours = type_name(values.dtype)
    known = {row.kind: row.back for row in TABLES[kind] if row.back != "same"}
    widened = known.get(ours) or ("string" if ours.startswith("enum") else ours)
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone:
        values = values.dt.convert_time_zone("UTC")
        if "UTC" not in widened:
            values = values.dt.replace_time_zone(None)
    return values.cast(parse_type(widened))


def shown(values: pl.Series) -> list[object]:
    counted = values.dtype.is_temporal()
    return [type_name(values.dtype), *(values.to_physical() if counted else values).to_list()]
