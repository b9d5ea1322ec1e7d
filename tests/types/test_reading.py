"""Each type of each database, read: exactly, as a wider type that its table tells, or refused."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.types import duckdb_cases, mssql_cases, mysql_cases, postgres_cases, sqlite_cases
from tests.types.expecting import Native, Refused, Ticks, exactly, in_python, read, refused
from tests.types.systems import (
    DuckdbSystem,
    MssqlSystem,
    MysqlSystem,
    PostgresSystem,
    SqliteSystem,
    System,
)

from hygge.core.types import type_name

TABLES: dict[type[System], list[Native]] = {
    PostgresSystem: postgres_cases.NATIVE,
    MysqlSystem: mysql_cases.NATIVE,
    SqliteSystem: sqlite_cases.NATIVE,
    DuckdbSystem: duckdb_cases.NATIVE,
    MssqlSystem: mssql_cases.NATIVE,
}
CASES = [
    pytest.param(kind, case, id=f"{kind.name} {case}")
    for kind, cases in TABLES.items()
    for case in cases
]


ONCE = ("rowversion", "timestamp", "serial")
"""Of these a table has one column."""


def kept(system: System, case: Native) -> None:
    """The case's value in a table, twice, and then a NULL where there may be one."""
    native = case.native
    if isinstance(system, PostgresSystem):
        for word in postgres_cases.TYPES:
            if f".{native} " in word:
                system.ask(word.format(system.schema))
                native = f"{system.schema}.{native}"
    again = [] if native in ONCE and system.name != "postgres" else [("again", native)]
    values = ", ".join([case.literal, "1", *[case.literal] * len(again)])
    system.made("t", [("v", native), ("w", "int"), *again], values)
    if native != "serial":
        system.ask("insert into t (w) values (2)")


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_a_value_is_read_as_it_is_or_refused(
    kind: type[System], case: Native, tmp_path: Path
) -> None:
    system = kind(tmp_path)
    kept(system, case)
    query = f"select v from {in_sql(system)}"
    homes = [system.home(), system.home(query=query)]
    if system.name == "sqlite" and case.native == "blob":
        del homes[1]  # of a query, SQLite says BLOB for what declares nothing, too
    for home in homes:
        if isinstance(case.value, Refused):
            with refused(case.value):
                read(home)
        else:
            found = read(home)
            for name in {"v", "again"} & {*found.columns}:
                is_the_value(found[name], case)
    system.ask("delete from t where w = 1")
    without_values(read(system.home())["v"], case)
    if system.name == "sqlite":  # the others' catalogs tell, whatever rows there are
        system.ask("delete from t")
        without_values(read(system.home())["v"], case)


def in_sql(system: System) -> str:
    return f"{system.schema}.t" if isinstance(system, PostgresSystem) else "t"


def is_the_value(found: pl.Series, case: Native) -> None:
    """Before it, or after it, is only NULL."""
    expected = case.value.number if isinstance(case.value, Ticks) else case.value
    assert type_name(found.dtype) == case.kind
    assert exactly(in_python(found, case.value)[0]) == exactly(expected)
    assert found.null_count() == found.len() - 1


def without_values(found: pl.Series, case: Native) -> None:
    assert found.null_count() == found.len()
    if case.native:  # what declares nothing is known by its values alone
        assert type_name(found.dtype) == case.kind
