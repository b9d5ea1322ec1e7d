"""CSV: what rows tell of their types, what options mean, and where an error lies."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats.files import rows, table, types, written

from hygge.core.errors import ConfigError, HomeError, SchemaMismatch, StoreError, Unsupported
from hygge.core.schema import Column, TableSchema
from hygge.formats import csv_rows
from hygge.formats.csv import Csv
from hygge.formats.csv_layout import Tallied
from hygge.formats.utf8 import Utf8
from hygge.testing.contracts.format import Written, filled, read


def form(**options: Any) -> Csv:
    return Csv.build(options)


# -- types ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "-2", "0"], "int64"),
        (["007", "1"], "string"),
        (["0", "0.5", "-0.5"], "float64"),
        (["00.5"], "string"),
        (["+5"], "string"),
        ([".5", "5."], "float64"),
        (["1e5", "2"], "float64"),
        (["1e999"], "string"),
        (["NaN", "inf", "1.5"], "float64"),
        (["Nan", "Inf"], "string"),
        (["0x1F"], "string"),
        (["1_000"], "string"),
        ([" 1"], "string"),
        (["9223372036854775807"], "int64"),
        (["9223372036854775808", "1"], "decimal(38, 0)"),
        (["9" * 38], "decimal(38, 0)"),
        (["9" * 39], "string"),
        (["1" + "0" * 40], "string"),
        (["9223372036854775808", "0.5"], "string"),
        (["9007199254740993", "0.5"], "string"),
        (["9007199254740992", "0.5"], "float64"),
        (["true", "False", "TRUE"], "bool"),
        (["true", "1"], "string"),
        (["0", "1"], "int64"),
        (["2024-02-29", "0001-01-01", "9999-12-31"], "date"),
        (["2023-02-29"], "string"),
        (["2024-1-5"], "string"),
        (["2024-01-01", "2024-01-01T10:00:00"], "datetime(us)"),
        (["2024-01-01 10:00", "2024-01-01T10:00:00.123456"], "datetime(us)"),
        (["2024-01-01T10:00:00.1234567"], "datetime(ns)"),
        (["2024-01-01T10:00:00.1234567", "0001-01-01T00:00:00"], "string"),
        (["2024-01-01T10:00:00Z", "2024-01-01 10:00:00+02:00"], "datetime(us, UTC)"),
        (["2024-01-01T10:00:00Z", "2024-01-01T10:00:00"], "string"),
        (["2024-01-01T10:00:00Z", "2024-01-01"], "string"),
        (["10:00:00"], "string"),
        (["NA", "1"], "string"),
        (["", ""], "null"),
    ],
)
def test_the_type_that_holds_for_all_rows(texts: list[str], kind: str) -> None:
    assert types(form(), "a,b\n" + "".join(f"{text},x\n" for text in texts)) == [kind, "string"]
    backwards = "a,b\n" + "".join(f"{text},x\n" for text in reversed(texts))
    assert types(form(), backwards) == [kind, "string"]


@pytest.mark.parametrize(
    ("first", "last", "kind"),
    [
        ("1", "x", "string"),
        ("1", "", "int64"),
        ("1", "0.5", "float64"),
        ("9007199254740993", "0.5", "string"),
        ("1", "9223372036854775808", "decimal(38, 0)"),
        ("1", "007", "string"),
        ("2024-01-01", "2024-01-01T00:00:01", "datetime(us)"),
        ("0001-01-01T00:00:00", "2024-01-01T00:00:00.1234567", "string"),
        ("2024-01-01T00:00:00", "2024-01-01T00:00:00.1234567", "datetime(ns)"),
        ("", "5", "int64"),
    ],
)
def test_the_last_row_counts_too(
    monkeypatch: pytest.MonkeyPatch, first: str, last: str, kind: str
) -> None:
    monkeypatch.setattr(csv_rows, "_BLOCK", 4096)
    for many in (1, 3000):  # the last row beside others of its block, and in blocks of its own
        data = "a,b\n" + f"{first},\n" * 20_000 + f"{last},\n" * many
        assert types(form(), data) == [kind, "null"]
        assert table(form(), data).height == 20_000 + many


@given(st.lists(st.text("0123456789+-.eET:Z infatrues", max_size=12), min_size=1, max_size=6))
def test_no_type_says_other_than_the_text(texts: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["a"], *([text] for text in texts)])
    found = table(form(), out.getvalue())["a"]
    match found.dtype:
        case pl.String():
            assert found.to_list() == texts
        case pl.Int64() | pl.Decimal():
            assert [str(v) for v in found] == [text.replace("-0", "0") for text in texts]
        case pl.Float64():
            assert list(map(repr, found)) == [repr(float(text)) for text in texts]
        case _:
            assert all(text[:1].isdigit() or text.lower() in ("true", "false") for text in texts)


# -- NULL and texts ---------------------------------------------------------------------


def test_empty_is_null_and_quoted_empty_is_not() -> None:
    assert rows(form(), 'a,b\n"",\n,""\n') == [("", None), (None, "")]


def test_null_values_are_null_where_they_stand_unquoted() -> None:
    data = 'a,b\nNA,1\n1,"NA"\n-,2\n'
    assert rows(form(), data)[0] == ("NA", "1")
    found = table(form(null_values=["NA", "-"]), data)
    assert found.rows() == [(None, "1"), (1, "NA"), (None, "2")]


def test_a_single_column_has_empty_lines_for_null() -> None:
    assert rows(form(), 'a\n1\n\n3\n""\n') == [("1",), (None,), ("3",), ("",)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end: str) -> None:
    assert rows(form(), f'a,b{end}1,"x\ny"{end}2,{end}') == [(1, "x\ny"), (2, None)]


def test_blank_lines_are_no_rows() -> None:
    assert rows(form(), "\n\na,b\n\n1,2\n\n\n") == [(1, 2)]
    assert rows(form(), "a,b\n\n\n") == []


def test_no_value_tells_no_type() -> None:
    assert types(form(), "a,b\n") == ["null", "null"]
    assert types(form(), "a,b") == ["null", "null"]
    assert types(form(schema={"b": "date"}), "a,b\n") == ["null", "date"]
    assert form().settled(pl.Null()) == pl.String()
    assert form().settled(pl.Date()) == pl.Date()


# -- options ----------------------------------------------------------------------------


def test_delimiter_and_quote() -> None:
    assert rows(form(delimiter=";", quote="'"), "a;b\n'x;y';1,5\n") == [("x;y", "1,5")]
    assert rows(form(delimiter=r"\t"), "a\tb\n1\t2\n") == [(1, 2)]
    assert rows(form(quote=None), 'a,b\n"x,1\n') == [('"x', 1)]


def test_without_a_header() -> None:
    assert table(form(header=False), "1,x\n2,y\n").to_dict(as_series=False) == {
        "column_1": [1, 2],
        "column_2": ["x", "y"],
    }


def test_an_unnamed_column_gets_a_name() -> None:
    assert table(form(), ",a\n1,2\n").columns == ["column_1", "a"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-be"])
def test_encodings(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    monkeypatch.setattr(csv_rows, "_CHUNK", 7)
    data = "ä,b\n" + "ü,1\n" * 300
    assert table(form(encoding=encoding), data.encode(encoding)).rows() == [("ü", 1)] * 300
    assert table(form(encoding=encoding), data.encode(encoding)).columns == ["ä", "b"]


def test_a_byte_order_mark_is_no_part_of_a_name() -> None:
    assert table(form(), b"\xef\xbb\xbfa,b\n1,2\n").columns == ["a", "b"]
    assert table(form(encoding="utf-16"), "a,b\n1,2\n".encode("utf-16")).columns == ["a", "b"]


def test_declared_types() -> None:
    declared = {"a": "int32", "b": "decimal(10, 2)", "c": "string", "d": "time"}
    found = table(form(schema=declared), "a,b,c,d,e\n007,1.5,007,10:00,1\n")
    assert [str(kind) for kind in found.dtypes[:3]] == [
        "Int32",
        "Decimal(precision=10, scale=2)",
        "String",
    ]
    assert found.row(0)[:3] == (7, Decimal("1.50"), "007")
    assert found.dtypes[3:] == [pl.Time, pl.Int64]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"delimiter": ",,"}, "delimiter: must be one ASCII character"),
        ({"quote": "\n"}, "quote: must be one ASCII character"),
        ({"encoding": "klingon"}, "encoding: no encoding is called 'klingon'"),
        ({"schema": {"a": "nonsense"}}, "schema: 'nonsense' is not a type"),
        ({"null_values": []}, "null_values"),
        ({"seperator": ";"}, "unknown key 'seperator'"),
    ],
)
def test_wrong_options(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        Csv.build(options)


# -- errors say where -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "line", "told"),
    [
        ("a,b\n1\n", 2, "1 value in a row of 2 columns"),
        ("a,b\n1,2,3\n", 2, "3 values in a row of 2 columns"),
        ('a,b\n1,"x\ny"\n\n2\n', 5, "1 value in a row of 2 columns"),
        ("a,b\n1,2\n   \n", 3, "1 value in a row of 2 columns"),
        ('a,b\n1,2\n2,"x\n3,4\n', 3, "a quote is opened and never closed"),
        ('a,b\n1,"x"y\n3,4\n', 2, "expected after"),
        ('a,b\n1,"x" \n"3",4\n', 2, "expected after"),
        ('a,b\n1,2\n3,"say "hi" to"\n', 3, "expected after"),
        ('a,b\n1,"x\n2,y"z\n3,"u\nv"\n', 2, "expected after"),
        (b"a,b\n1,2\n2,\xff\n", 3, "not utf-8"),
        (b"a,\xff\n1,2\n", 1, "not utf-8"),
        ("a,b,a\n1,2,3\n", 1, "two columns have one name"),
        ("", None, "the file is empty"),
    ],
)
def test_a_malformed_row_is_named(data: str | bytes, line: int | None, told: str) -> None:
    source = written(data)
    with pytest.raises(HomeError, match=told) as failed:
        form().schema(source)
    assert failed.value.where["file"] == "data"
    assert failed.value.where.get("line") == line
    assert failed.value.hint or not re.search("value|quote is|expected", told)
    assert source.all_closed()


def test_a_wrong_byte_after_the_mark_of_utf_16() -> None:
    data = "a,b\n1,2\n".encode("utf-16") + b"\x00"
    with pytest.raises(HomeError, match="not utf-16") as failed:
        form(encoding="utf-16").schema(written(data))
    assert failed.value.where["line"] == 3


def test_an_inch_is_no_open_quote() -> None:
    assert rows(form(), 'a,b\n1,5"\n2,x\n') == [(1, '5"'), (2, "x")]
    assert rows(form(), 'a,b\n1,x\n2,5"\n') == [(1, "x"), (2, '5"')]
    assert rows(form(), 'a,b\n1,5"\n2,"x"\n3,6"7"\n') == [(1, '5"'), (2, "x"), (3, '6"7"')]


QUOTED = st.text(alphabet='a",\n', max_size=4)


@given(st.lists(st.tuples(QUOTED, QUOTED), min_size=1, max_size=6), st.integers(1, 7))
def test_quotes_where_they_may_stand_are_no_matter(pairs: list[tuple[str, str]], size: int) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([("a", "b"), *pairs])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(csv_rows, "_CHUNK", size)
        found = rows(form(schema={"a": "string", "b": "string"}), text.getvalue())
        tallied = Tallied(Utf8(io.BytesIO(text.getvalue().encode()), "utf-8"), form()._layout)
        while tallied.read(size):
            pass
    assert found == pairs
    assert not tallied.doubtful


def test_one_column_that_may_be_several_is_told() -> None:
    assert form().schema(written("a;b\n1;2\n")).notes == (
        "one column, 'a;b': if it is several, set `delimiter: ';'`",
    )
    assert form(delimiter=";").schema(written("a;b\n1;2\n")).notes == ()


def test_a_misfit_is_named() -> None:
    data = 'a,b\n1,"two\nlines"\n2,x\n\nfour,x\n'
    with pytest.raises(SchemaMismatch, match="'four' is not int64") as failed:
        form(schema={"a": "int64"}).schema(written(data))
    assert failed.value.where == {"file": "data", "line": 6, "column": "a"}


def test_a_misfit_far_into_the_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "_BLOCK", 4096)
    data = "a,b\n" + "1,x\n" * 9000 + "1.5,x\n" + "1,x\n" * 9000
    wanted = TableSchema((Column("a", pl.Int64()),))
    with pytest.raises(SchemaMismatch, match=r"'1\.5' is not int64") as failed:
        read(form(), written(data), wanted)
    assert failed.value.where["line"] == 9002


def test_a_long_value_before_the_wrong_row_is_none_of_its_fault() -> None:
    data = f"a,b\n1,{'x' * 200_000}\n2\n"
    with pytest.raises(HomeError, match="1 value in a row of 2") as failed:
        form().schema(written(data))
    assert failed.value.where["line"] == 3


def test_a_decimal_is_never_rounded() -> None:
    with pytest.raises(SchemaMismatch, match=r"'1\.505' is not decimal\(10, 2\)"):
        form(schema={"a": "decimal(10, 2)"}).schema(written("a\n1.505\n"))


def test_rows_longer_than_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "_BLOCK", 4096)
    monkeypatch.setattr(csv_rows, "_LONG", 65536)
    long = "x" * 9000
    data = "a,b\n" + "1,y\n" * 2000 + f"2,{long}\n" + "x,y\n"
    found = table(form(), data)
    assert found["b"].to_list() == ["y"] * 2000 + [long, "y"]
    assert found["a"].to_list() == ["1"] * 2000 + ["2", "x"]
    with pytest.raises(SchemaMismatch) as failed:
        form(schema={"a": "int64"}).schema(written(data))
    assert failed.value.where["line"] == 2003
    with pytest.raises(HomeError, match="a row is longer"):
        form().schema(written("a,b\n" + f"1,{'x' * 200_000}\n" * 3))


# -- between files ----------------------------------------------------------------------


def test_files_that_differ_are_read_as_what_holds_both() -> None:
    assert form().widened(pl.Int64(), pl.String()) == pl.String()
    assert form().widened(pl.Float64(), pl.Int64()) == pl.Float64()
    assert form().widened(pl.Boolean(), pl.Int64()) is None
    text = TableSchema((Column("a", pl.String()),))
    assert read(form(), written("a\n007\n1.50\n"), text).rows() == [("007",), ("1.50",)]


def test_a_whole_number_too_large_for_its_float_is_refused() -> None:
    wanted = TableSchema((Column("a", pl.Float64()),))
    assert read(form(), written("a\n1\n9007199254740992\n"), wanted).height == 2
    with pytest.raises(SchemaMismatch, match="'9007199254740993' is not float64"):
        read(form(), written("a\n1\n9007199254740993\n"), wanted)


# -- writing ----------------------------------------------------------------------------


def test_what_is_written() -> None:
    frame = pl.DataFrame(
        {
            "day": [date(2024, 1, 2), None],
            "at": [datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), None],
            "text": ["a,b", ""],
            "share": [0.1, 1e300],
        }
    )
    assert filled(form(), Written("out"), frame).data.decode() == (
        'day,at,text,share\n2024-01-02,2024-01-02T03:04:05.000000Z,"a,b",0.1\n,,"",1e+300\n'
    )


@pytest.mark.parametrize(
    "options",
    [
        {"null_values": ["NA", ""]},
        {"delimiter": "\t"},
        {"quote": "'"},
        {"encoding": "utf-16"},
        {"encoding": "utf-16-le", "delimiter": ";"},
    ],
)
def test_options_hold_for_writing_too(options: dict[str, Any]) -> None:
    frame = pl.DataFrame({"s": ["NA", "", None, "'", '"', "\t", ";", "ü"], "n": [1, None] * 4})
    source = filled(form(**options), Written("out"), frame)
    assert read(form(**options), source, TableSchema.of(frame.schema)).equals(frame)
    assert form(**options).rows(source) == 8


def test_a_character_that_the_encoding_lacks() -> None:
    with pytest.raises(StoreError, match="has no '😀'"):
        filled(form(encoding="latin-1"), Written("out"), pl.DataFrame({"a": ["😀"]}))


def test_nothing_is_written_without_quotes() -> None:
    with pytest.raises(Unsupported, match="quotes"):
        form(quote=None).writer(Written("out"), TableSchema.of(pl.Schema({"a": pl.String()})))


def test_a_year_without_iso_text_is_refused() -> None:
    far = pl.DataFrame({"a": pl.Series([3_000_000]).cast(pl.Date)})
    with pytest.raises(StoreError, match="no ISO text"):
        filled(form(), Written("out"), far)


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ({"header": False}, pl.Series([None, 1, None, 2])),
        ({"header": False}, pl.Series([None, None], dtype=pl.Int64)),
        ({"header": False}, pl.Series(["\ufeffa", "b"])),
        ({"header": False, "encoding": "utf-16"}, pl.Series(["\ufeffa", "b"])),
        ({"null_values": ["-999"]}, pl.Series([-999, 1, None])),
        ({"null_values": ["NA", "1.5"]}, pl.Series([1.5, None, 2.0])),
    ],
    ids=["blank first", "blank alone", "a mark", "two marks", "an integer", "a float"],
)
def test_every_value_comes_back(options: dict[str, Any], values: pl.Series) -> None:
    batch, made = values.alias("column_1").to_frame(), form(**options)
    file = filled(made, Written("data"), batch)
    assert read(made, file, TableSchema.of(batch.schema)).equals(batch)
    assert made.rows(file) == batch.height
