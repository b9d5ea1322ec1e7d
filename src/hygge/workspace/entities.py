"""The entities of a flow: names and mappings, written inside it or in files of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from hygge.core.errors import ConfigError
from hygge.workspace.complaints import Complaints
from hygge.workspace.fragments import fragment
from hygge.workspace.marked import Marked
from hygge.workspace.models import ENTITY_KEYS

_NAME = re.compile(r"[^\W_]([\w\-. $#@]*[\w\-$#@])?")


def patterns_of(written: Marked | None) -> tuple[Marked | None, tuple[Marked, ...]]:
    """What is listed by name, and the patterns: `all`, or what has a * or a ? in it."""
    if written is None or isinstance(written.value, dict):
        return written, ()
    listed = written.value if isinstance(written.value, list) else [written]
    patterns = tuple(item for item in listed if _is_pattern(item.value))
    named = [item for item in listed if not _is_pattern(item.value)]
    if not patterns:
        return written, ()
    return (replace(written, value=named) if named else None), patterns


def _is_pattern(value: object) -> bool:
    return isinstance(value, str) and (value == "all" or "*" in value or "?" in value)


def excluded_of(written: Marked | None, patterns: Sequence[Marked]) -> tuple[Marked, ...]:
    """The names or patterns that are left out of what the patterns find."""
    if written is None:
        return ()
    listed = written.value if isinstance(written.value, list) else [written]
    if not all(isinstance(item.value, str) for item in listed):
        what, hint = "`exclude` takes names, or patterns with * and ?", None
    elif not patterns:
        what, hint = "`exclude` needs a pattern to leave something out of", "entities: all"
    else:
        return tuple(listed)
    raise ConfigError(what, hint=hint, file=written.spot.file, line=written.spot.line)


def inside(written: Marked) -> list[tuple[str | None, Marked]]:
    """What stands under `entities:`, each with the name that its place gives it, if any."""
    if isinstance(written.value, dict):
        return list(written.items.items())
    if isinstance(written.value, list) and written.value:
        return [(None, item) for item in written.value]
    raise ConfigError(
        "`entities` takes `all`, a pattern, a list of names, or of mappings with a `name`",
        file=written.spot.file,
        line=written.spot.line,
    )


def in_file(stem: str, written: Marked) -> list[tuple[str | None, Marked]]:
    """One entity, named by its file; or a list of them."""
    if isinstance(written.value, list):
        return [(None, item) for item in written.value]
    return [(stem, written)]


def entities(
    listed: Iterable[tuple[str | None, Marked]], complaints: Complaints
) -> dict[str, Marked]:
    """The entities by name; what cannot be one is complained of."""
    found = dict[str, Marked]()
    for place, written in listed:
        with complaints.at(written.spot):
            name, tree = _named(place, written)
            if name in found:
                raise ConfigError(
                    f"two entities are called {name!r}; the other one is at {found[name].spot}",
                    hint="rename one of them, or drop it",
                )
            found[name] = fragment(tree, ENTITY_KEYS, complaints).without("name")
    return found


def can_name(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and ".." not in name


def _named(place: str | None, written: Marked) -> tuple[str, Marked]:
    """An entity's name and its own settings."""
    value = written.value
    if isinstance(value, dict):
        given = written.get("name")
        name, tree = (place if given is None else _text(given.value)), written
    elif place is None:
        name, tree = _text(value), written.having({})
    elif value is None:
        name, tree = place, written.having({})
    else:
        raise ConfigError(f"the entity {place!r} takes a mapping")
    if name is None:
        raise ConfigError("an entity needs a `name`")
    if not can_name(name):
        raise ConfigError(
            f"{name!r} cannot name an entity: it also names a folder or table",
            hint="letters, digits, blanks and - _ . within, beginning with a letter or digit; "
            "what it is read from can be set with `home`",
        )
    return name, tree


def _text(value: object) -> str | None:
    """A name, which may look like a number."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None
