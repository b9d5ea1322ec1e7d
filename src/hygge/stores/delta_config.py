"""Settings of a store that is a Delta table."""

from __future__ import annotations

from pydantic import Field

from hygge.core.store import StoreConfig
from hygge.filesystems.found import PlacedConfig


class DeltaStoreConfig(PlacedConfig, StoreConfig):
    """Settings of a Delta table."""

    path: str = Field(description="The table's folder: a path or URL; {entity} is filled in")
    target_file_mb: int = Field(default=256, ge=1, le=8192, description="Begin a new file at, MB")
    adopt: bool = Field(
        default=False, description="Load into a table whose rows hygge did not put there"
    )
