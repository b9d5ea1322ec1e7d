"""A piece of a Home's table that can be read alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Word: TypeAlias = int | str | None


@dataclass(frozen=True, slots=True)
class Partition:
    """A unit of reading and of resume; disjoint from the others, in source order.

    `version` names its CONTENT: equal Partitions give equal rows. None: read it again.
    `where` is in the Home's own words: paths, two bounds, row groups. JSON-able, picklable.
    """

    name: str
    version: str | None = None
    where: tuple[Word, ...] = ()


WHOLE = Partition("whole")
