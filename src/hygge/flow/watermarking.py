"""Deciding what is new: the window to read, and the position that was reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from hygge.core.config import nearest
from hygge.core.errors import ANEW, ConfigError, FlowError
from hygge.core.home import Bound, Home
from hygge.core.schema import TableSchema
from hygge.core.store import Mode, Receipt
from hygge.core.ties import Ties, ties_of
from hygge.core.types import parse_type, type_name
from hygge.core.watermark import Watermark, before, earlier, greatest, highest, literal
from hygge.core.widening import holds
from hygge.flow.settings import FlowSettings

_START_ANEW = f"load everything once: {ANEW}"


@dataclass(frozen=True, slots=True)
class Window:
    """Rows at or above `low`, up to `bound`. No `low`: from the beginning.

    `anew`: its last rows are gone, so all of it is read again, and the position is `back`, where
    it ends now; None where there are no rows at all.
    """

    low: Watermark | None = None
    bound: Watermark | None = None
    anew: bool = False
    back: Watermark | None = None


def check_column(settings: FlowSettings, schema: TableSchema) -> None:
    """Raise ConfigError unless the watermark's column is there and has an order that lasts."""
    if settings.watermark is None:
        return
    column = settings.watermark.column
    if column not in schema:
        near = nearest(column, schema.names)
        hint = f"did you mean {near!r}?" if near else schema.hint()
        hint += "; `watermark: null` for a table that has none"
        raise ConfigError("the watermark's column does not exist", column=column, hint=hint)
    kind = schema[column].type
    ordered = kind.is_integer() or kind in (pl.Date, pl.Datetime, pl.Decimal, pl.String)
    if not ordered:
        raise ConfigError(
            f"a column of type {type_name(kind)} cannot be a watermark",
            column=column,
            hint="use an integer, decimal, date, datetime or text column",
        )


def low_of(
    last: Receipt | None,
    settings: FlowSettings,
    home: Home[Any],
    schema: TableSchema,
    keys: Sequence[str] = (),
) -> Watermark | None:
    """Where the last load ended. Raises FlowError where it was of something else: another source,
    column, `where`, or other keys than those to merge by."""
    if last is None or settings.mode is Mode.REPLACE or settings.position is None:
        return None
    if last.source != home.identity:
        raise FlowError(
            f"the last load came from another source: {last.source}, now {home.identity}",
            hint=_START_ANEW,
        )
    _refuse_mixing(last, settings, keys)
    column, mark = settings.position, last.watermark
    if mark is None and settings.mode is Mode.MERGE:
        return None  # what comes again does no harm
    if mark is None:
        raise FlowError(
            f"the last load recorded no watermark of {column!r}", column=column, hint=_START_ANEW
        )
    kind = kind_of(settings, schema)
    found = _retyped(mark, kind) if mark.column == column else None
    if found is None:
        raise FlowError(
            f"the last load's watermark was {mark.column} {mark.type}, "
            f"now {column} {type_name(kind)}",
            column=column,
            hint=_START_ANEW,
        )
    return found


def _retyped(mark: Watermark, kind: pl.DataType) -> Watermark | None:
    """The position where the column has become wider, or narrower: in whichever type is the wider.
    None: it is no position in such a column."""
    was = parse_type(mark.type)
    if was == kind or holds(was, kind):
        return mark
    if not holds(kind, was):
        return None
    value = Decimal(mark.value) if isinstance(kind, pl.Decimal) else mark.value
    return replace(mark, type=type_name(kind), value=value)


def kind_of(settings: FlowSettings, schema: TableSchema) -> pl.DataType:
    """The type of what tells new rows. A position of the source's own is a whole number."""
    mark = settings.watermark
    return schema[mark.column].type if mark is not None else pl.Int64()


def _refuse_mixing(last: Receipt, settings: FlowSettings, keys: Sequence[str]) -> None:
    """Raise FlowError where the new rows would not fit to those that are there."""
    if last.where != settings.where:
        raise FlowError(
            f"the last load took the rows {_where(last.where)}, now {_where(settings.where)}",
            hint=f"put `where` back, or {_START_ANEW}",
        )
    if settings.mode is Mode.MERGE and last.keys and set(last.keys) != set(keys):
        raise FlowError(
            f"the last load's keys were {', '.join(last.keys)}, now {', '.join(keys)}",
            hint=f"put `keys` back, or {_START_ANEW}",
        )
    if settings.mode is Mode.APPEND and (last.mode is Mode.MERGE or last.beyond):
        raise FlowError(
            "the last load merged: an append could double rows that are above its position",
            hint=f"write: merge, as before, or {_START_ANEW}",
        )


def _where(condition: str | None) -> str:
    return "without a condition" if condition is None else f"where {condition}"


