"""Final names are never used twice."""

from __future__ import annotations

import pytest

from hygge.core.errors import ConfigError
from hygge.core.names import new_load_id
from hygge.stores.file_names import DEFAULT_PATTERN, check_pattern, file_name, sequence_of


def test_twenty_digits_by_default() -> None:
    name = file_name(DEFAULT_PATTERN, ".parquet", 7, "users", new_load_id())
    assert name == "00000000000000000007.parquet"
    assert sequence_of(name) == 7


def test_every_field() -> None:
    load_id = f"{1_700_000_000 * 10**9:016x}12345678"
    pattern = "{flow}-{entity}-{timestamp}-{load_id}-{sequence:04}"
    assert check_pattern(pattern) == pattern
    name = file_name(pattern, ".csv", 3, "shop.users", load_id)
    assert name == f"shop-users-20231114T221320-{load_id}-0003.csv"


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("{entity}", "one name"),
        ("{nonsense}-{sequence}", "'nonsense'"),
        ("_{sequence}", "hide"),
        ("a/{sequence}", "hide"),
        ("{sequence", "file_pattern"),
        ("{sequence:.0e}", "tell every number apart"),
        ("{sequence!s:.1}", "tell every number apart"),
        ("{sequence:_>20}", "tell every number apart"),
    ],
)
def test_patterns_that_would_lose_files_are_refused(pattern: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        check_pattern(pattern)


def test_an_entity_cannot_leave_its_folder() -> None:
    assert "/" not in file_name("{entity}{sequence}", ".csv", 1, "f.a/../b", new_load_id())
