"""Paths and URLs as people write them: relative ones joined, absolute ones kept."""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hygge.filesystems.filesystem import scheme


def located(path: str, root: Path) -> str:
    """The path seen from `root`; URLs and absolute paths stay; `~` is the user's own folder."""
    if scheme(path) is not None:
        return path.rstrip("/")
    return os.path.normpath(root / Path(path).expanduser())


def joined(folder: str, path: str) -> str:
    """`path` inside `folder`, unless it stands for itself."""
    if scheme(path) is not None or path.startswith(("/", "~")):
        return path
    return f"{folder.rstrip('/')}/{path}" if folder else path


def entity_path(flow: Mapping[str, Any], entity: Mapping[str, Any], name: str) -> str:
    """Where an entity lies: its own path within its flow's, `{entity}` filled in, else its name."""
    above, own = str(flow.get("path", "")), entity.get("path")
    if own is not None:
        return joined(above.replace("{entity}", name), str(own).replace("{entity}", name))
    return above.replace("{entity}", name) if "{entity}" in above else joined(above, name)
