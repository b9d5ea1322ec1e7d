"""Settings of a store of files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from hygge import registry
from hygge.core.config import Wrong
from hygge.core.errors import ConfigError
from hygge.core.store import StoreConfig
from hygge.filesystems.found import PlacedConfig
from hygge.formats.options import checked, gathered
from hygge.stores.file_names import DEFAULT_PATTERN, check_pattern


class FileStoreConfig(PlacedConfig, StoreConfig):
    """Settings of a folder of files."""

    path: str = Field(description="The table's folder: a path or URL; {entity} is filled in")
    format: str = Field(default="parquet", description="How rows lie in the files")
    options: Mapping[str, Any] = Field(default={}, description="The format's own options")
    target_file_mb: int = Field(default=256, ge=1, le=8192, description="Begin a new file at, MB")
    file_pattern: str = Field(
        default=DEFAULT_PATTERN,
        description="Names from {sequence}, {timestamp}, {flow}, {entity}, {load_id}",
    )
    layout: Literal["folder", "versioned"] = Field(
        default="folder",
        description="versioned: a folder a load and a pointer, atomic for readers that follow it",
    )
    adopt: bool = Field(default=False, description="Take files that hygge did not put for its own")

    @model_validator(mode="before")
    @classmethod
    def _inline_options(cls, data: Any) -> Any:
        return gathered(data, cls.model_fields, str(data.get("format") or "parquet"))

    @model_validator(mode="after")
    def _known_options(self) -> Self:
        checked(self.options, self.format)
        return self

    @model_validator(mode="after")
    def _no_file(self) -> Self:
        told = registry.format_of(self.path)
        if told not in (None, self.format):
            raise Wrong(
                f"the path is that of a {told} file, a store is a folder of {self.format} files",
                f"leave the ending out; `type: {told}` writes {told} files into the folder",
            )
        return self

    @field_validator("file_pattern")
    @classmethod
    def _unique_names(cls, pattern: str) -> str:
        try:
            return check_pattern(pattern)
        except ConfigError as failed:
            raise ValueError(f"{failed.what}; {failed.hint}") from None
