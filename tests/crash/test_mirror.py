"""Open Mirroring, killed at any instruction: the next run makes the mirror what the source is.

What is looked at is what Fabric would show, and what the linter says of the landing zone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from tests.crash.points import Workshop, every_point, killed, said
from tests.crash.story import Attempt, Case, Fault, attempt
from tests.crash.test_two import fine, turns

from hygge.testing import faults
from hygge.testing.harness import unordered

pytestmark = [pytest.mark.crash, pytest.mark.timeout(480)]
CASES = [
    Case("full_drop", "mirror"),
    Case("incremental", "mirror"),
    Case("incremental", "mirror", "merge"),
    Case("full_drop", "mirror", changed=True),
]
FEW, SHORT = 29, 0.3
Passed = Callable[..., None]


def case_and_step() -> list[object]:
    few = [pytest.param(case, FEW, id=str(case)) for case in CASES[:3]]
    every = [pytest.param(case, 9, id=f"many-{case}", marks=pytest.mark.long) for case in CASES]
    return [*few, *every]


@pytest.mark.parametrize(("case", "step"), case_and_step())
def test_killed_before_a_step(
    workshops: Sequence[Workshop], case: Case, step: int, passed: Passed
) -> None:
    """Three times over: the next run in peace, without the journal, killed as well."""

    def crash(workshop: Workshop, n: int) -> list[str] | None:
        if not killed(workshop, Fault("steps", n)):
            return None
        workshop.keep()
        peace = workshop.settled()
        workshop.back()
        workshop.lose_the_journal()
        without = [f"without its journal, {told}" for told in workshop.settled()]
        workshop.back()
        workshop.run(Attempt(workshop.case, Fault("steps", 1 + 7 * n % 90)))
        return peace + without + [f"killed again, {told}" for told in workshop.settled()]

    tally = every_point(workshops, case, crash, step)
    tally.points *= 3
    passed(tally, least=90 // step)


@pytest.mark.parametrize("case", CASES[:2], ids=str)
@pytest.mark.parametrize(
    ("where", "step"), [("events", 4), pytest.param("steps", 3, marks=pytest.mark.long)]
)
def test_one_that_slept_past_its_lease_does_no_harm(
    workshops: Sequence[Workshop], case: Case, where: str, step: int, passed: Passed
) -> None:
    first, second = workshops

    def crash(workshop: Workshop, n: int) -> list[str] | None:
        fault = Fault(where, n, faults.fall_asleep)
        if not first.run(Attempt(case, fault, lease_seconds=SHORT)).asleep:
            return None
        told = [f"the second: {other}" for other in turns(first, second, case)]
        said(first.zygote.wake())
        return told + first.settled()

    passed(every_point([first], case, crash, step=step), least=3)


@pytest.mark.parametrize(
    "case", [CASES[0], pytest.param(CASES[1], marks=pytest.mark.long)], ids=str
)
def test_two_with_journals_of_their_own(
    workshops: Sequence[Workshop], case: Case, passed: Passed
) -> None:
    """The second is told who is at work, by the landing zone itself."""
    first, second = workshops
    busy = list[int]()

    def crash(workshop: Workshop, n: int) -> list[str] | None:
        first.zygote.start(
            attempt, first.folder, Attempt(case, Fault("events", n, faults.fall_asleep))
        )
        if not first.zygote.wait().asleep:
            return None
        other = said(second.zygote.run(attempt, first.folder, Attempt(case, journal="other.db")))
        ended = said(first.zygote.wake())
        told = [] if ended.status in ("success", "skip") else [f"the first: {ended}"]
        if other.kind == "FlowBusy":
            busy.append(n)
        elif not fine(other):
            told.append(f"the second: {other}")
        if first.rows() != unordered(case.rows(new=True)):
            told.append("not the new rows")
        return told + first.settled()

    passed(every_point([first], case, crash), least=8)
    assert len(busy) >= 6
