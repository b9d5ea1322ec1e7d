"""Killed at any instruction, the next run finishes or erases what was begun."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.crash.places import APART
from tests.crash.points import Workshop, every_point, killed
from tests.crash.story import Attempt, Case, Fault

from hygge.testing.harness import unordered

pytestmark = [pytest.mark.crash, pytest.mark.timeout(480)]
FILES = [Case("full_drop"), Case("incremental"), Case("full_drop", "versioned")]
TABLES = [
    Case(run_type, database, write)
    for database in ("sqlite", "duckdb")
    for run_type, write in (
        ("full_drop", "append"),
        ("incremental", "append"),
        ("incremental", "merge"),
    )
]
SERVERS = [
    Case(run_type, database, write, changed)
    for database in ("postgres", "mysql", "mssql")
    for run_type, write, changed in (
        ("full_drop", "append", False),
        ("full_drop", "append", True),
        ("incremental", "append", False),
        ("incremental", "merge", False),
    )
]
SERVERS.append(Case("full_drop", "mysql", swap=True))
SWITCHES = [
    Case("full_drop", "mssql", swap=True),
    Case("full_drop", "mssql", options=(("create", "columnstore"),)),
]
OPTIONS = [
    Case("full_drop", "mssql", options=(("create", "rowstore_pk"),)),
    Case("full_drop", "mssql", options=(("swap", "delete"),)),
    Case("full_drop", "mssql", options=(("staging_schema", APART),)),
    Case("incremental", "mssql", "merge", options=(("create", "columnstore"),)),
]
SERVERS += [Case("full_drop", "mssql", workers=2), Case("incremental", "postgres", workers=2)]
SERVERS += [Case("full_drop", "s3"), Case("incremental", "s3")]
SERVERS += [Case("full_drop", "adls"), Case("incremental", "adls")]
DELETES = [
    Case("incremental", database, "merge", deletes=deletes)
    for database, deletes in (
        ("sqlite", "hard"),
        ("sqlite", "soft"),
        ("postgres", "hard"),
        ("mysql", "soft"),
    )
]
NEW_FILES = [
    Case("incremental", files=True),
    Case("incremental", "sqlite", files=True),
]
LONG = [pytest.param(case, marks=pytest.mark.long) for case in (*DELETES, *OPTIONS)]
CASES: list[Any] = [*FILES, *NEW_FILES, *TABLES, *SERVERS, *SWITCHES, *LONG]
STEPS = {"duckdb": 13, "postgres": 13, "mysql": 19, "mssql": 29}
STEPS |= {"s3": 17, "adls": 13, "folder": 3}
"""Every so many points, where coming and going takes long."""
FEW = 37
WHOLE = [Case("incremental", "sqlite", "merge")]
"""Each of whose points is one, where others leave four of five out."""
Passed = Callable[..., None]


def _seldom(case: Any) -> bool:
    """What is killed at every event in the long run alone: the less common of each database."""
    return isinstance(case, Case) and (
        case in SWITCHES
        or case.changed
        or case.swap
        or case.workers > 1
        or (case.layout in ("duckdb", "mssql") and case.write != "merge")
    )


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.long) if _seldom(case) else case for case in CASES],
    ids=str,
)
def test_at_every_event(workshops: Sequence[Workshop], case: Case, passed: Passed) -> None:
    def crash(workshop: Workshop, n: int) -> list[str] | None:
        return workshop.settled() if killed(workshop, Fault("events", n)) else None

    step = 4 if case.layout in ("postgres", "mysql", "mssql", "s3", "adls") else 1
    passed(every_point(workshops, case, crash, step), least=8 // step)


BRIEFLY = [
    Case("full_drop", "mysql"),
    Case("incremental", "postgres", "merge"),
    Case("incremental", "duckdb"),
]
"""One for each of these databases; the others are long."""


def _in_long(case: Any) -> bool:
    """Each takes the better part of a minute, and what they have in common is shown by others."""
    return isinstance(case, Case) and (
        case.layout in ("sqlite", "versioned")
        or (case.layout in ("adls", "s3") and case.run_type == "incremental")
        or (case.layout == "folder" and case.run_type == "incremental")
        or (case.layout == "mssql" and (case.changed or case.write == "append"))
        or (case.layout in ("mysql", "duckdb", "postgres") and case not in BRIEFLY)
    )


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.long) if _in_long(case) else case for case in CASES],
    ids=str,
)
def test_before_every_step(workshops: Sequence[Workshop], case: Case, passed: Passed) -> None:
    """Each point three times over: the next run in peace, without the journal, killed as well."""

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

    step = FEW if case in SWITCHES else STEPS.get(case.layout, 1)
    if case.layout in ("sqlite", "versioned") and case not in WHOLE:
        step = 5
    tally = every_point(workshops, case, crash, step)
    tally.points *= 3
    passed(tally, least=90 // step)


@pytest.mark.long
@pytest.mark.parametrize(
    "case",
    [Case("full_drop"), Case("full_drop", "s3"), Case("full_drop", "mssql"), *SWITCHES],
    ids=str,
)
def test_before_every_step_of_a_full_load(
    workshops: Sequence[Workshop], case: Case, passed: Passed
) -> None:
    """Where the others leave out more, and SQL Server has three ways for it; each point once."""

    def crash(workshop: Workshop, n: int) -> list[str] | None:
        if not killed(workshop, Fault("steps", n)):
            return None
        return seen_half(workshop) + workshop.settled()

    step = 3 if case.layout == "mssql" else 1
    passed(every_point(workshops, case, crash, step), least=60 // step)


def seen_half(workshop: Workshop) -> list[str]:
    """What a reader saw right after the crash, where that may only be the old or the new."""
    seen, case = workshop.rows(), workshop.case
    if case.layout in ("folder", "s3", "adls") or seen in (
        unordered(case.rows(new)) for new in (False, True)
    ):
        return []
    return [f"readers saw {len(seen)} rows, neither the old nor the new"]


def test_the_store_changed_after_the_crash(workshops: Sequence[Workshop], passed: Passed) -> None:
    case = CASES[0]

    def crash(workshop: Workshop, n: int) -> list[str] | None:
        if not killed(workshop, Fault("events", n)):
            return None
        elsewhere = workshop.run(Attempt(case, store="lake/elsewhere")).said
        begun = bool(elsewhere.unfinished)
        first = str(workshop.folder / "lake" / "people")
        refused = elsewhere.kind == "FlowError" and first in elsewhere.error
        if refused != begun:
            return [f"with {begun=} another store was told: {elsewhere}"]
        if begun and (workshop.folder / "lake" / "elsewhere").exists():
            return ["something was left elsewhere"]
        return workshop.settled()

    passed(every_point(workshops, case, crash), least=8)
