"""Types by name, and values in JSON: what goes in comes out."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from hygge.core.errors import ConfigError
from hygge.core.typed_json import TypeByName, TypedValue
from hygge.core.types import parse_type, type_name

UNITS = st.sampled_from(["ms", "us", "ns"])
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PLAIN: list[pl.DataType] = [
    pl.Boolean(),
    *(pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64(), pl.Int128()),
    *(pl.UInt8(), pl.UInt16(), pl.UInt32(), pl.UInt64()),
    *(pl.Float32(), pl.Float64(), pl.String(), pl.Binary(), pl.Date(), pl.Time(), pl.Null()),
    pl.Categorical(),
]
ZONES = st.sampled_from([None, "UTC", "America/New_York", "Etc/GMT+5", "+02:00"])
SIMPLE = st.one_of(
    st.sampled_from(PLAIN),
    st.integers(1, 38).flatmap(
        lambda p: st.integers(0, p).map(lambda s: pl.Decimal(p, s)),
    ),
    st.builds(pl.Datetime, UNITS, ZONES),
    st.builds(pl.Duration, UNITS),
    st.lists(WORDS, unique=True, max_size=4).map(pl.Enum),
)
TYPES = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        inner.map(pl.List),
        st.builds(pl.Array, inner, st.integers(0, 9)),
        st.dictionaries(WORDS, inner, max_size=4).map(pl.Struct),
    ),
    max_leaves=8,
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**200), 2**200),
    st.floats(allow_nan=False),
    WORDS,
    st.decimals(allow_nan=False),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7, minutes=-30))])),
    st.timedeltas(),
    st.binary(max_size=20),
)
TYPED: TypeAdapter[Any] = TypeAdapter(TypedValue)
BY_NAME: TypeAdapter[pl.DataType] = TypeAdapter(TypeByName)


@given(TYPES)
def test_every_type_is_what_its_name_says(kind: pl.DataType) -> None:
    assert parse_type(type_name(kind)) == kind
    assert type_name(parse_type(type_name(kind))) == type_name(kind)
    assert BY_NAME.validate_json(BY_NAME.dump_json(kind)) == kind


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("int", pl.Int64()),
        (" BigInt ", pl.Int64()),
        ("double", pl.Float64()),
        ("text", pl.String()),
        ("numeric(18,4)", pl.Decimal(18, 4)),
        ("decimal( 5 )", pl.Decimal(5, 0)),
        ("timestamp", pl.Datetime("us")),
        ("timestamp(ns)", pl.Datetime("ns")),
        ("timestamptz", pl.Datetime("us", "UTC")),
        ("datetime(ms,  Europe/Oslo )", pl.Datetime("ms", "Europe/Oslo")),
        ("LIST(Int8)", pl.List(pl.Int8())),
        ('struct(a: int64, "b c": date)', pl.Struct({"a": pl.Int64(), "b c": pl.Date()})),
        ("array(list(bool), 3)", pl.Array(pl.List(pl.Boolean()), 3)),
    ],
)
def test_people_may_write_types_in_their_own_ways(written: str, kind: pl.DataType) -> None:
    assert parse_type(written) == kind


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "intt",
            "int64 int64",
            "int64)",
            "(int64)",
            "int64(3)",
            "list",
            "list()",
            "list(int64",
        ),
        *("decimal", "decimal()", "decimal(39)", "decimal(0)", "decimal(5, 6)", "decimal(²)"),
        *("decimal(-1)", "datetime()", "datetime(s)", "datetime(us,)", "datetime(us, UTC"),
        *("duration()", "array(int64)", "struct(a)", "struct(a: int64", 'enum("a', "enum(a b)"),
    ],
)
def test_what_is_no_type_is_refused_with_examples(written: str) -> None:
    with pytest.raises(ConfigError, match="is not a type") as refused:
        parse_type(written)
    assert "decimal(18, 4)" in str(refused.value)
    with pytest.raises(ValidationError, match="is not a type"):
        BY_NAME.validate_python(written)


@given(st.text(max_size=30))
def test_any_text_is_a_type_or_refused(text: str) -> None:
    try:
        kind = parse_type(text)
    except ConfigError:
        return
    assert parse_type(type_name(kind)) == kind


@pytest.mark.parametrize("kind", [pl.Object(), pl.Unknown()])
def test_a_type_that_cannot_be_moved_has_no_name(kind: pl.DataType) -> None:
    with pytest.raises(ConfigError, match="cannot be moved"):
        type_name(kind)
    with pytest.raises(ConfigError, match="cannot be moved"):
        type_name(pl.List(kind))


@given(VALUES)
def test_values_survive_json_with_their_types(value: Any) -> None:
    back = TYPED.validate_json(TYPED.dump_json(value))
    assert back == value
    assert type(back) is type(value)
    if isinstance(value, Decimal):
        assert back.as_tuple() == value.as_tuple(), "the digits after the point, too"
    if isinstance(value, datetime):
        assert back.utcoffset() == value.utcoffset()


def test_what_is_not_a_number_survives_too() -> None:
    back = TYPED.validate_json(TYPED.dump_json(float("nan")))
    assert isinstance(back, float)
    assert math.isnan(back)


@pytest.mark.parametrize("value", [object(), [1], {"a": 1}, {1}, 1j])
def test_a_value_without_a_json_form_is_refused(value: object) -> None:
    with pytest.raises(Exception, match="has no JSON form"):
        TYPED.dump_json(value)


@pytest.mark.parametrize(
    "text",
    [
        *('{"$new": 1}', "{}", '{"$date": "x"}', '{"$date": 5}', '{"$decimal": "x"}', "[1]"),
        *('{"$float": 5}', '{"$microseconds": "x"}', '{"$microseconds": 1e400}', '{"$bytes": "x"}'),
        *('{"$date": "2024-01-01", "$time": "12:00"}', '{"$date": [1]}', "not json"),
    ],
)
def test_json_that_is_no_value_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TYPED.validate_json(text)


def test_dates_and_times_are_not_taken_for_each_other() -> None:
    values = [date(2024, 2, 29), datetime(2024, 2, 29), time(0), "2024-02-29"]
    assert [type(TYPED.validate_json(TYPED.dump_json(v))) for v in values] == [
        date,
        datetime,
        time,
        str,
    ]
