"""What may stand in `hygge.yml`, in a flow and in an entity."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, field_validator

from hygge.core.config import Settings
from hygge.flow.settings import FlowSettings

_UNITS: Final = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}

SPELLINGS: Final = {"key_columns": "keys", "primary_key": "keys"}
"""Other names that keys of a flow or entity have in YAML."""

DEFAULT_KEYS: Final = frozenset({*FlowSettings.model_fields, "home", "store"})
ENTITY_KEYS: Final = DEFAULT_KEYS | {"name"}
FLOW_KEYS: Final = ENTITY_KEYS | {"entities", "exclude"}


class Options(Settings):
    """How a run goes about its flows."""

    concurrency: int = Field(default=8, ge=1, le=256, description="Flows at once")
    memory: int = Field(
        default=2**30, ge=2**20, description="Bytes in flight in the whole run: 1GB, 512MB"
    )
    fail_fast: bool = Field(default=False, description="Stop the run when one flow fails")

    @field_validator("memory", mode="before")
    @classmethod
    def _bytes(cls, given: Any) -> Any:
        return parse_bytes(given) if isinstance(given, str) else given


OPTION_KEYS: Final = frozenset(Options.model_fields)


def _by_url(given: Any) -> Any:
    """A connection that is a text is a URL."""
    return {"url": given} if isinstance(given, str) else given


class Project(Settings):
    """`hygge.yml`, but for its options: what lies inside is looked at by those who use it."""

    name: str | None = Field(
        default=None, min_length=1, description="The workspace's name; its folder's by default"
    )
    flows_dir: str = Field(default="flows", min_length=1, description="The folder of the flows")
    flows: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Flows written here, by name, in place of a folder each"
    )
    connections: dict[str, Annotated[dict[str, Any], BeforeValidator(_by_url)]] = Field(
        default_factory=dict, description="The systems to be connected to, by name"
    )
    credentials: dict[str, Any] = Field(
        default_factory=dict, description="What opens them, by name", repr=False
    )
    defaults: dict[str, Any] = Field(
        default_factory=dict, description="Settings that every flow has unless it says otherwise"
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="concurrency, memory and fail_fast of a run"
    )


PROJECT_KEYS: Final = frozenset(Project.model_fields) | OPTION_KEYS


def parse_bytes(text: str) -> int:
    """`1GB`, `512 MiB` or `1000000` in bytes; units are those of memory: powers of 1024."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:([kmg])i?)?b?\s*", text.lower())
    if found is None:
        raise ValueError("not a number of bytes: write 1GB or 512MB")
    return int(float(found[1]) * _UNITS[found[2] or ""])
