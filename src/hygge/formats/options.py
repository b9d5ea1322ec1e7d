"""A format's options, written beside `path` or under `options`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hygge import registry
from hygge.core.config import check, nearest


def gathered(data: Mapping[str, Any], own: Collection[str], name: str) -> dict[str, Any]:
    """The settings with every inline option of the format moved under `options`.

    Raises ValueError for a format that is not known, and for one option given twice.
    """
    try:
        fields = registry.find("formats", name).load().Options.model_fields
    except registry.UnknownName as unknown:
        raise ValueError(f"{unknown}; known: {', '.join(unknown.known)}") from None
    known = {field.alias or key for key, field in fields.items()}
    for key in data.keys() - set(own) - set(known):
        if (near := nearest(key, [*own, *known])) in known:
            raise ValueError(f"unknown key {key!r}, did you mean {near!r}?")
    inline = {key: value for key, value in data.items() if key in known and key not in own}
    options = dict(data.get("options") or {})
    if twice := sorted(options.keys() & inline.keys()):
        raise ValueError(f"{twice[0]!r} is given both inline and under `options`")
    rest = {key: value for key, value in data.items() if key not in inline}
    return {**rest, "options": {**options, **inline}}


def checked(options: Mapping[str, Any], name: str) -> None:
    """Raise ValueError naming the first option that is wrong."""
    found = check(registry.find("formats", name).load().Options, options)
    if not isinstance(found, list):
        return
    first = found[0]
    hint = f" ({first.hint})" if first.hint else ""
    raise ValueError(f"options.{'.'.join(map(str, first.keys))}: {first.what}{hint}")
