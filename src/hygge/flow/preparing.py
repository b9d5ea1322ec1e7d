"""All that is decided before the first row is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from hygge.core.errors import ANEW, ConfigError, Unsupported
from hygge.core.home import Home, ReadRequest
from hygge.core.journal import Intent, Status
from hygge.core.names import begun, new_load_id
from hygge.core.schema import OPERATION, SchemaChange, TableSchema
from hygge.core.store import Deletes, LoadRequest, Mode, Receipt, Store
from hygge.core.watermark import Watermark
from hygge.flow.backfill import backfill
from hygge.flow.carry import Carrier
from hygge.flow.comparing import asked, check_deletes, keys_only, refuse_own, tells_deletes
from hygge.flow.fingerprint import fingerprint
from hygge.flow.fitting import fitted_to, policy_of
from hygge.flow.polish import Polisher, polisher
from hygge.flow.route import Route
from hygge.flow.schema_policy import Policy, told
from hygge.flow.settings import FlowSettings, RunType
from hygge.flow.watermarking import Window, check_column, kind_of, low_of, window


@dataclass(frozen=True)
class Prepared:
    """What a flow knows of its two ends now, and what follows for the next load.

    `source` is the schema as it is read, `fitted` the same with the types that the table has, and
    `schema` as it is staged: polished. `left` are columns of the source that are left out, for the
    table's are frozen. `notes` tell what was decided about columns.
    """

    route: Route
    source: TableSchema
    fitted: TableSchema
    schema: TableSchema
    keys: tuple[str, ...]
    last: Receipt | None
    changes: Sequence[SchemaChange]
    fingerprint: str
    left: Sequence[str] = ()
    notes: Sequence[str] = ()

    @property
    def base(self) -> str | None:
        return self.last.load_id if self.last else None

    @property
    def casts(self) -> Mapping[str, pl.DataType]:
        """The columns that the table has wider than they arrive."""
        pairs = zip(self.source.columns, self.fitted.columns, strict=True)
        return {old.name: new.type for old, new in pairs if old.type != new.type}

    @property
    def apart(self) -> Sequence[str]:
        """The columns that tell a row from another; where it is merged, from what it was."""
        if self.route.settings.mode is Mode.MERGE:
            return self.source.names
        olds = dict(zip(self.schema.names, self.source.names, strict=False))
        keys = tuple(olds.get(key, key) for key in self.keys) or self.source.keys
        return keys if keys and set(keys) <= set(self.source.names) else self.source.names

    @property
    def doubts(self) -> Sequence[str]:
        """What a person should know who chose these keys."""
        olds = dict(zip(self.schema.names, self.source.names, strict=False))
        keys, primary = [olds.get(key, key) for key in self.keys], self.source.keys
        if self.route.settings.mode is not Mode.MERGE or not primary or {*primary} <= {*keys}:
            return ()
        told = f"the source's primary key is {', '.join(primary)}"
        return (f"{told}: rows that share their {', '.join(keys)} become one, the latest",)

    def polish_for(self, load_id: str) -> Polisher | None:
        """The polisher of one load; its time is the load's own, so that a resume repeats it."""
        return polisher(self.route.settings.polish, self.fitted, begun(load_id))

    def of_keys(self, carrier: Carrier) -> Carrier:
        """What carries the keys alone, where the other carries rows."""
        read, polish = keys_only(self.source, self.schema, self.keys, carrier.polish)
        request = asked(read, self.route.settings)
        return replace(carrier, read=request, schema=read, polish=polish, keys=True)

    def low(self) -> Watermark | None:
        """As low_of."""
        route = self.route
        return low_of(self.last, route.settings, route.home, self.source, self.keys)

    @property
    def draft(self) -> LoadRequest:
        """A new load, before anybody has asked what is new."""
        route, settings = self.route, self.route.settings
        return LoadRequest(
            load_id=new_load_id(),
            flow=route.name,
            mode=settings.mode,
            schema=self.schema,
            keys=self.keys,
            base=self.base,
            source=route.home.identity,
            latest=self._latest(),
            any_tie=settings.on_tie == "any",
            where=settings.where,
            deletes=settings.deletes,
            most_gone=settings.max_delete_fraction if settings.compares and self.last else None,
        )

    async def intent(self) -> Intent:
        """A new load, with its window frozen."""
        route, settings, low = self.route, self.route.settings, self.low()
        reading, held = await self._window(low)
        if reading.anew:  # what is held back may lie below its new end, too
            low = None if held else reading.back
        whole = settings.mode is Mode.REPLACE and settings.merges and not settings.new_files
        beyond = whole and reading.bound is not None
        load = replace(self.draft, low=low, bound=reading.bound, hold=held, beyond=beyond)
        bound = None if whole else reading.bound  # rows that come again do no harm, then
        told = self.left or OPERATION in self.source
        columns = self.source.names if told else settings.columns
        read = ReadRequest(columns, settings.where, reading.low, bound, self.source)
        return Intent(load, read, route.store.identity, self.fingerprint)

    def _latest(self) -> str | None:
        """The watermark's column by the name it is staged under; deletes come in order instead."""
        settings, mark = self.route.settings, self.route.settings.watermark
        if mark is None or OPERATION in self.schema or not settings.merges:
            return None
        return dict(zip(self.source.names, self.schema.names, strict=False))[mark.column]

    async def _begins(self) -> None:
        runs = await self.route.journal.history(100, self.route.name)
        told = "nothing was loaded here before: loading everything"
        for run in [r for r in runs if r.status is Status.SUCCESS and r.row_count][:1]:
            when = f"{run.finish_time:%Y-%m-%d %H:%M} UTC"
            told += f"; the journal has a load at {when}: is this where it went?"
        self.route.notice(told)

    async def _window(self, low: Watermark | None) -> tuple[Window, bool]:
        """What to read, and whether it may record no new position."""
        settings = self.route.settings
        if settings.position is None:
            return Window(), False
        if settings.run_type is RunType.BACKFILL:
            return backfill(settings, self.source), True
        if settings.mode is Mode.REPLACE:
            if not (settings.incremental or self.route.home.capabilities.late_rows):
                return Window(), False
        elif self.last is None:
            await self._begins()
        kind = kind_of(settings, self.source)
        reading, bound = await window(self.route.home, low, settings, kind)
        if reading.anew:
            ends = f", it ends at {reading.back}: reading it all" if reading.back else ""
            self.route.notice(f"the last rows of the source are gone{ends}")
        held = bound.held and (settings.merges or low is not None)
        if bound.why and held and settings.merges:
            self.route.notice(f"{bound.why}: the next run reads them again")
        elif bound.why:
            self.route.notice(bound.why if bound.exact else f"best effort: {bound.why}")
        fixed = settings.incremental is None and (reading.bound is None or reading.bound.closed)
        if settings.mode is Mode.REPLACE and fixed:
            return Window(), held  # all that there is
        return reading, held


