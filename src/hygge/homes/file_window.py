"""Which blocks of a file can have rows of a window, by what the file tells of itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import polars as pl

from hygge.core.home import ReadRequest
from hygge.core.schema import Column
from hygge.core.types import type_name
from hygge.core.watermark import Watermark, greatest
from hygge.filesystems.filesystem import FileSource
from hygge.formats.format import Ends, Format, Span
from hygge.homes.asked import in_window

_KNOWN_AT_MOST = 20_000
_NO_WINDOW = ReadRequest()


class _Known:
    """The ends of files looked at before, by their version: each is asked for more than once."""

    def __init__(self) -> None:
        self._ends = dict[tuple[str, ...], Ends | None]()
        self._lock = threading.Lock()

    def ends(self, source: FileSource, version: str, form: Format[Any], by: Column) -> Ends | None:
        about = (form.name, form.options.model_dump_json(), by.name, type_name(by.type))
        key = (source.name, version, *about)
        with self._lock:
            if key in self._ends:
                return self._ends[key]
        found = form.ends(source, by)
        with self._lock:
            while len(self._ends) >= _KNOWN_AT_MOST:
                del self._ends[next(iter(self._ends))]
            self._ends[key] = found
        return found


ends_of = _Known().ends


def column_of_window(request: ReadRequest) -> str | None:
    """The column that may leave blocks out. Without a lower end and up to all there is, none can
    be."""
    low, bound = request.low, request.bound
    if low is None and (bound is None or bound.closed):
        return None
    names = {mark.column for mark in (low, bound) if mark is not None}
    return names.pop() if len(names) == 1 else None


def within(ends: Ends, request: ReadRequest, span: Span | None) -> Sequence[Span | None]:
    """The parts of a span (or of the whole file) whose rows may be in the window, in order.

    A block with a NULL, or one that might have some, is among them: rows without a position are
    the flow's to judge.
    """
    passes = pl.Series([True] * len(ends.nulls), dtype=pl.Boolean)
    marks = ((request.low, ends.greatest, True), (request.bound, ends.least, False))
    for mark, values, low in marks:
        if mark is not None:  # its end is the last that could pass; one that is not told passes
            alone = replace(_NO_WINDOW, low=mark) if low else replace(_NO_WINDOW, bound=mark)
            ((condition, _),) = in_window(alone)
            passes &= values.to_frame().select(condition).to_series()
    kept = [ok or nulls != 0 for ok, nulls in zip(passes, ends.nulls, strict=True)]
    return _runs(kept, span)


def not_told(ends: Ends) -> Sequence[Span | None]:
    """The blocks whose greatest value is not known."""
    return _runs(
        ends.greatest.is_null().to_list() if ends.exact else [True] * len(ends.nulls), None
    )


def greatest_told(ends: Ends) -> Watermark | None:
    return greatest(ends.greatest) if ends.exact else None


def _runs(kept: Sequence[bool], span: Span | None) -> Sequence[Span | None]:
    start, stop = (span.start, min(span.stop, len(kept))) if span else (0, len(kept))
    if all(kept[start:stop]):
        return [span]
    return list(_spans(kept, start, stop))


def _spans(kept: Sequence[bool], start: int, stop: int) -> Iterator[Span]:
    for wanted, numbers in groupby(range(start, stop), key=lambda n: kept[n]):
        if wanted:
            run = list(numbers)
            yield Span(run[0], run[-1] + 1)
