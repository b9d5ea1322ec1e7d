"""Two runs at once: one waits its turn, and one that slept through its turn does no harm."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from tests.crash.points import Workshop, every_point, said
from tests.crash.story import Attempt, Case, Fault, Outcome, attempt

from hygge.testing import faults
from hygge.testing.harness import unordered

pytestmark = [pytest.mark.crash, pytest.mark.timeout(480)]
CASES = [Case("full_drop"), Case("incremental")]
SHORT = 0.3
"""A lease that runs out while its owner sleeps, in seconds."""
TRIES = 400
Passed = Callable[..., None]


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param
    return made


@pytest.mark.parametrize("journal", ["journal.db", "elsewhere.db"])
def test_the_second_is_told_who_is_at_work(
    workshops: Sequence[Workshop], case: Case, journal: str, passed: Passed
) -> None:
    """With one journal it is the flow that is held; with another, the destination."""
    first, second = workshops
    busy = list[int]()

    def crash(workshop: Workshop, n: int) -> list[str] | None:
        sleeper = first.zygote.start(
            attempt, first.folder, Attempt(case, Fault("events", n, faults.fall_asleep))
        )
        if not first.zygote.wait().asleep:
            return None
        other = said(second.zygote.run(attempt, first.folder, Attempt(case, journal=journal)))
        ended = said(first.zygote.wake())
        told = [] if ended.status in ("success", "skip") else [f"the first: {ended}"]
        if other.kind == "FlowBusy":
            busy.append(n)
            told += [] if f"process {sleeper}" in other.error else [f"the second: {other}"]
        elif not fine(other):
            told.append(f"the second: {other}")
        return told + first.settled()

    passed(every_point([first], case, crash), least=8)
    assert len(busy) >= 6  # all but the events before the lease was taken and after it was given


@pytest.mark.parametrize(
    ("where", "step"), [("events", 1), pytest.param("files", 4, marks=pytest.mark.long)]
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
        seen = first.rows()
        ended = said(first.zygote.wake())
        if first.rows() != seen and first.rows() != unordered(case.rows(new=True)):
            told.append(f"the sleeper made it {len(first.rows())} rows: {ended}")
        return told + first.settled()

    passed(every_point([first], case, crash, step=step), least=8)


def turns(first: Workshop, second: Workshop, case: Case) -> list[Outcome]:
    """Run the other one until the sleeper's lease has run out; what it failed with, if it did."""
    for _ in range(TRIES):
        other = said(second.zygote.run(attempt, first.folder, Attempt(case)))
        if other.kind != "FlowBusy":
            return [] if fine(other) else [other]
    return [other]


def fine(other: Outcome) -> bool:
    """It went through, or said that the sleeper has the journal: asleep inside a transaction."""
    locked = other.kind == "JournalError" and "locked" in other.error
    return locked or other.status in ("success", "skip")
