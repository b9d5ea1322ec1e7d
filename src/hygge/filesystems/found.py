"""Where some settings say that files lie: by a URL, a path, or a connection's name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from pydantic import Field

from hygge.core.config import Connections, EndConfig
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.locating import locate
from hygge.filesystems.paths import entity_path, located

_FILES: Final = ("key_file", "known_hosts")
"""Settings that are files of this machine, seen from the workspace."""


class PlacedConfig(EndConfig):
    """What the settings of a Home and of a Store of files have in common."""

    path: str = Field(min_length=1, description="A path or URL; {entity} is filled in")
    filesystem: str | None = Field(default=None, description="Where, if the path does not say")
    connection: str | None = Field(default=None, description="Which of `connections:` to use")

    @classmethod
    def for_entity(
        cls, flow: Mapping[str, Any], entity: Mapping[str, Any], name: str
    ) -> dict[str, Any]:
        return {**super().for_entity(flow, entity, name), "path": entity_path(flow, entity, name)}

    def located(self, root: Path) -> Self:
        return self.model_copy(update={"path": located(self.path, root)}) if self.is_local else self

    def places(self) -> tuple[str, ...]:
        return (self.place,)

    @property
    def place(self) -> str:
        """The path as one that can be compared with those of others: a connection's own root is
        told by its name."""
        inside = self.connection is not None and "://" not in self.path
        return f"{self.connection}://{self.path}" if inside else self.path

    @property
    def is_local(self) -> bool:
        """Whether a plain path is one of this machine's."""
        return self.connection is None and self.filesystem in (None, "local")


def found(config: PlacedConfig, connections: Connections) -> tuple[FileSystem, str]:
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
