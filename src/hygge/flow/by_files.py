"""`new_files`: two ways to write it, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_POSITIONS: Final[Mapping[bool | str, str]] = {True: "new_files", "again": "changed_files"}


def by_files(data: Any) -> Any:
    """Settings with both keys where one is given. Raises ValueError where they disagree."""
    if not isinstance(data, Mapping):
        return data
    files, position = data.get("new_files", False), data.get("incremental")
    named = {position: files for files, position in _POSITIONS.items()}
    if not files and position in named:
        return {**data, "new_files": named[position]}
    if not isinstance(files, bool | str) or files not in _POSITIONS:
        return data
    if position not in (None, _POSITIONS[files]):
        raise ValueError("`new_files` and `incremental` both tell what is new: keep one of them")
    return {**data, "incremental": _POSITIONS[files]}
