"""Settings of a store that is a Delta table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from hygge.core.store import StoreConfig
from hygge.filesystems.found import is_local, place_of
from hygge.filesystems.paths import entity_path, located


class DeltaStoreConfig(StoreConfig):
    """Settings of a Delta table."""

    path: str = Field(description="The table's folder: a path or URL; {entity} is filled in")
    filesystem: str | None = Field(default=None, description="Where, if the path does not say")
    connection: str | None = Field(default=None, description="Which of `connections:` to use")
    target_file_mb: int = Field(default=256, ge=1, le=8192, description="Begin a new file at, MB")
    adopt: bool = Field(
        default=False, description="Load into a table whose rows hygge did not put there"
    )

    @classmethod
    def for_entity(
        cls, flow: Mapping[str, Any], entity: Mapping[str, Any], name: str
    ) -> dict[str, Any]:
        return {**super().for_entity(flow, entity, name), "path": entity_path(flow, entity, name)}

    def located(self, root: Path) -> Self:
        return (
            self.model_copy(update={"path": located(self.path, root)}) if is_local(self) else self
        )

    def places(self) -> tuple[str, ...]:
        return (place_of(self),)
