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
