"""Killed at any instruction while a column becomes wider, the next run makes all well."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from tests.crash.points import Workshop, every_point, killed
from tests.crash.story import Case, Fault
from tests.crash.test_kill import seen_half

pytestmark = [pytest.mark.crash, pytest.mark.long, pytest.mark.timeout(900)]
MERGES = [
    Case("incremental", database, "merge", wider=True)
    for database in ("postgres", "mysql", "sqlite", "duckdb")
]
STEPS = {"sqlite": 3, "duckdb": 3}
"""Every so many points, where there is nothing but one transaction."""
Passed = Callable[..., None]


@pytest.mark.parametrize("case", MERGES, ids=str)
def test_before_every_step(workshops: Sequence[Workshop], case: Case, passed: Passed) -> None:
    """The next run has its journal, or has lost it."""

    def crash(workshop: Workshop, n: int) -> list[str] | None:
        if not killed(workshop, Fault("steps", n)):
            return None
        half = seen_half(workshop)
        if n % 2:
            return half + workshop.settled()
        workshop.lose_the_journal()
        return half + [f"without its journal, {told}" for told in workshop.settled()]

    step = STEPS.get(case.layout, 1)
    passed(every_point(workshops, case, crash, step), least=60 // step)
