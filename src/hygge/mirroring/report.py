"""What linting a landing zone came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from hygge.mirroring.rules.rule import Finding, Severity
from hygge.mirroring.rules.table import ALL

VERSION: Final = 1
"""Of the JSON form. Keys may be added within one version, never taken away or changed."""


class Outcome(StrEnum):
    """Of one rule. A rule that found something may also not have been able to look everywhere."""

    PASSED = "passed"
    FOUND = "findings"
    UNCHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A rule that could not be checked, for a table (or "": all of the landing zone), and why."""

    rule: str
    table: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """`zone` is the place that was looked at. `strict`: whether strict findings count as errors;
    else they are not shown. `findings` hold all of them, the gravest first within each table."""

    zone: str
    tables: int
    files: int
    findings: tuple[Finding, ...]
    unchecked: tuple[Unchecked, ...]
    strict: bool = False

    @property
    def shown(self) -> Sequence[Finding]:
        return [f for f in self.findings if self.strict or f.severity is not Severity.STRICT]

    @property
    def errors(self) -> int:
        return sum(finding.severity is not Severity.WARNING for finding in self.shown)

    @property
    def warnings(self) -> int:
        return sum(finding.severity is Severity.WARNING for finding in self.shown)

    @property
    def unsaid(self) -> int:
        """Findings that only --strict shows, and that are not shown."""
        return len(self.findings) - len(self.shown)

    @property
    def ok(self) -> bool:
        return not self.errors

    @property
    def not_checked(self) -> Sequence[str]:
        """Every rule that could not be checked everywhere, by its id."""
        return sorted({one.rule for one in self.unchecked})

    def outcome(self, rule: str) -> Outcome:
        if any(finding.rule == rule for finding in self.findings):
            return Outcome.FOUND
        if any(one.rule == rule for one in self.unchecked):
            return Outcome.UNCHECKED
        return Outcome.PASSED

    def as_dict(self) -> Mapping[str, Any]:
        """The JSON form: docs/reference/cli.md."""
        return {
            "version": VERSION,
            "zone": self.zone,
            "strict": self.strict,
            "ok": self.ok,
            "tables": self.tables,
            "files": self.files,
            "errors": self.errors,
            "warnings": self.warnings,
            "only_strict": self.unsaid,
            "findings": [_finding(finding) for finding in self.shown],
            "rules": [self._rule(rule.id, rule.title) for rule in ALL],
        }

    def _rule(self, rule: str, title: str) -> Mapping[str, Any]:
        open_ = [one for one in self.unchecked if one.rule == rule]
        return {
            "rule": rule,
            "title": title,
            "outcome": self.outcome(rule).value,
            "findings": sum(finding.rule == rule for finding in self.shown),
            "only_strict": sum(f.rule == rule for f in self.findings if f not in self.shown),
            "not_checked": [{"table": one.table, "why": one.why} for one in open_],
        }


def _finding(finding: Finding) -> Mapping[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.word,
        "table": finding.table,
        "where": finding.where,
        "what": finding.what,
        "try": finding.hint,
    }
