"""What a column can still be: the same whatever rows are looked at together."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hygge.core.types import type_name
from hygge.formats.guess import Guess

TEXTS = [
    "",
    "0",
    "-5",
    "007",
    "9007199254740992",
    "9007199254740993",
    "9223372036854775808",
    "0.5",
    "1e3",
    "NaN",
    "true",
    "x",
    "2024-01-01",
    "0001-01-01",
    "2024-01-01T10:00:00",
    "9999-12-31T00:00:00",
    "2024-01-01T10:00:00.1234567",
    "2024-01-01T10:00:00Z",
    "2024-01-01T10:00:00.1234567Z",
]


def told(*parts: list[str]) -> str:
    guess = Guess()
    for part in parts:
        guess.look(pl.Series([text or None for text in part], dtype=pl.String))
    return type_name(guess.kind)


@given(st.lists(st.sampled_from(TEXTS), max_size=5))
def test_one_by_one_in_any_order_or_all_at_once(texts: list[str]) -> None:
    assert told(texts) == told(*([text] for text in texts))
    assert told(texts) == told(*([text] for text in reversed(texts)))


@pytest.mark.parametrize("first", TEXTS)
@pytest.mark.parametrize("second", TEXTS)
def test_every_pair_is_one_type(first: str, second: str) -> None:
    wanted = told([first, second])
    assert told([first], [second]) == wanted
    assert told([second], [first]) == wanted
