"""What the settings of every Store have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from hygge.core.config import EndConfig


class StoreConfig(EndConfig):
    """What every Store's settings have. Subclass it beside the Store."""

    needs_run_type: ClassVar[bool] = False  # no run type is taken for granted

    def for_runs(self, source: Callable[[], str]) -> StoreConfig | None:
        """The settings of the table in which hygge's own runs are wanted, and from which `source`
        they are; None: they are not."""
        return None

    @classmethod
    def create(cls, settings: str | Mapping[str, Any]) -> StoreConfig:
        """From a path, or a mapping with `type`. ConfigError names every wrong key."""
        made = cls._create("stores", settings)
        assert isinstance(made, StoreConfig)
        return made
