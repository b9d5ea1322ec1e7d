"""The rigs of our own connectors: one file a connector, its rigs named in HOMES and STORES."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from hygge.testing.harness import HomeRig, StoreRig

_MODULES = [
    import_module(f"tests.rigs.{file.stem}")
    for file in sorted(Path(__file__).parent.glob("*.py"))
    if not file.stem.startswith("_")
]
HOME_RIGS: list[type[HomeRig]] = [rig for module in _MODULES for rig in module.HOMES]
STORE_RIGS: list[type[StoreRig]] = [rig for module in _MODULES for rig in module.STORES]
