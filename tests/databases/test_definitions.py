"""A table's definition, whose columns become wider: all else of it stays, however it is written."""

from __future__ import annotations

import polars as pl
import pytest

from hygge.core.errors import DatabaseError
from hygge.databases.definitions import Definition
from hygge.databases.wider import Wider


def wider(name: str, native: str | None = "bigint", *, freed: bool = False) -> Wider:
    return Wider(name, pl.Int32(), pl.Int64(), "int", native, freed)


@pytest.mark.parametrize(
    ("sql", "name", "expected"),
    [
        ("create table t (a int)", "a", "(a bigint)"),
        ("create table t (a int, b int) strict", "b", "(a int, b bigint) strict"),
        ("create table t(A INT(11) unsigned not null)", "a", "(A bigint not null)"),
        ("create table t (a decimal(10, 2) default 5)", "a", "(a bigint default 5)"),
        ('create table "t(" ("a b" int, "a" int)', "a b", '("a b" bigint, "a" int)'),
        ('create table t ("a""b" int check ("a""b" > 1))', 'a"b', None),
        ("create table t (`a``b` int)", "a`b", "(`a``b` bigint)"),
        ("create table t ([a b] int)", "a b", "([a b] bigint)"),
        ("create table t (x text default 'a int, (', a int)", "a", None),
        (
            "create table t (x int, -- a int\n a int /* b, ) */ not null)",
            "a",
            "(x int, a bigint not null)",
        ),
        ("create table t (a int /*!80023 INVISIBLE */)", "a", "(a bigint /*!80023 INVISIBLE */)"),
        ("create table t (a, b int)", "a", "(a bigint, b int)"),
        ("create table t (a int, primary key (a), check (a in (1, 2)))", "a", None),
    ],
)
def test_a_type_is_another(sql: str, name: str, expected: str | None) -> None:
    made = Definition.of(sql).made([wider(name)])
    if expected is None:
        assert "bigint" in made
        rest = made.replace("bigint", "int")
        body = sql[sql.index("(") :]
        assert rest.split() == body.split()
    else:
        assert " ".join(made.split()) == expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("a int not null", "a int"),
        ("a int NOT  NULL default 5", "a int default 5"),
        ("a int default 'not null' not null", "a int default 'not null'"),
        ("\"not null\" int not null comment 'is not null'", None),
    ],
)
def test_not_null_goes_and_words_stay(part: str, expected: str | None) -> None:
    name = "not null" if part.startswith('"') else "a"
    made = Definition.of(f"create table t ({part})").wider([wider(name, None, freed=True)])[name]
    shown = expected or part.replace(" int not null", " int")
    assert " ".join(made.split()) == shown


def test_a_column_that_is_not_found_is_told() -> None:
    with pytest.raises(DatabaseError, match="'b' cannot be found"):
        Definition.of("create table t (a int, primary key (a))").wider([wider("b")])
    with pytest.raises(DatabaseError, match="cannot be read"):
        Definition.of("select 1")
