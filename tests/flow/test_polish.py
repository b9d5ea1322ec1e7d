"""Finishing touches: names made even, columns added, nothing overwritten."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import polars as pl
import pytest

from hygge.core.errors import ConfigError
from hygge.core.schema import TableSchema
from hygge.flow.polish import Polisher, even, polisher
from hygge.flow.settings import ColumnPolish, Polish

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def polished(rules: dict[str, object], frame: pl.DataFrame) -> Polisher:
    made = polisher(Polish.model_validate(rules), TableSchema.of(frame.schema), NOON)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("name", "rules", "becomes"),
    [
        ("Customer ID", {"case": "snake"}, "customer_id"),
        ("CustomerID", {"case": "snake"}, "customer_id"),
        ("HTTPServer2Name", {"case": "snake"}, "http_server2_name"),
        ("customer_id", {"case": "pascal"}, "CustomerId"),
        ("customer id", {"case": "camel"}, "customerId"),
        ("Größe", {"case": "upper"}, "GRÖSSE"),
        ("a $ b", {"remove_special": True, "remove_spaces": True}, "a_b"),
        ("plain", {}, "plain"),
    ],
)
def test_names(name: str, rules: dict[str, object], becomes: str) -> None:
    assert even(name, ColumnPolish.model_validate(rules)) == becomes


def test_a_name_may_not_vanish() -> None:
    with pytest.raises(ConfigError, match="no name left"):
        even("$$", ColumnPolish(remove_special=True))


def test_batches_of_any_size_follow() -> None:
    frame = pl.DataFrame({"My Id": [1, 2, 3], "Name": ["a", None, "c"]})
    made = polished({"columns": {"case": "snake"}, "timestamps": [{"name": "loaded_at"}]}, frame)
    for batch in frame.iter_slices(2):
        out = made(batch)
        assert out.schema == made.schema.polars()
        assert out["loaded_at"].to_list() == [NOON] * batch.height
    assert made(frame.clear()).schema == made.schema.polars()


def test_two_columns_may_not_meet() -> None:
    frame = pl.DataFrame({"My Id": [1], "my_id": [2]})
    with pytest.raises(ConfigError, match="'my_id' after polish"):
        polished({"columns": {"case": "snake"}}, frame)


def test_an_added_column_may_not_hide_another() -> None:
    frame = pl.DataFrame({"id": [1]})
    with pytest.raises(ConfigError, match="'id' after polish"):
        polished({"constants": [{"name": "id", "value": 7}]}, frame)


def test_a_new_column_may_have_the_old_name_of_a_renamed_one() -> None:
    frame = pl.DataFrame({"ID": [1, 2]})
    made = polished(
        {"columns": {"case": "lower"}, "constants": [{"name": "ID", "value": "x"}]}, frame
    )
    assert made(frame).to_dict(as_series=False) == {"id": [1, 2], "ID": ["x", "x"]}


def test_hashes_of_different_parts_differ_and_nulls_have_hashes() -> None:
    frame = pl.DataFrame({"a": ["x", "x;1:y", None, "-"], "b": ["1:y", None, "x", "x"]})
    made = polished({"hash_ids": [{"name": "key", "columns": ["a", "b"]}]}, frame)
    keys = made(frame)["key"]
    assert keys.null_count() == 0
    assert keys.n_unique() == 4
    assert keys[0] == hashlib.sha256(b"1:x;3:1:y").hexdigest()


def test_a_hash_of_a_column_that_is_not_there() -> None:
    frame = pl.DataFrame({"a": [1]})
    with pytest.raises(Exception, match="no column 'b'"):
        polished({"hash_ids": [{"name": "key", "columns": ["b"]}]}, frame)


def test_keys_keep_up_with_names() -> None:
    schema = TableSchema.of(pl.Schema({"My Id": pl.Int64()}), keys=["My Id"])
    made = polisher(Polish(columns=ColumnPolish(case="snake")), schema, NOON)
    assert made is not None
    assert made.schema.keys == ("my_id",)
