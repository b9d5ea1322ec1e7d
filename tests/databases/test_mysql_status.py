"""Who writes, as InnoDB reports it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hygge.core.errors import Unsupported
from hygge.databases.mysql_status import writing

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = "Trx id counter 20\nLIST OF TRANSACTIONS FOR EACH SESSION:\n"
TAIL = "--------\nFILE I/O\n--------\n---TRANSACTION 9, ACTIVE 1 sec\n"


@pytest.mark.parametrize(
    ("lines", "numbers"),
    [
        ("", []),
        ("---TRANSACTION 19, ACTIVE 5 sec\n1 lock struct(s), undo log entries 1\n", ["19"]),
        ("---TRANSACTION 19, ACTIVE 5 sec inserting\n", ["19"]),
        ("---TRANSACTION 19, ACTIVE (PREPARED) 5 sec\n", ["19"]),
        ("---TRANSACTION 19, ACTIVE (PREPARED) (recovered trx) 5 sec\n", ["19"]),
        ("---TRANSACTION 19, not started\n", []),
        ("---TRANSACTION (0x7fcc4411b680), ACTIVE 5 sec\n", []),
        ("---TRANSACTION 421234567890123, ACTIVE 5 sec\n", []),
    ],
)
def test_who_writes(lines: str, numbers: list[str]) -> None:
    found = writing(HEAD + lines + TAIL, NOW)
    assert [writer.number for writer in found] == numbers
    assert {writer.began for writer in found} <= {NOW - timedelta(seconds=6)}


@pytest.mark.parametrize("status", ["", HEAD + "... truncated...\n" + TAIL])
def test_what_is_not_told_is_not_taken_for_nobody(status: str) -> None:
    with pytest.raises(Unsupported):
        writing(status, NOW)


@pytest.mark.parametrize("asked", [0.0, 0.3, 0.99])
@pytest.mark.parametrize("began", [0.0, 0.05, 0.99])
@pytest.mark.parametrize("answered", [0.0, 0.5, 1.4])
def test_nobody_began_later_than_is_told(began: float, asked: float, answered: float) -> None:
    """It counts from one full second to another, and answers some time after the question."""
    start, question = timedelta(seconds=7 + began), timedelta(seconds=9 + asked)
    age = int((question.total_seconds() + answered) // 1 - start.total_seconds() // 1)
    lines = f"---TRANSACTION 19, ACTIVE {age} sec\n"
    (found,) = writing(HEAD + lines + TAIL, NOW + question)
    assert found.began is not None
    assert found.began <= NOW + timedelta(seconds=7)
