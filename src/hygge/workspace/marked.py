"""What the user wrote, each value with the place where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Spot:
    """A line of a file; or an option of the command line, which has no line."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, repr=False)
class Marked:
    """A value and its spot: a mapping of Marked by key, a list of Marked, or a plain scalar.

    A value in a mapping has the spot of its key. `written` is the text before `${…}` was filled
    in: the only form of such a value that may be shown. `lost`: it could not be filled in, which
    has been complained of; what follows from it need not be.
    """

    value: Any
    spot: Spot
    written: str | None = None
    lost: bool = False

    def __repr__(self) -> str:
        return f"Marked({self.shown!r}, {self.spot})"

    @property
    def items(self) -> dict[str, Marked]:
        """The mapping's values by key; none for what is not a mapping."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def plain(self) -> Any:
        """The value without its spots."""
        if isinstance(self.value, dict):
            return {key: item.plain for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain for item in self.value]
        return self.value

    @property
    def shown(self) -> Any:
        """As `plain`, with what came from the environment as it was written."""
        if isinstance(self.value, dict):
            return {key: item.shown for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.shown for item in self.value]
        return self.value if self.written is None else self.written

    def get(self, key: str) -> Marked | None:
        return self.items.get(key)

    def having(self, items: Mapping[str, Marked]) -> Marked:
        """A mapping at this spot with these items."""
        return replace(self, value=dict(items))

    def without(self, *keys: str) -> Marked:
        return self.having({k: item for k, item in self.items.items() if k not in keys})


def over(upper: Marked, lower: Marked | None) -> Marked:
    """`upper` laid over `lower`: mappings merge, key by key; lists and scalars replace."""
    if lower is None or not isinstance(upper.value, dict):
        return upper
    merged = {key: item for key, item in lower.items.items() if key not in upper.items}
    merged |= {key: over(item, lower.get(key)) for key, item in upper.items.items()}
    return upper.having(merged)


def nested(keys: list[str], value: Any, spot: Spot) -> Marked:
    """One value under keys, from the outside in."""
    if not keys:
        return Marked(value, spot)
    return Marked({keys[0]: nested(keys[1:], value, spot)}, spot)


def furthest(keys: Iterable[str | int], *trees: Marked) -> Marked:
    """The value under these keys, or the one around it: in the tree that follows them furthest."""
    path, best, found = list(keys), -1, trees[0]
    for tree in trees:
        depth, here = _follow(path, tree)
        if depth > best:
            best, found = depth, here
    return found


def mentioned(told: str, *trees: Marked) -> Marked | None:
    """The first setting that a sentence speaks of, by its key (`a`, `a.b`) or by its value."""
    for word in re.findall(r"\w+(?:\.\w+)*", told):
        keys = word.split(".")
        for tree in trees:
            for path in (keys, keys[-1:]):
                depth, found = _follow(list[str | int](path), tree)
                if depth == len(path):
                    return found
            for item in tree.items.values():
                if item.value == word:
                    return item
    return None


def _follow(path: list[str | int], tree: Marked) -> tuple[int, Marked]:
    depth = 0
    for key in path:
        inside = tree.value
        if isinstance(inside, dict) and str(key) in inside:
            tree = inside[str(key)]
        elif isinstance(inside, list) and isinstance(key, int) and key < len(inside):
            tree = inside[key]
        else:
            break
        depth += 1
    return depth, tree
