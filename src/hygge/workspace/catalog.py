"""Entities that are not listed: every table of a flow's home, or those whose names fit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from hygge.core.config import Connections
from hygge.core.errors import ConfigError, HyggeError, Unsupported
from hygge.core.home import Home, HomeConfig
from hygge.flow.factory import home_of
from hygge.flow.retry import attempts
from hygge.flow.unready import Unready
from hygge.workspace.ends import Ends
from hygge.workspace.entities import can_name
from hygge.workspace.load import Loaded, WrittenFlow
from hygge.workspace.marked import Marked, over

_SHOWN = 12
_RETRIES = 2
"""At most: a server that is just being started is there soon; one that is away holds up all."""


def looked_up(
    loaded: Loaded, connections: Connections, flows: Iterable[str]
) -> tuple[Loaded, tuple[Unready, ...]]:
    """The workspace with the entities that its flows' patterns stand for, and the flows whose home
    did not tell; only these flows are asked for, all if there are none. Connects."""
    wanted = set(flows)
    there, unready = list[WrittenFlow](), list[Unready]()
    for flow in loaded.flows:
        if not flow.patterns:
            there.append(flow)
        elif not wanted or flow.name in wanted:
            with loaded.complaints.at(flow.tree.spot, flow=flow.name):
                tables = _tables(flow, loaded, connections)
                if isinstance(tables, HyggeError):
                    unready.append(Unready(flow.name, tables.at(flow=flow.name)))
                else:
                    found = _with_tables(flow, tables)
                    if (odd := _odd_names(found)) is not None:  # the others need not wait for them
                        unready.append(Unready(flow.name, odd.at(flow=flow.name)))
                        found = _without_odd(found)
                    if found.entities or odd is None:
                        there.append(found)
        elif flow.entities:
            there.append(flow)
    return replace(loaded, flows=tuple(there)), tuple(unready)


def only_listed(loaded: Loaded) -> Loaded:
    """The workspace with the entities that are listed by name; what patterns stand for nobody
    asked."""
    there = [flow for flow in loaded.flows if flow.entities or not flow.patterns]
    return replace(loaded, flows=tuple(there))


def _with_tables(flow: WrittenFlow, tables: Mapping[str, str]) -> WrittenFlow:
    left_out = [str(item.value) for item in flow.excluded]
    found = dict(flow.entities or {})
    for pattern in flow.patterns:
        fitting = [name for name, whole in tables.items() if fits(pattern.value, name, whole)]
        if not fitting:
            raise _nothing(pattern, list(tables))
        for name in fitting:
            if name not in found and not any(fits(out, name, tables[name]) for out in left_out):
                found[name] = Marked({}, pattern.spot)
    return replace(flow, entities=found)


def _without_odd(flow: WrittenFlow) -> WrittenFlow:
    named = {name: item for name, item in (flow.entities or {}).items() if can_name(name)}
    return replace(flow, entities=named)


def _odd_names(flow: WrittenFlow) -> ConfigError | None:
    """A table whose name can be no entity's is complained of, never left out in silence."""
    names = [name for name in flow.entities or {} if not can_name(name)]
    if not names:
        return None
    spot = flow.patterns[0].spot
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return ConfigError(
        f"tables have names that no entity can have: {shown}",
        hint="`exclude` them, and give each a flow of its own; an entity's name has letters, "
        "digits, blanks and _ - . $ # @, and begins with a letter or a digit",
        file=spot.file,
        line=spot.line,
    )


def fits(pattern: str, name: str, whole: str) -> bool:
    """`all`, or a name with * and ?: of the entity, or of its table with the schema."""
    return pattern == "all" or fnmatchcase(name, pattern) or fnmatchcase(whole, pattern)


def _tables(
    flow: WrittenFlow, loaded: Loaded, connections: Connections
) -> Mapping[str, str] | HyggeError:
    """What there is, or why that is not known. Raises ConfigError for a home that cannot tell."""
    base = flow.tree.having(over(flow.tree, loaded.defaults).items)
    end = Ends(loaded.root, loaded.complaints).end("home", base, base.having({}), "*", flow.name)
    if end is None:
        return {}
    assert isinstance(end.config, HomeConfig)
    home = home_of(end.config, connections)
    try:
        with ThreadPoolExecutor(1) as thread:  # we may be called from where a loop runs already
            return thread.submit(_ask, home, _retries(base)).result()
    except Unsupported:
        raise
    except HyggeError as failed:
        return failed


def _retries(base: Marked) -> int:
    """As the flow says, which is complained of elsewhere if it says no number."""
    given = base.get("retries")
    return min(given.value, _RETRIES) if given and isinstance(given.value, int) else _RETRIES


def _ask(home: Home[Any], retries: int) -> Mapping[str, str]:
    return asyncio.run(attempts(home.entities, retries, asyncio.sleep, lambda *_: None))


def _nothing(pattern: Marked, there: list[str]) -> ConfigError:
    shown = ", ".join(sorted(there)[:_SHOWN]) + (" …" if len(there) > _SHOWN else "")
    return ConfigError(
        f"no table fits {pattern.value!r}",
        hint=f"there are {shown}" if there else "is it the right database? it has no tables",
        file=pattern.spot.file,
        line=pattern.spot.line,
    )
