"""How far a load has come: the watermark that is recorded with it."""

from __future__ import annotations

from collections.abc import Sequence

from hygge.core.store import LoadRequest, Mode, StagedPart
from hygge.core.watermark import Watermark, highest


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
