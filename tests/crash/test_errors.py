"""An error at any call: the run says so and leaves things so that the next one makes all well."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from tests.crash.points import Workshop, every_point, said
from tests.crash.story import Attempt, Case, Fault

from hygge.testing import faults

pytestmark = [pytest.mark.crash, pytest.mark.timeout(480)]
CASES = [Case("full_drop"), Case("incremental")]
ERRORS = [
    Fault("files", 0, faults.refuse),
    Fault("files", 0, faults.refuse, for_good=True),
    Fault("disk", 0, faults.break_down),
    Fault("journal", 0, faults.forget),
    Fault("journal", 0, faults.forget, for_good=True),
]
Passed = Callable[..., None]


def title(fault: Fault) -> str:
    return f"{fault.where}-{fault.harm.__name__}{'-for_good' if fault.for_good else ''}"


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    made: Case = request.param
    return made


@pytest.mark.parametrize(
    ("fault", "step"),
    [
        *(pytest.param(f, 2, id=title(f)) for f in ERRORS if not f.for_good),
        *(pytest.param(f, 1, id=f"every-{title(f)}", marks=pytest.mark.long) for f in ERRORS),
    ],
)
def test_an_error_at_every_call(
    workshops: Sequence[Workshop], case: Case, fault: Fault, step: int, passed: Passed
) -> None:
    def crash(workshop: Workshop, n: int) -> list[str] | None:
        broken = Fault(fault.where, n, fault.harm, fault.for_good)
        outcome = said(workshop.run(Attempt(case, broken)))
        if outcome.met is None:
            return None
        if outcome.status not in ("fail", "stopped", "success"):
            return [f"{outcome.met}: {outcome}"]
        return [f"{outcome.met}, {outcome.status}: {told}" for told in workshop.settled()]

    passed(every_point(workshops, case, crash, step), least=15 // step)


def test_a_lost_connection_at_every_call_is_got_over(
    workshops: Sequence[Workshop], case: Case, passed: Passed
) -> None:
    def crash(workshop: Workshop, n: int) -> list[str] | None:
        fault = Fault("files", n, faults.drop_the_connection)
        outcome = said(workshop.run(Attempt(case, fault, retries=3)))
        if outcome.met is None:
            return None
        if outcome.status != "success" or outcome.unfinished:
            return [f"{outcome.met}: {outcome}"]
        return [f"{outcome.met}: {told}" for told in workshop.complaints()]

    passed(every_point(workshops, case, crash), least=15)


@pytest.mark.parametrize("size", [0, 200, 1000, 3000, 5000, 20_000])
def test_a_full_disk(workshops: Sequence[Workshop], case: Case, size: int) -> None:
    workshop = workshops[0]
    workshop.prepare(case)
    outcome = said(workshop.run(Attempt(case, largest_file=size)))
    assert outcome.status in ("fail", "stopped", "success")
    assert (outcome.status == "success") or outcome.kind in ("StoreError", "JournalError")
    if size < 1000:
        assert outcome.status != "success"
    assert not workshop.settled()
