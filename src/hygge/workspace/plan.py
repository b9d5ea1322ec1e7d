"""What a run would do: every flow resolved, before anything is connected to or read."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from hygge.core.config import Connections
from hygge.core.errors import ConfigError
from hygge.core.names import flow_name
from hygge.core.store import Deletes, Mode
from hygge.flow.settings import FlowSettings, OnSchemaChange, RunType
from hygge.flow.unready import Unready
from hygge.workspace.catalog import looked_up, only_listed
from hygge.workspace.conflicts import check_conflicts
from hygge.workspace.load import Loaded, WrittenFlow
from hygge.workspace.marked import Marked, Spot, nested, over
from hygge.workspace.models import Options
from hygge.workspace.overrides import for_entities, overrides
from hygge.workspace.resolve import PlannedFlow, Resolver
from hygge.workspace.selection import flows_meant, select

__all__ = ["Backfill", "Plan", "PlannedFlow", "make_plan"]

Backfill: TypeAlias = tuple[str | None, str | None]
"""From the first value on, up to but without the second, either of which may be missing."""

_MODES = {
    Mode.REPLACE: "replaces the table",
    Mode.APPEND: "appends what is new",
    Mode.MERGE: "merges what is new by its keys",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """The flows of one run, in the order in which they are written; and those of many tables whose
    tables are not known."""

    name: str
    root: Path
    options: Options
    flows: tuple[PlannedFlow, ...]
    unready: tuple[Unready, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The plan as JSON-able values, without a secret."""
        return {
            "workspace": self.name,
            "concurrency": self.options.concurrency,
            "memory": self.options.memory,
            "fail_fast": self.options.fail_fast,
            "flows": [_flow_dict(flow) for flow in self.flows],
            "unready": [{"name": x.name, "error": str(x.error)} for x in self.unready],
        }

    def text(self) -> str:
        """The plan as people read it, without a secret."""
        known = len({flow.flow for flow in self.flows})
        written = known + len(self.unready)
        count = f"{written} flow{'' if written == 1 else 's'}"
        if known != len(self.flows):
            count += f", {len(self.flows)} tables"
        lines = [f"{self.name}: {count}, {self.options.concurrency} at once"]
        for flow in self.flows:
            lines += ["", flow.name, *(f"  {key:<10} {told}" for key, told in _told(flow))]
        for lost in self.unready:
            told = ["its tables could not be looked up", *str(lost.error).splitlines()]
            lines += ["", lost.name, *(f"  {line}" for line in told)]
        return "\n".join(lines) + "\n"


def make_plan(
    loaded: Loaded,
    connections: Connections,
    *,
    flows: Iterable[str] = (),
    entities: Iterable[str] = (),
    run_type: RunType | None = None,
    backfill: Backfill | None = None,
    given: Mapping[str, str] | None = None,
) -> Plan:
    """Resolve the whole workspace; keep what is selected. Raises ConfigError with every complaint.

    What is not selected is checked all the same: a workspace is right, or it is not.
    """
    complaints, unready = loaded.complaints, tuple[Unready, ...]()
    if not complaints:
        loaded, unready = looked_up(loaded, connections, flows_meant(flows, entities))
    else:
        loaded = only_listed(loaded)
    broken = bool(complaints)  # then a name may be missing that is not wrong
    tables = [(flow.name, entity) for flow in loaded.flows for entity in flow.entities or (None,)]
    unknown = [flow.name for flow in unready]
    chosen = select(tables, *((), ()) if broken else (flows, entities), unknown)
    laid = overrides({} if broken else given or {}, [*(f.name for f in loaded.flows), *unknown])
    asked = _asked(run_type, backfill)
    planned = _resolve_all(loaded, connections, laid, chosen, asked)
    check_conflicts(planned, complaints)
    complaints.raise_any()
    if len(planned) != len(tables):  # no flow is ever left out in silence
        raise ConfigError(f"only {len(planned)} of {len(tables)} flows could be planned")
    kept = tuple(flow for flow in planned if flow.name in chosen)
    return Plan(loaded.name, loaded.root, loaded.options, kept, unready)


def _resolve_all(
    loaded: Loaded,
    connections: Connections,
    laid: Mapping[str, Marked],
    chosen: Container[str],
    asked: Marked,
) -> list[PlannedFlow]:
    resolver = Resolver(loaded.root, connections, loaded.complaints)
    found = list[PlannedFlow | None]()
    for flow in loaded.flows:
        for entity in flow.entities or (None,):
            upper = laid.get(flow.name, _NOTHING)
            if flow_name(flow.name, entity) in chosen:
                upper = over(asked, upper)
            found.append(_resolved(resolver, flow, entity, upper, loaded.defaults))
    return [flow for flow in found if flow is not None]


