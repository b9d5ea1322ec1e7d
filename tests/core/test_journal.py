"""What the journal writes down comes back as what it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hygge.core.home import ReadRequest
from hygge.core.journal import EntityRun, Intent, Status, from_json, to_json
from hygge.core.lease import Owner
from hygge.core.partition import Partition
from hygge.core.schema import Column, TableSchema
from hygge.core.store import Deletes, LoadRequest, Mode, Piece, Receipt, StagedPart
from hygge.core.ties import Ties
from hygge.core.watermark import Watermark

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
COUNT = st.integers(0, 2**63 - 1)
CLOCK = st.datetimes().map(lambda moment: moment.replace(fold=0))
MOMENT = CLOCK.map(lambda moment: moment.replace(tzinfo=UTC))
POSITION = st.one_of(
    st.integers(),
    st.floats(allow_nan=False),
    TEXT,
    st.decimals(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.times().map(lambda moment: moment.replace(fold=0)),
    CLOCK,
    MOMENT,
)
HASH = st.integers(0, 2**64 - 1)
HASHES = st.lists(HASH, max_size=3).map(tuple)
TIES = st.builds(Ties, COUNT, HASH, HASHES, st.none() | TEXT)
MARK = st.none() | st.builds(Watermark, TEXT, TEXT, POSITION, st.booleans(), st.none() | TIES)
KIND = st.sampled_from(
    [pl.Int64(), pl.Decimal(38, 9), pl.Datetime("us", "UTC"), pl.List(pl.Enum(["a", "b c"]))]
)
SCHEMA = st.builds(
    TableSchema,
    st.lists(st.builds(Column, TEXT, KIND, st.booleans()), max_size=3).map(tuple),
    st.lists(TEXT, max_size=2).map(tuple),
)
NAMES = st.lists(TEXT, max_size=3).map(tuple)
LOAD = st.builds(
    LoadRequest,
    *(TEXT, TEXT, st.sampled_from(Mode), SCHEMA, NAMES, st.none() | TEXT, TEXT, MARK, MARK),
    deletes=st.sampled_from(Deletes),
    most_gone=st.none() | st.floats(0, 1),
)
READ = st.builds(
    ReadRequest, *(st.none() | NAMES, st.none() | TEXT, MARK, MARK, st.none() | SCHEMA)
)
PARTITION = st.builds(
    Partition,
    *(TEXT, st.none() | TEXT, st.lists(st.none() | st.integers() | TEXT, max_size=3).map(tuple)),
)
PIECE = st.builds(Piece, TEXT, COUNT, COUNT, st.none() | TEXT)
INTENT = st.builds(Intent, LOAD, READ, TEXT, TEXT)
PART = st.builds(
    StagedPart, *(TEXT, PARTITION, COUNT, st.lists(PIECE, max_size=2).map(tuple), MARK, TIES)
)
RECEIPT = st.builds(
    Receipt,
    *(TEXT, TEXT, COUNT, COUNT, MARK, st.dictionaries(TEXT, TEXT, max_size=2), MOMENT, TEXT),
    *(st.none() | TEXT, NAMES),
)
RUN = st.builds(
    EntityRun,
    *(TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, MOMENT, MOMENT, st.sampled_from(Status), TEXT, COUNT),
    st.floats(0, 1e9),
)
OWNER = st.builds(Owner, TEXT, TEXT, COUNT, TEXT, TEXT)


@given(st.one_of(INTENT, PART, RECEIPT, RUN, OWNER))
def test_everything_survives_json(value: object) -> None:
    back = from_json(type(value), to_json(value))
    assert back == value
    assert _told(back) == _told(value), "types and digits, too"


def _told(value: object) -> str:
    """As Python writes it, whoever made the time zone."""
    return re.sub(r"TzInfo\([^)]*\)", repr(UTC), repr(value))


def test_what_was_written_before_rows_could_be_deleted_is_read() -> None:
    schema = TableSchema.of(pl.Schema({"a": pl.Int64()}))
    load = LoadRequest("1", "f", Mode.MERGE, schema)
    part = StagedPart("1", Partition("a"), 3, (Piece("x", 3, 9),))
    receipt = Receipt("1", "f", 3, 9, None, {}, datetime(2024, 1, 1, tzinfo=UTC))
    intent = Intent(load, ReadRequest(), "s", "p")
    for value, new in (
        (intent, ',"deletes":"hard","most_gone":null'),
        (part, ',"keys":false'),
        (receipt, ',"deleted":0'),
    ):
        old = to_json(value).replace(new, "")
        assert old != to_json(value)
        assert from_json(type(value), old) == value


@given(PART)
def test_a_partition_that_was_staged_is_found_again(part: StagedPart) -> None:
    back = from_json(StagedPart, to_json(part))
    assert {part.partition: 1}[back.partition] == 1


@pytest.mark.parametrize(
    "harm",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: "null",
        lambda text: "{}",
        lambda text: text.replace("int64", "int65"),
        lambda text: text.replace("merge", "marge"),
        lambda text: text.replace("$date", "$data"),
    ],
)
def test_anything_else_is_refused(harm: Callable[[str], str]) -> None:
    mark = from_json(Watermark, '{"column": "a", "type": "date", "value": {"$date": "2024-01-01"}}')
    schema = TableSchema.of(pl.Schema({"a": pl.Int64()}))
    value = Intent(LoadRequest("1", "f", Mode.MERGE, schema, bound=mark), ReadRequest(), "s", "p")
    text = harm(to_json(value))
    with pytest.raises(ValidationError):
        from_json(Intent, text)
