"""Which database some settings speak of: by a connection's name, by URL, or by a file's path."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from hygge import registry
from hygge.core.config import Connections
from hygge.core.errors import ConfigError
from hygge.databases.database import Database


class Spoken(Protocol):
    """What the settings of a Home and of a Store have in common."""

    @property
    def database(self) -> str | None: ...
    @property
    def connection(self) -> str | None: ...
    @property
    def path(self) -> str | None: ...


def found(config: Spoken, connections: Connections) -> Database:
    """Raises ConfigError where it is not clear which database is meant."""
    settings: dict[str, Any] = {}
    if config.connection and "://" in config.connection:
        settings["url"] = config.connection
    elif config.connection:
        settings.update(connections.settings(config.connection))
    if config.path is not None:
        settings["path"] = config.path
    named = settings.pop("type", None)
    kind = config.database or named or _by_url(settings.get("url"))
    if kind is None:
        raise ConfigError("which database?", hint="say `type: sqlite`, or give a `connection`")
    if kind in registry.DATABASE_FILES:
        _as_file(settings, connections.root)
    _with_place(settings, connections.root)
    if isinstance(name := settings.get("credential"), str):
        settings["credential"] = connections.credential(name)
    made: Database = _loaded(str(kind)).build(settings)
    return made


def _loaded(kind: str) -> type[Database]:
    """Raises ConfigError where the packages that it needs are not installed."""
    try:
        found: type[Database] = registry.find("databases", kind).load()
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("hygge"):
            raise
        what = f"{kind} needs the package {missing.name!r}, which is not installed"
        raise ConfigError(what, hint=f"pip install 'hygge[{kind}]'") from missing
    return found


def _as_file(settings: dict[str, Any], root: Path) -> None:
    """`sqlite:///shop.db` lies in the workspace, `sqlite:////data/shop.db` does not."""
    if url := settings.pop("url", None):
        settings["path"] = unquote(urlsplit(url).path.removeprefix("/"))
    if path := settings.get("path"):
        settings["path"] = os.path.normpath(root / Path(path).expanduser())


def _with_place(settings: dict[str, Any], root: Path) -> None:
    """Where these files lie is seen from the workspace, too."""
    for key in ("ca", "sslrootcert", "server_certificate"):
        if settings.get(key) not in (None, "system"):
            settings[key] = str(root / Path(str(settings[key])).expanduser())
    match settings.get("password"):
        case {"file": str(path), **rest}:
            settings["password"] = {**rest, "file": str(root / Path(path).expanduser())}


def _by_url(url: str | None) -> str | None:
    return registry.DATABASE_SCHEMES.get(urlsplit(url).scheme) if url else None


def located_settings(config: Spoken, root: Path) -> dict[str, Any]:
    """A file's path as it is seen from `root`."""
    if config.path is None:
        return {}
    return {"path": str((root / Path(config.path).expanduser()).resolve())}


def named_table(settings: Mapping[str, Any], entity: str) -> dict[str, Any]:
    """An entity without a table of its own has its name."""
    return {"table": entity, **settings}
