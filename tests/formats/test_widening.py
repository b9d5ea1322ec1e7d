"""Which types go together, and as what."""

from __future__ import annotations

import pytest

from hygge.core.types import parse_type, type_name
from hygge.core.widening import widened
from hygge.formats.columns import widens

TOGETHER = [
    ("int8", "int64", "int64"),
    ("uint8", "uint32", "uint32"),
    ("uint8", "int8", "int16"),
    ("uint32", "int64", "int64"),
    ("uint32", "int8", "int64"),
    ("null", "struct(a: int8)", "struct(a: int8)"),
    ("float32", "float64", "float64"),
    ("int16", "float32", "float32"),
    ("int32", "float32", "float64"),
    ("int64", "float64", "float64"),
    ("decimal(10, 2)", "decimal(6, 4)", "decimal(12, 4)"),
    ("decimal(10, 2)", "int32", "decimal(12, 2)"),
    ("date", "datetime(us)", "datetime(us)"),
    ("datetime(ms)", "datetime(us)", "datetime(us)"),
    ("datetime(ms, UTC)", "datetime(us, UTC)", "datetime(us, UTC)"),
    ("duration(ms)", "duration(us)", "duration(us)"),
    ("categorical", "string", "string"),
    ("enum(a)", "enum(a, b)", "string"),
    ("list(int8)", "list(int32)", "list(int32)"),
    ("array(int8, 2)", "array(int8, 3)", "list(int8)"),
    ("struct(a: int8)", "struct(a: int16, b: string)", "struct(a: int16, b: string)"),
]
APART = [
    ("uint64", "int8"),
    ("bool", "int8"),
    ("string", "int64"),
    ("string", "binary"),
    ("decimal(38, 0)", "decimal(38, 2)"),
    ("decimal(20, 19)", "int64"),
    ("datetime(us)", "datetime(ns)"),
    ("datetime(us)", "datetime(us, UTC)"),
    ("datetime(us, UTC)", "datetime(us, Europe/Berlin)"),
    ("date", "datetime(us, UTC)"),
    ("date", "datetime(ns)"),
    ("date", "int32"),
    ("list(string)", "list(int8)"),
    ("list(int8)", "int8"),
    ("struct(a: int8)", "struct(a: string)"),
]


@pytest.mark.parametrize(("one", "other", "both"), TOGETHER)
def test_types_that_go_together(one: str, other: str, both: str) -> None:
    for first, second in ((one, other), (other, one), (one, both), (both, other)):
        found = widened(parse_type(first), parse_type(second))
        assert found is not None
        assert type_name(found) == both


@pytest.mark.parametrize(("one", "other", "both"), TOGETHER)
def test_files_can_be_read_as_what_they_go_together_as(one: str, other: str, both: str) -> None:
    assert widens(parse_type(one), parse_type(both))
    assert widens(parse_type(other), parse_type(both))


@pytest.mark.parametrize(("one", "other"), APART)
def test_types_that_do_not(one: str, other: str) -> None:
    assert widened(parse_type(one), parse_type(other)) is None
    assert widened(parse_type(other), parse_type(one)) is None
