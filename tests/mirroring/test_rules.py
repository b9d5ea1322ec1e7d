"""Every rule is kept by some landing zones and broken by others."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.mirroring import cases_files, cases_zone
from tests.mirroring.landing import Case

from hygge.mirroring.report import Outcome
from hygge.mirroring.rules.rule import Need, Severity
from hygge.mirroring.rules.table import ALL, BY_ID

CASES = [*cases_zone.CASES, *cases_files.CASES]


def told(case: Case) -> str:
    return f"{case.rule}-{case.said or 'well'}"


@pytest.mark.parametrize("case", [c for c in CASES if c.severity is None], ids=told)
def test_a_rule_that_is_kept_has_passed(case: Case, tmp_path: Path) -> None:
    report = case.lint(tmp_path)
    assert [f for f in report.findings if f.rule == case.rule] == []
    assert report.outcome(case.rule) is Outcome.PASSED


@pytest.mark.parametrize("case", [c for c in CASES if c.severity is not None], ids=told)
def test_a_rule_that_is_broken_is_told(case: Case, tmp_path: Path) -> None:
    report = case.lint(tmp_path)
    found = [f for f in report.findings if f.rule == case.rule]
    assert any(f.severity is case.severity and case.said in f.what for f in found), found
    assert all(f.hint and f.severity in BY_ID[case.rule].severities for f in found)
    assert report.outcome(case.rule) is Outcome.FOUND


def test_every_rule_is_there_once_in_order() -> None:
    assert [rule.id for rule in ALL] == [f"R{number:02}" for number in range(1, 63)]


def test_every_rule_has_both_kinds_of_cases() -> None:
    kept = {case.rule for case in CASES if case.severity is None}
    assert [rule.id for rule in ALL if rule.id not in kept] == []


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: str(rule.id))
def test_every_severity_of_a_rule_has_a_case(rule: object) -> None:
    one = BY_ID[rule.id]  # type: ignore[attr-defined]
    broken = {case.severity for case in CASES if case.rule == one.id} - {None}
    assert broken == set(one.severities)


SEVERITIES = (
    "R01E R02E R03W R04W R05E R06E R07W R08E R09E R10E R11EW R12E R13E R14E R15E R16W R17E R18W "
    "R19W R20EW R21E R22E R23E R24E R25E R26E R27S R28EW R29E R30E R31E R32S R33E R34E R35W R36W "
    "R37W R38W R39E R40E R41ES R42E R43E R44S R45EW R46W R47W R48W R49S R50W R51W R52E R53ES R54E "
    "R55W R56W R57E R58E R59E R60E R61W R62E"
)


def test_the_severities_are_those_agreed_on() -> None:
    found = " ".join(rule.id + "".join(s.name[0] for s in rule.severities) for rule in ALL)
    assert found == SEVERITIES


def test_every_rule_says_what_it_is_and_where_it_comes_from() -> None:
    for rule in ALL:
        assert rule.title.endswith(".")
        assert rule.sources
        assert rule.looks


def test_what_needs_more_than_the_landing_zone_is_declared() -> None:
    needing = {rule.id for rule in ALL if rule.need is not Need.NOTHING}
    assert {"R12", "R19", "R24", "R25", "R26", "R60", "R61", "R62"} <= needing
    assert {f"R{n}" for n in range(45, 59)} <= needing
    assert Severity.ERROR < Severity.STRICT < Severity.WARNING
