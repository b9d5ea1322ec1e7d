"""The `connections:` of a workspace, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hygge.core.config import nearest
from hygge.core.errors import ConfigError


@dataclass(frozen=True)
class NamedConnections:
    """What the user wrote under each name. Its repr tells names only: values may be secret."""

    written: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    root: Path = Path()
    credentials: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.written))

    def credential(self, name: str) -> Mapping[str, Any]:
        """What the user wrote under this name of `credentials:`. Raises ConfigError."""
        if isinstance(found := self.credentials.get(name), Mapping):
            return dict(found)
        near = nearest(name, self.credentials)
        hint = f"did you mean {near!r}?" if near else "add it under `credentials:` in hygge.yml"
        raise ConfigError(f"there is no credential {name!r}", hint=hint)

    def settings(self, name: str) -> Mapping[str, Any]:
        """What the user wrote under this name. Raises ConfigError with the nearest name."""
        if name in self.written:
            return dict(self.written[name])
        near = nearest(name, self.written)
        if near:
            hint = f"did you mean {near!r}?"
        elif self.written:
            hint = f"the connections are {', '.join(self.names)}"
        else:
            hint = "add it under `connections:` in hygge.yml"
        raise ConfigError(f"there is no connection {name!r}", hint=hint)
