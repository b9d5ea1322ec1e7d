"""NDJSON: what lines tell of their types, and where an error lies."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from tests.formats.files import rows, table, types, written

from hygge.core.errors import HomeError, SchemaMismatch
from hygge.core.schema import Column, TableSchema
from hygge.formats import ndjson
from hygge.formats.ndjson import Ndjson
from hygge.testing.contracts.format import Written, filled, read


def form(**options: Any) -> Ndjson:
    return Ndjson.build(options)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "null"], "int64"),
        (["1", "0.5"], "float64"),
        (["9007199254740992", "0.5"], "float64"),
        (["9223372036854775808", "1"], "decimal(38, 0)"),
        (["9" * 39 if n else "1" * 39 for n in (0,)], "int128"),
        (["true", "null"], "bool"),
        (['"2024-01-01"'], "string"),
        (["null"], "string"),
        (["[]"], "list(string)"),
        (["[]", "[1, null]", "null"], "list(int64)"),
        (["[1]", "[0.5]"], "list(float64)"),
        (['{"x": 1}', '{"y": "z"}'], "struct(x: int64, y: string)"),
        (['[{"x": null}]', '[{"x": [true]}]'], "list(struct(x: list(bool)))"),
    ],
)
def test_the_type_that_holds_for_all_lines(
    monkeypatch: pytest.MonkeyPatch, values: list[str], kind: str
) -> None:
    data = "".join(f'{{"a": {value}}}\n' for value in values)
    assert types(form(), data) == [kind]
    monkeypatch.setattr(ndjson, "_BLOCK", 5)  # a block for every line
    assert types(form(), data) == [kind]
    assert table(form(), data).height == len(values)


def test_the_last_line_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "_BLOCK", 1000)
    data = '{"a": 1}\n' * 500 + '{"a": 0.5, "b": {"c": []}}\n'
    assert types(form(), data) == ["float64", "struct(c: list(string))"]
    assert rows(form(), data)[-2:] == [(1.0, None), (0.5, {"c": []})]


def test_a_missing_key_is_null() -> None:
    assert rows(form(), '{"a": 1}\n{"b": 2}\n\n{}') == [(1, None), (None, 2), (None, None)]


def test_large_numbers_are_exact() -> None:
    assert rows(form(), '{"a": 12345678901234567890123}\n') == [
        (Decimal("12345678901234567890123"),)
    ]


@pytest.mark.parametrize(
    ("data", "line", "told"),
    [
        ('{"a": 1}\n{"a": "x"}\n', 2, "a number here and text there|here and .* there"),
        ('{"a": 1}\n\n{"a": [1]}\n', 3, "there"),
        ('{"a": 9007199254740993}\n{"a": 0.5}\n', 2, "there"),
        ('{"a": [1, "x"]}\n', 1, "a number and text"),
        ('{"a": 1}\n{"a": }\n', 2, "not JSON"),
        ('{"a": 1}\n{"a": 1} {"a": 2}\n', 2, "not JSON"),
        ('{"a": 1}\n{"a": NaN}\n', 2, "NaN is no number"),
        ('{"a": 1}\n{"a": 1e999}\n', 2, "too large"),
        ('{"a": 1, "a": 2}\n', 1, "'a' is there twice"),
        ('{"a": 1}\nnull\n', 2, "no JSON object"),
        ("[1]\n", 1, "no JSON object"),
        (b'{"a": 1}\n{"a": "\xff"}\n', 2, "not utf-8"),
        ('{"a": 1}\n{"a": 2', 2, "not JSON"),
        ("", None, "no line"),
        ('{"a": {}}\n', None, "without any field"),
    ],
)
def test_a_wrong_line_is_named(data: str | bytes, line: int | None, told: str) -> None:
    source = written(data)
    with pytest.raises(HomeError, match=told) as failed:
        form().schema(source)
    assert failed.value.where["file"] == "data"
    assert failed.value.where.get("line") == line
    assert source.all_closed()


def test_half_a_character_is_named() -> None:
    wanted = TableSchema((Column("a", pl.String()),))
    with pytest.raises(SchemaMismatch, match="half a character") as failed:
        read(form(), written('{"a": "x"}\n{"a": "\\ud83d"}\n'), wanted)
    assert failed.value.where["line"] == 2


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("1", pl.String()),
        ("true", pl.Int64()),
        ("1", pl.Boolean()),
        ("1.5", pl.Int64()),
        ("1.0", pl.Int64()),
        ('"1"', pl.Int64()),
        ("1", pl.Date()),
        ("1.005", pl.Decimal(10, 2)),
        ("9007199254740993", pl.Float64()),
        ('["x"]', pl.List(pl.Int64())),
        ("1", pl.List(pl.Int64())),
        ('{"x": 1, "y": 2}', pl.Struct({"x": pl.Int64()})),
    ],
)
def test_a_misfit_is_named(value: str, kind: pl.DataType) -> None:
    wanted = TableSchema((Column("a", kind),))
    with pytest.raises(SchemaMismatch) as failed:
        read(form(), written(f'{{"a": null}}\n{{"a": {value}}}\n'), wanted)
    assert failed.value.where == {"file": "data", "line": 2, "column": "a"}


def test_declared_types() -> None:
    declared = {"a": "decimal(38, 20)", "at": "datetime(us, UTC)", "more": "int64"}
    data = '{"a": 0.12345678901234567890, "at": "2024-01-01T02:00:00+02:00"}\n'
    assert table(form(schema=declared), data).to_dict(as_series=False) == {
        "a": [Decimal("0.12345678901234567890")],
        "at": [datetime(2024, 1, 1, tzinfo=UTC)],
        "more": [None],
    }
    assert types(form(schema=declared), "") == ["decimal(38, 20)", "datetime(us, UTC)", "int64"]


def test_what_is_written() -> None:
    frame = pl.DataFrame(
        {"n": [1, None], "sum": pl.Series(["1.50", None]).cast(pl.Decimal(9, 2)), "l": [[1], []]}
    )
    assert filled(form(), Written("out"), frame).data.decode() == (
        '{"n":1,"sum":"1.50","l":[1]}\n{"n":null,"sum":null,"l":[]}\n'
    )