async def prepare(route: Route) -> Prepared:
    """Look at both ends and decide. Raises what makes the run impossible."""
    check_capabilities(route.settings, route.home, route.store)
    whole = await route.home.schema()
    route.notices(whole.notes)
    check_column(route.settings, whole)
    source = replace(_chosen(whole, route.settings), notes=())
    last = await route.store.last(route.name)
    _tell_replaced(route, last)
    if route.settings.deletes is Deletes.SOFT and not tells_deletes(route.settings, route.home):
        route.notice("`deletes: soft`, and nothing tells of deletes: `detect_deletes` finds them")
    loaded = await route.store.schema() if last else None
    source, polish, left = _unfrozen(source, loaded, route.settings)
    if left and not route.home.capabilities.columns:
        raise Unsupported(f"{type(route.home).__name__} cannot leave columns out: {left[0]}")
    schema = polish.schema if polish else source
    route.store.refuse(schema)
    refuse_own(schema, route.settings)
    keys = _keys(route.settings, source, polish)
    decision = (await policy_of(route, loaded, source, schema, keys)).decide(schema)
    notes = [*told(decision.changes, left), *decision.notes]
    route.notices(notes)
    staged = decision.schema
    fitted = fitted_to(source, schema, staged)
    if route.settings.compares:
        keys_only(source, staged, keys, polish)
    names = dict(zip(source.names, schema.names, strict=False))
    _check_own(route.settings, whole.keys, names, keys)
    found = fingerprint(route, source, staged)
    return Prepared(route, source, fitted, staged, keys, last, decision.changes, found, left, notes)


