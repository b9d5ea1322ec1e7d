"""How far a load has come: the watermark that is recorded with it."""

from __future__ import annotations

from collections.abc import Sequence

from hygge.core.schema import OPERATION
from hygge.core.store import LoadRequest, Mode, StagedPart
from hygge.core.watermark import Watermark, highest


def only_known(request: LoadRequest, parts: Sequence[StagedPart]) -> bool:
    """Whether a merge has read nothing but the rows at its old position, and they are as they
    were."""
    low, mark = request.low, None
    compares = request.most_gone is not None or OPERATION in request.schema
    if request.mode is not Mode.MERGE or request.hold or compares or low is None:
        return False
    for part in parts:
        if part.rows and part.high is None:
            return False
        mark = highest(mark, part.high)
    if mark is None or mark.ties is None or mark.ties.by is None:
        return False
    if sum(part.rows for part in parts) != mark.ties.count:  # some lie below it, or nowhere
        return False
    return (low.column, low.value, low.ties) == (mark.column, mark.value, mark.ties)


def reached(request: LoadRequest, parts: Sequence[StagedPart]) -> Watermark | None:
    """The watermark to record: the greatest value read, never behind the one already reached."""
    mark: Watermark | None = None
    for part in () if request.hold else parts:
        mark = highest(mark, part.high)
    if mark is not None and request.bound is not None and request.bound.account is not None:
        mark = request.bound  # parts do not carry what it remembers
    if mark is None or (request.low is not None and request.low.value > mark.value):
        return request.low
    if request.mode is Mode.MERGE:  # the rows at the position came again, and are known as they are
        return mark
    return mark if request.low is None or mark.value != request.low.value else request.low
