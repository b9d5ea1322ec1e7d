"""Proving that what was sent is what is staged, before anybody may see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hygge.core.errors import VerificationFailed
from hygge.core.partition import Partition
from hygge.core.store import Load, StagedPart


async def verify(load: Load, parts: Sequence[StagedPart]) -> int:
    """The rows to load that are found in staging. VerificationFailed names the first misfit."""
    found = await load.verify(parts)
    for part in parts:
        if (there := found[part.partition.name]) != part.rows:
            raise VerificationFailed(
                f"{part.rows} rows were staged and {there} are there",
                partition=part.partition.name,
                hint="nothing was published; run again, and look at the destination's disk",
            )
    return sum(part.rows for part in parts if not part.keys)


async def still_good(load: Load, kept: Sequence[StagedPart]) -> Mapping[Partition, StagedPart]:
    """Of the parts of an earlier try, those worth keeping: of known content, and all there."""
    versioned = [part for part in kept if part.partition.version is not None]
    found = await load.verify(versioned) if versioned else {}
    return {p.partition: p for p in versioned if found[p.partition.name] == p.rows}
