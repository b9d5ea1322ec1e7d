"""Files in the other clouds, and by SFTP: killed before any request, the next run finishes or
erases it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from tests.crash.points import Workshop, every_point, killed
from tests.crash.story import Case, Fault

pytestmark = [pytest.mark.crash, pytest.mark.timeout(480)]
CASES = [
    Case(run_type, layout)
    for layout in ("gcs", "azure_blob", "onelake", "sftp")
    for run_type in ("full_drop", "incremental")
]
ALL = [pytest.param(case, 3, id=f"many-{case}", marks=pytest.mark.long) for case in CASES]
FEW = [pytest.param(case, 23, id=str(case)) for case in CASES[::2]]


@pytest.mark.parametrize(("case", "step"), [*FEW, *ALL])
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

    passed(every_point(workshops, case, crash, step), least=30 // step)
