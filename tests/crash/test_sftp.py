"""Files of an SFTP server: killed before any request, the next run finishes or erases it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from tests.crash.points import Workshop, every_point, killed
from tests.crash.story import Case, Fault

pytestmark = [pytest.mark.crash, pytest.mark.timeout(480)]
CASES = [Case("full_drop", "sftp"), Case("incremental", "sftp")]


@pytest.mark.parametrize(
    ("case", "step"),
    [(CASES[1], 29), *(pytest.param(case, 3, marks=pytest.mark.long) for case in CASES)],
    ids=str,
)
def test_before_a_step(
    workshops: Sequence[Workshop], case: Case, step: int, passed: Callable[..., None]
) -> None:
    """Twice over: the next run in peace, and without the journal."""

    def crash(workshop: Workshop, n: int) -> list[str] | None:
        if not killed(workshop, Fault("steps", n)):
            return None
        workshop.keep()
        peace = workshop.settled()
        workshop.back()
        workshop.lose_the_journal()
        return peace + [f"without its journal, {told}" for told in workshop.settled()]

    passed(every_point(workshops, case, crash, step), least=60 // step)
