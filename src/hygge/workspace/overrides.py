"""Settings from the command line: `--var flow.NAME.path=value`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hygge.core.config import nearest
from hygge.core.errors import ConfigError
from hygge.workspace.marked import Marked, Spot, nested, over
from hygge.workspace.models import DEFAULT_KEYS
from hygge.workspace.yaml_file import scalar

LISTS = ("columns", "keys")
"""Settings that are lists: their words may stand without brackets."""


def overrides(given: Mapping[str, str], flows: Iterable[str]) -> dict[str, Marked]:
    """What is to be laid over each flow. Raises ConfigError for a flow or setting there is not."""
    known, found = list(flows), dict[str, Marked]()
    for name, value in given.items():
        keys = name.split(".")
        if keys[0] != "flow" or len(keys) < 3 or not all(keys):
            raise ConfigError(
                f"--var {name} names no setting", hint="--var flow.NAME.home.path=value"
            )
        flow, path = keys[1], keys[2:]
        _check("flow", flow, known, name)
        _check("setting", path[0], DEFAULT_KEYS, name)
        spot = Spot(f"--var {name}")
        said = scalar(value, spot).value
        if path[-1] in LISTS and isinstance(said, str):
            said = [Marked(word.strip(), spot) for word in said.split(",")]
        if path in (["home"], ["store"]) and isinstance(said, str):
            path.append("path")  # a text is a path, here as in YAML
        item = nested(path, said, spot)
        found[flow] = over(item, found.get(flow))
    return found


def for_entities(override: Marked) -> Marked:
    """The part that beats an entity's own values: all but paths, to which an entity's is joined."""
    items = dict(override.items)
    for end in ("home", "store"):
        if end in items:
            items[end] = items[end].without("path")
            if not items[end].items:
                del items[end]
    return override.having(items)


def _check(kind: str, word: str, known: Iterable[str], name: str) -> None:
    names = sorted(known)
    if word not in names:
        near = nearest(word, names)
        hint = f"did you mean {near!r}?" if near else f"there are {', '.join(names)}"
        raise ConfigError(f"--var {name}: there is no {kind} {word!r}", hint=hint)
