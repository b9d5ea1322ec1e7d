"""What a rule is: its name, how grave it is, where it comes from, and a function that looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any


class Severity(IntEnum):
    """The graver, the smaller."""

    ERROR = 0
    """The table stops, or rows may be lost or doubled."""
    STRICT = 1
    """The documentation is silent: an error for those who ask to be strict."""
    WARNING = 2
    """The service goes on; what comes of it may not be what was meant."""

    @property
    def word(self) -> str:
        return self.name.lower()


class Source(StrEnum):
    """Where a rule comes from."""

    LZF = "LZF"
    BP = "BP"
    FIELD = "FIELD"
    INFER = "INFER"


class Over(StrEnum):
    """What a rule looks at."""

    ZONE = "zone"
    TABLE = "table"
    FILE = "file"


class Need(StrEnum):
    """What must be known beyond what lies in the landing zone now."""

    NOTHING = ""
    STORY = "the table's files from number 1, or --state"
    ROWS = "the table's files from number 1"
    STATE = "--state"
    JOURNALS = "--journal of each writer"
    SOURCE = "the table's files from number 1, and --source-id"
    LIMIT = "--limit column_name"


@dataclass(frozen=True, slots=True)
class Said:
    """What a rule finds wrong. `where` is a path below what it looks at; "" for that itself."""

    severity: Severity
    where: str
    what: str
    hint: str


@dataclass(frozen=True, slots=True)
class Unsaid:
    """Why a rule cannot tell."""

    why: str


Answer = Iterator[Said | Unsaid]


@dataclass(frozen=True, slots=True)
class Rule:
    """`severities`: those that its findings have. `looks`: what it looks at, and how; a look that
    yields nothing has passed."""

    id: str
    severities: tuple[Severity, ...]
    title: str
    sources: tuple[Source, ...]
    looks: Mapping[Over, Callable[[Any], Answer]]
    need: Need = Need.NOTHING


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken. `where` is a path below the landing zone; `table` is "" for what
    concerns all of it."""

    rule: str
    severity: Severity
    table: str
    where: str
    what: str
    hint: str


def error(where: str, what: str, hint: str) -> Said:
    return Said(Severity.ERROR, where, what, hint)


def warning(where: str, what: str, hint: str) -> Said:
    return Said(Severity.WARNING, where, what, hint)


def strict(where: str, what: str, hint: str) -> Said:
    return Said(Severity.STRICT, where, what, hint)
