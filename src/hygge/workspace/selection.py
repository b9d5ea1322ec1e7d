"""Which flows and entities of a workspace are meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from hygge.core.config import nearest
from hygge.core.errors import ConfigError
from hygge.core.names import flow_name

SHOWN = 20


def select(
    there: Sequence[tuple[str, str | None]],
    flows: Iterable[str],
    entities: Iterable[str],
    unknown: Collection[str] = (),
) -> frozenset[str]:
    """The names (`flow` or `flow.entity`) that are chosen; without a choice, all.

    An entity narrows its flow: `--flow a --entity b.x` means all of a, and of b only x. `unknown`
    are flows whose entities nobody knows: those who choose one are not told that it is not there.
    Raises ConfigError for a name that nothing has.
    """
    wanted, single = _names(flows), _names(entities)
    every = {flow_name(flow, entity): flow for flow, entity in there}
    for name in wanted:
        if name not in every.values() and name not in unknown:
            raise _nothing("flow", name, dict.fromkeys(every.values()), every)
    known = [name for name in single if name.split(".", 1)[0] not in unknown]
    for name in known:
        if name not in every:
            raise _nothing("entity", name, every, every)
    if not wanted and not single:
        return frozenset(every)
    narrowed = {every[name] for name in known}
    whole = {name for name, flow in every.items() if flow in wanted and flow not in narrowed}
    return frozenset(whole.union(known))


def flows_meant(flows: Iterable[str], entities: Iterable[str]) -> frozenset[str]:
    """The flows that a choice speaks of; none if all are meant."""
    return frozenset(_names(flows)).union(name.split(".", 1)[0] for name in _names(entities))


def _names(given: Iterable[str]) -> list[str]:
    """Options may be repeated, or hold several names with commas."""
    return [name.strip() for part in given for name in part.split(",") if name.strip()]


def _nothing(kind: str, name: str, known: Iterable[str], every: Iterable[str]) -> ConfigError:
    names = list(known)
    listed = ", ".join(names[:SHOWN]) + (f" … ({len(names)} in all)" if len(names) > SHOWN else "")
    near = nearest(name, names)
    if kind == "flow" and name in every:
        hint = f"--entity {name}"
    elif near is not None:
        hint = f"did you mean {near!r}?"
    else:
        hint = "one of those" if kind == "flow" else "an entity is named flow.entity"
    return ConfigError(f"there is no {kind} {name!r}; there are {listed}", hint=hint)