def _unfrozen(
    source: TableSchema, loaded: TableSchema | None, settings: FlowSettings
) -> tuple[TableSchema, Polisher | None, Sequence[str]]:
    """The source without what `freeze` leaves out, its polisher, and what that is."""
    polish = polisher(settings.polish, source, datetime.now(UTC))
    final = polish.schema if polish else source
    new = Policy(settings, loaded).left_out(final)
    kept = [n for n, f in zip(source.names, final.names, strict=False) if f not in new]
    left = [name for name in source.names if name not in kept]
    if not left:
        return source, polish, []
    if settings.watermark is not None and settings.watermark.column in left:
        told = "the table lacks the watermark, and `on_schema_change: freeze` leaves it out"
        raise ConfigError(told, column=settings.watermark.column, hint=f"load it once: {ANEW}")
    source = source.select(kept)
    return source, polisher(settings.polish, source, datetime.now(UTC)), left


def _tell_replaced(route: Route, last: Receipt | None) -> None:
    if (
        last
        and route.settings.mode is Mode.REPLACE
        and last.source not in ("", route.home.identity)
    ):
        route.notice(f"this replaces a table that flow {last.flow} loaded from {last.source}")


def check_capabilities(settings: FlowSettings, home: Home[Any], store: Store[Any]) -> None:
    """Refuse up front what the Home or the Store does not claim."""
    can = store.capabilities
    name = type(store).__name__
    if settings.mode not in can.modes:
        known = ", ".join(sorted(can.modes))
        hint = "write: append" if Mode.APPEND in can.modes else "run_type: full_drop"
        raise Unsupported(f"{name} cannot {settings.mode}, only {known}", hint=hint)
    if settings.watermark is not None and not home.capabilities.incremental:
        raise Unsupported(
            f"{type(home).__name__} cannot be read incrementally", hint="run_type: full_drop"
        )
    own = settings.incremental
    if own is not None and own not in home.capabilities.positions:
        known = ", ".join(home.capabilities.positions)
        told = f"it can: {known}; or " if known else ""
        hint = f"{told}watermark: a column whose values grow"
        raise Unsupported(f"{type(home).__name__} cannot tell new rows by {own!r} here", hint=hint)
    if home.capabilities.deletes and not (can.deletes or can.passes_deletes):
        raise Unsupported(f"{name} cannot delete rows, and {type(home).__name__} sends deletes")
    check_deletes(settings, home, store)
    if settings.columns is not None and not home.capabilities.columns:
        raise Unsupported(f"{type(home).__name__} cannot leave columns out", hint="drop `columns`")
    if settings.where is not None and not home.capabilities.where:
        raise Unsupported(f"{type(home).__name__} cannot leave rows out", hint="drop `where`")


def _chosen(whole: TableSchema, settings: FlowSettings) -> TableSchema:
    if settings.columns is None:
        return whole
    for name in settings.columns:
        if name not in whole:
            raise ConfigError("a chosen column does not exist", column=name, hint=whole.hint(name))
    mark = settings.watermark
    if mark is not None and mark.column not in settings.columns:
        raise ConfigError(
            "the watermark's column is not among `columns`",
            column=mark.column,
            hint="add it to `columns`",
        )
    gone = [OPERATION] if OPERATION in whole else []  # what tells of a row that is gone comes along
    return whole.select(dict.fromkeys([*settings.columns, *gone]))


def _keys(settings: FlowSettings, source: TableSchema, polish: Polisher | None) -> tuple[str, ...]:
    """The keys by the names that the staged columns have; given in either spelling."""
    final = polish.schema if polish else source
    renamed = dict(zip(source.names, final.names, strict=False))
    for key in settings.keys:
        if key not in final and key not in renamed:
            raise ConfigError("a key column does not exist", column=key, hint=source.hint(key))
    return tuple(key if key in final else renamed[key] for key in settings.keys)


def _check_own(
    settings: FlowSettings, primary: Sequence[str], names: Mapping[str, str], keys: Sequence[str]
) -> None:
    """Raise ConfigError unless the keys surely name one row each: no position of the source's own
    tells which of several rows is the latest."""
    own = settings.incremental
    if settings.new_files:
        return
    if own is not None and not (primary and {names.get(key, key) for key in primary} == {*keys}):
        told = f"of {', '.join(primary)}" if primary else "and the table has none"
        raise ConfigError(
            f"`incremental: {own}` merges by the primary key, {told}",
            hint="keys: the primary key; where there is none, a `watermark`",
        )
