"""Where some settings say that files lie: by a URL, a path, or a connection's name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from hygge.core.config import Connections
from hygge.filesystems.filesystem import FileSystem, locate

_FILES: Final = ("key_file", "known_hosts")
"""Settings that are files of this machine, seen from the workspace."""


class Placed(Protocol):
    """What the settings of a Home and of a Store of files have in common."""

    @property
    def path(self) -> str: ...
    @property
    def filesystem(self) -> str | None: ...
    @property
    def connection(self) -> str | None: ...


def found(config: Placed, connections: Connections) -> tuple[FileSystem, str]:
    """The filesystem and the path inside it. Raises ConfigError where it is not clear."""
    settings: dict[str, Any] = {}
    if config.connection is not None:
        settings.update(connections.settings(config.connection))
    named = settings.pop("type", None)
    for key in _FILES:
        if isinstance(file := settings.get(key), str):
            settings[key] = str(connections.root / Path(file).expanduser())
    if isinstance(name := settings.get("credential"), str):
        settings["credential"] = connections.credential(name)
    if isinstance(credential := settings.get("credential"), Mapping):
        settings["credential"] = _with_place(credential, connections.root)
    return locate(config.path, config.filesystem or named, settings)


def _with_place(credential: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Where the files of secrets lie is seen from the workspace."""
    return {
        key: {**value, "file": str(root / Path(value["file"]).expanduser())}
        if isinstance(value, Mapping) and isinstance(value.get("file"), str)
        else value
        for key, value in credential.items()
    }


def place_of(config: Placed) -> str:
    """Its path as one that can be compared with those of others: a connection's own root is told
    by its name."""
    return f"{config.connection}://{config.path}" if _inside(config) else config.path


def _inside(config: Placed) -> bool:
    return config.connection is not None and "://" not in config.path


def is_local(config: Placed) -> bool:
    """Whether a plain path is one of this machine's."""
    return config.connection is None and config.filesystem in (None, "local")
