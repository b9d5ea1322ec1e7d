"""A Delta table, killed at any instruction: its log tells the next run what became of the load."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.crash.points import Workshop, every_point, killed, said
from tests.crash.story import Attempt, Case, Fault
from tests.crash.test_kill import seen_half
from tests.crash.test_two import SHORT, turns

from hygge.testing import faults
from hygge.testing.harness import unordered

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]
CASES = [
    Case("full_drop", "delta"),
    Case("incremental", "delta"),
    Case("incremental", "delta", "merge"),
    Case("incremental", "delta", "merge", deletes="soft"),
    Case("incremental", "delta", wider=True),
]
FEW = [pytest.param(case, 41, id=str(case)) for case in CASES[:3]]
ALL = [pytest.param(case, 9, id=f"many-{case}", marks=pytest.mark.long) for case in CASES]
Passed = Callable[..., None]


@pytest.mark.parametrize(("case", "step"), [*FEW, *ALL])
def test_before_every_step(
    workshops: Sequence[Workshop], case: Case, step: int, passed: Passed
) -> None:
    """The next run in peace, without the journal, killed as well."""

    def crash(workshop: Workshop, n: int) -> list[str] | None:
        if not killed(workshop, Fault("steps", n)):
            return None
        workshop.keep()
        half = seen_half(workshop)
        peace = workshop.settled()
        workshop.back()
        workshop.lose_the_journal()
        without = [f"without its journal, {told}" for told in workshop.settled()]
        workshop.back()
        workshop.run(Attempt(workshop.case, Fault("steps", random.Random(n).randint(1, 60))))
        again = [f"killed again, {told}" for told in workshop.settled()]
        return half + peace + without + again

    tally = every_point(workshops, case, crash, step)
    tally.points *= 3
    passed(tally, least=90 // step)


@pytest.mark.parametrize(("case", "step"), [*FEW[:1], *ALL[:3]])
def test_the_first_load_of_all(
    workshops: Sequence[Workshop], case: Case, step: int, passed: Passed
) -> None:
    """Where there is no table yet, and it has to be made."""

    def crash(workshop: Workshop, n: int) -> list[str] | None:
        begin_anew(workshop)
        if not killed(workshop, Fault("steps", n)):
            return None
        if (workshop.rig().look() or []) and workshop.rows() != unordered(case.rows(new=True)):
            return [f"readers saw {len(workshop.rows())} rows"]
        workshop.keep()
        peace = workshop.settled()
        workshop.back()
        workshop.lose_the_journal()
        return peace + [f"without its journal, {told}" for told in workshop.settled()]

    passed(every_point(workshops, case, crash, step), least=60 // step)


def begin_anew(workshop: Workshop) -> None:
    """As if nothing had been loaded yet."""
    workshop.lose_the_journal()
    shutil.rmtree(workshop.folder / "lake")


SLEEPS: list[Any] = [
    pytest.param(CASES[1], 11, id="few"),
    *(pytest.param(case, 9, id=f"many-{case}", marks=pytest.mark.long) for case in CASES[:4]),
]


@pytest.mark.parametrize(("case", "step"), SLEEPS)
def test_one_that_slept_past_its_lease_does_no_harm(
    workshops: Sequence[Workshop], case: Case, step: int, passed: Passed
) -> None:
    first, second = workshops

    def crash(workshop: Workshop, n: int) -> list[str] | None:
        fault = Fault("files", n, faults.fall_asleep)
        if not first.run(Attempt(case, fault, lease_seconds=SHORT)).asleep:
            return None
        told = [f"the second: {other}" for other in turns(first, second, case)]
        seen = first.rows()
        ended = said(first.zygote.wake())
        if first.rows() != seen and first.rows() != unordered(case.rows(new=True)):
            told.append(f"the sleeper made it {len(first.rows())} rows: {ended}")
        return told + first.settled()

    passed(every_point([first], case, crash, step=step), least=30 // step)


@pytest.mark.parametrize("case", CASES[:3], ids=str)
@pytest.mark.parametrize("where", ["files", "disk"])
@pytest.mark.long
def test_an_error_at_every_call(
    workshops: Sequence[Workshop], case: Case, where: str, passed: Passed
) -> None:
    harm = faults.refuse if where == "files" else faults.break_down

    def crash(workshop: Workshop, n: int) -> list[str] | None:
        outcome = said(workshop.run(Attempt(case, Fault(where, n, harm))))
        if outcome.met is None:
            return None
        if outcome.status not in ("fail", "stopped", "success"):
            return [f"{outcome.met}: {outcome}"]
        return [f"{outcome.met}, {outcome.status}: {told}" for told in workshop.settled()]

    passed(every_point(workshops, case, crash), least=15)
