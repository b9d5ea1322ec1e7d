"""hygge moves tables and makes data feel at home.

The names below are resolved when they are used: `import hygge` alone loads nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hygge.coordinator.coordinator import Coordinator, RunReport
    from hygge.core.blocking_store import BlockingStore
    from hygge.core.errors import (
        ConfigError,
        FlowError,
        HomeError,
        HyggeError,
        JournalError,
        StoreError,
    )
    from hygge.core.home import BlockingHome, Home, HomeConfig
    from hygge.core.partition import Partition
    from hygge.core.schema import TableSchema
    from hygge.core.store import Receipt, Store
    from hygge.core.store_config import StoreConfig
    from hygge.core.watermark import Watermark
    from hygge.flow.factory import FlowFactory
    from hygge.flow.flow import Flow
    from hygge.flow.report import FlowReport
    from hygge.flow.settings import FlowSettings
    from hygge.homes.files import FileHome, ParquetHome
    from hygge.journal.memory import MemoryJournal
    from hygge.journal.sqlite import SqliteJournal
    from hygge.stores.files import FileStore, ParquetStore
    from hygge.workspace.run import run
    from hygge.workspace.workspace import Workspace

_NAMES = {
    "BlockingHome": "hygge.core.home",
    "BlockingStore": "hygge.core.blocking_store",
    "ConfigError": "hygge.core.errors",
    "Coordinator": "hygge.coordinator.coordinator",
    "FileHome": "hygge.homes.files",
    "FileStore": "hygge.stores.files",
    "Flow": "hygge.flow.flow",
    "FlowError": "hygge.core.errors",
    "FlowFactory": "hygge.flow.factory",
    "FlowReport": "hygge.flow.report",
    "FlowSettings": "hygge.flow.settings",
    "Home": "hygge.core.home",
    "HomeConfig": "hygge.core.home",
    "HomeError": "hygge.core.errors",
    "HyggeError": "hygge.core.errors",
    "JournalError": "hygge.core.errors",
    "MemoryJournal": "hygge.journal.memory",
    "ParquetHome": "hygge.homes.files",
    "ParquetStore": "hygge.stores.files",
    "Partition": "hygge.core.partition",
    "Receipt": "hygge.core.store",
    "RunReport": "hygge.coordinator.coordinator",
    "SqliteJournal": "hygge.journal.sqlite",
    "Store": "hygge.core.store",
    "StoreConfig": "hygge.core.store_config",
    "StoreError": "hygge.core.errors",
    "TableSchema": "hygge.core.schema",
    "Watermark": "hygge.core.watermark",
    "Workspace": "hygge.workspace.workspace",
    "run": "hygge.workspace.run",
}

__all__ = [
    "BlockingHome",
    "BlockingStore",
    "ConfigError",
    "Coordinator",
    "FileHome",
    "FileStore",
    "Flow",
    "FlowError",
    "FlowFactory",
    "FlowReport",
    "FlowSettings",
    "Home",
    "HomeConfig",
    "HomeError",
    "HyggeError",
    "JournalError",
    "MemoryJournal",
    "ParquetHome",
    "ParquetStore",
    "Partition",
    "Receipt",
    "RunReport",
    "SqliteJournal",
    "Store",
    "StoreConfig",
    "StoreError",
    "TableSchema",
    "Watermark",
    "Workspace",
    "run",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("hygge")
    if name not in _NAMES:
        raise AttributeError(f"module 'hygge' has no attribute {name!r}")
    return getattr(import_module(_NAMES[name]), name)


def __dir__() -> list[str]:
    return __all__