_NOTHING: Final = Marked({}, Spot("the command line"))


def _asked(chosen: RunType | None, ends: Backfill | None) -> Marked:
    """The run type of the command line; with it, a range that is written has nothing to say."""
    if ends is not None:
        if chosen not in (None, RunType.BACKFILL):
            what = f"a backfill is a run type of its own, and cannot be run_type: {chosen}"
            raise ConfigError(what, hint="leave out the one or the other")
        return _backfill(ends)
    if chosen is None:
        return _NOTHING
    asked = nested(["run_type"], chosen.value, Spot(_OPTIONS.get(chosen, "run_type")))
    if chosen is RunType.BACKFILL:
        return asked
    return over(nested(["range"], None, asked.spot), asked)


_OPTIONS: Final = {RunType.INCREMENTAL: "--incremental", RunType.FULL_DROP: "--full-drop"}


def _backfill(ends: Backfill) -> Marked:
    """The range to be read again. It takes the place of one that is written, with both ends."""
    asked = nested(["run_type"], RunType.BACKFILL.value, Spot("--from"))
    for word, end in zip(("from", "to"), ends, strict=True):
        asked = over(nested(["range", word], end, Spot(f"--{word}")), asked)
    return asked


def _resolved(
    resolver: Resolver, flow: WrittenFlow, entity: str | None, upper: Marked, defaults: Marked
) -> PlannedFlow | None:
    """Command line over entity over flow over defaults."""
    base = flow.tree.having(over(upper, over(flow.tree, defaults)).items)
    if entity is None or flow.entities is None:
        return resolver.flow(flow.name, base)
    own = flow.entities[entity]
    return resolver.flow(flow.name, base, entity, own.having(over(for_entities(upper), own).items))


def _flow_dict(flow: PlannedFlow) -> dict[str, Any]:
    settings = flow.settings
    return {
        "name": flow.name,
        "flow": flow.flow,
        "entity": flow.entity,
        "home": dict(flow.home_shown),
        "store": dict(flow.store_shown),
        "run_type": settings.run_type.value,
        "mode": settings.mode.value,
        "keys": list(settings.keys),
        "watermark": settings.position,
        "columns": None if settings.columns is None else list(settings.columns),
        "where": flow.where_shown,
        "parallel": settings.parallel,
        "file": flow.file,
        "line": flow.line,
    }


def _told(flow: PlannedFlow) -> Iterator[tuple[str, str]]:
    """What is worth saying of a flow: what is as always is left out."""
    settings = flow.settings
    yield "home", _end(flow.home_shown)
    yield "store", _end(flow.store_shown)
    yield "run", f"{settings.run_type}: {_range(settings) or _MODES[settings.mode]}"
    if settings.keys:
        yield "keys", ", ".join(settings.keys)
    if settings.position is not None:
        yield "watermark", settings.position
    if settings.detect_deletes or settings.deletes is not Deletes.HARD:
        found = "found by comparing keys, " if settings.detect_deletes else ""
        yield "deletes", f"{found}{settings.deletes}"
    if settings.columns is not None:
        yield "columns", ", ".join(settings.columns)
    if flow.where_shown is not None:
        yield "where", flow.where_shown
    if settings.polish is not None:
        yield "polish", ", ".join(settings.polish.model_dump(exclude_defaults=True))
    if settings.on_schema_change != OnSchemaChange():
        yield "schema", _policies(settings.on_schema_change)
    if settings.parallel > 1:
        yield "parallel", f"{settings.parallel} partitions at once"


def _policies(policy: OnSchemaChange) -> str:
    """`evolve, name: freeze`."""
    return ", ".join([policy.default, *(f"{name}: {of}" for name, of in policy.columns.items())])


def _range(settings: FlowSettings) -> str | None:
    """`merges again from 3 to 6`."""
    if settings.run_type is not RunType.BACKFILL or settings.range is None:
        return None
    ends = (("from", settings.range.start), ("to", settings.range.end))
    return " ".join(["merges again", *(f"{word} {end}" for word, end in ends if end is not None)])


def _end(shown: Mapping[str, Any]) -> str:
    """`parquet data/lake/users (compression: snappy)`."""
    rest = {key: told for key, told in shown.items() if key not in ("type", "path")}
    rest |= rest.pop("options", None) or {}
    more = ", ".join(f"{key}: {told}" for key, told in rest.items())
    kind = "" if shown["type"] == "files" else shown["type"]
    line = f"{kind} {shown.get('path', '')}".strip()
    return f"{line} ({more})" if more else line