async def window(
    home: Home[Any], low: Watermark | None, settings: FlowSettings, kind: pl.DataType
) -> tuple[Window, Bound]:
    """The window to read now, its upper end frozen. Raises FlowError if the source went back, and
    nothing tells which rows are gone from it."""
    assert settings.position is not None
    if settings.incremental is not None:
        bound = await home.own_bound(settings.position, low)
    else:
        bound = await home.upper_bound(settings.position)
    top, anew = bound.watermark, False
    if low is not None and settings.watermark is not None and settings.compares:
        anew = top is None or _is_back(low, top)
    elif low is not None and top is not None and settings.mode is Mode.MERGE:
        anew = settings.watermark is not None and _same(low, top) and _is_back(low, top)
    if anew:
        low = None  # rows below may be others, too: it may have been restored
    elif low is not None and top is not None:
        _refuse_restored(low, top)
    if settings.watermark is None:  # its own positions are over, so none is looked at again
        return Window(low and replace(low, closed=False), top), bound
    if top is not None:
        top = _lagging(bound, top, settings.watermark.lag, kind)
    if low is not None and top is not None:
        held = bound.held and settings.mode is Mode.APPEND
        if held or top.value < low.value or (top.value == low.value and not top.closed):
            top = replace(low, closed=True, ties=None)  # only to see what was read is still there
    if low is not None and settings.watermark.overlap and settings.mode is Mode.MERGE:
        low = earlier(low, settings.watermark.overlap)
    return Window(low, top, anew, top if anew else None), bound


def _is_back(low: Watermark, top: Watermark) -> bool:
    return bool(top.closed and top.value < low.value)


def _same(low: Watermark, top: Watermark) -> bool:
    """Whether they are counted by the same, as far as they tell."""
    return None in (low.counter, top.counter) or low.counter == top.counter


def _refuse_restored(low: Watermark, top: Watermark) -> None:
    column, hint = low.column, f"see whether the source was restored; if so, {_START_ANEW}"
    if not _same(low, top):
        raise FlowError(
            f"the source is not the one that was read before, though it has its name: {column} is "
            f"counted by {top.counter} now, and was by {low.counter}",
            column=column,
            hint=hint,
        )
    if _is_back(low, top):
        raise FlowError(
            f"the source went back: its greatest {column} is {top.value}, "
            f"and {low.value} was read before",
            column=column,
            hint=hint,
        )


def _lagging(bound: Bound, top: Watermark, lag: float, kind: pl.DataType) -> Watermark:
    """The position, or what is older than `lag` seconds where that is less."""
    if not lag:
        return top
    limit = before(top.column, kind, (bound.now or datetime.now(UTC)) - timedelta(seconds=lag))
    if limit is None:
        raise ConfigError(
            f"only times lag, and this column is {top.type}", column=top.column, hint="drop `lag`"
        )
    return limit if limit.value <= top.value else top


class Cursor:
    """Watches the watermark's column of one partition's batches as they pass.

    Rows at the old position were loaded before: an append leaves them out, and remembers them. `by`
    are the columns that tell rows apart.
    """

    def __init__(
        self,
        settings: FlowSettings,
        low: Watermark | None,
        bound: Watermark | None,
        by: Sequence[str],
    ) -> None:
        assert settings.watermark is not None
        self._by = by
        self._column, self._nulls = settings.watermark.column, settings.watermark.nulls
        self._low = low if settings.mode is Mode.APPEND else None
        self._whole = settings.mode is Mode.REPLACE
        self._bound = bound if bound is not None and not bound.closed else None
        self.high: Watermark | None = None
        self.seen = Ties()

    def pass_on(self, batch: pl.DataFrame) -> pl.DataFrame:
        """The rows to load, of these."""
        batch = self._without_nulls(batch)
        if self._low is not None:
            new = pl.col(self._column) > literal(self._low)
            self.seen += ties_of(batch.filter(~new), self._by)
            batch = batch.filter(new)
        settled = batch
        if self._bound is not None:  # a full load reads above it, too, but is not done there
            settled = batch.filter(pl.col(self._column) < literal(self._bound))
        top = greatest(settled[self._column])
        if top is not None:
            here = settled.filter(pl.col(self._column) == literal(top))
            top = replace(top, ties=ties_of(here, self._by))
            self.high = highest(self.high, top)
        return batch

    def _without_nulls(self, batch: pl.DataFrame) -> pl.DataFrame:
        count = batch[self._column].null_count()
        if not count or self._whole or self._nulls == "include":
            return batch
        if self._nulls == "fail":
            raise FlowError(
                f"{count} of the rows have no {self._column}: nothing tells whether they are new",
                column=self._column,
                hint="watermark: {column: …, nulls: ignore} leaves such rows out; with `keys`, "
                "nulls: include loads them every time",
            )
        return batch.drop_nulls(self._column)


def check_ties(low: Watermark | None, seen: Ties, tell: Callable[[str], None]) -> None:
    """Raise FlowError if rows at the old position appeared after it was read.

    An append that left them out would lose them; one that took them would double the others.
    """
    if low is None or low.ties is None:
        return
    known, here = low.ties, f"{low.column} = {low.value}"
    if not known.comparable(seen):
        tell(f"rows with {here} were counted, not compared: columns, keys or Polars changed since")
    if came := known.came(seen):
        told = f"appeared or changed after it was read: {came}"
        if not known.exact(seen) and seen.count <= known.count:
            told = f"are not those that were read: {known.count} then, {seen.count} now"
        raise FlowError(
            f"rows with {here} {told}",
            column=low.column,
            hint="`keys` tell a changed row from a new one; a new one is loaded by a store that "
            f"merges, or if you {_START_ANEW}",
        )
    if seen.count < known.count:
        tell(f"rows with {here} are gone from the source: {known.count - seen.count}")
