"""Which filesystem a URL or a path lies in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hygge import registry
from hygge.core.config import nearest
from hygge.core.errors import ConfigError
from hygge.filesystems.filesystem import NOTHING, FileSystem, scheme


def locate(
    path: str, name: str | None = None, settings: Mapping[str, Any] = NOTHING
) -> tuple[FileSystem, str]:
    """The filesystem of a URL or of an absolute path, and the path inside it.

    `name` says which filesystem; else the URL's scheme does, and a plain path is local. Raises
    ConfigError.
    """
    written = scheme(path)
    if name is None and written is not None and written not in registry.SCHEMES:
        near = nearest(written, registry.SCHEMES)
        hint = f"did you mean {near}://?" if near else f"known: {', '.join(registry.SCHEMES)}"
        raise ConfigError(f"no filesystem answers to {written}:// ({path})", hint=hint)
    chosen = name or (registry.SCHEMES[written] if written else "local")
    try:
        kind = _loaded(chosen)
    except registry.UnknownName as unknown:
        near = nearest(chosen, unknown.known)
        hint = f"did you mean {near!r}?" if near else f"known: {', '.join(unknown.known)}"
        raise ConfigError(f"unknown filesystem {chosen!r}", hint=hint) from None
    return kind.at(path, settings)


def _loaded(name: str) -> type[FileSystem]:
    """Raises UnknownName, and ConfigError where the packages that it needs are not installed."""
    entry = registry.find("filesystems", name)
    try:
        found: type[FileSystem] = entry.load()
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("hygge"):
            raise
        extra = registry.EXTRAS.get(name, name)
        what = f"{name} needs the package {missing.name!r}, which is not installed"
        raise ConfigError(what, hint=f"pip install 'hygge[{extra}]'") from missing
    return found
