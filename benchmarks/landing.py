"""What a contestant left where it was to land, by another reader than its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import polars as pl

from benchmarks.data import fingerprint

TARGET = "lake"


class Landing(Protocol):
    """One place. `like`: a file with the columns that are meant."""

    def clear(self) -> None:
        """As if nobody had been here; what lies in the folder is removed with it."""

    def found(self, folder: Path, like: Path, *, whole: bool) -> dict[str, Any]:
        """The rows and, if `whole`, the fingerprint of what is there."""


class Files:
    """Parquet files below `lake/`. `exact`: of the source's types, not only of equal values."""

    def __init__(self, *, exact: bool = True) -> None:
        self._exact = exact

    def clear(self) -> None:
        return None

    def found(self, folder: Path, like: Path, *, whole: bool) -> dict[str, Any]:
        return files_told(landed(folder), None if self._exact else like, whole=whole)


def landed(folder: Path) -> list[Path]:
    """The files that a reader finds now: not what begins with `_` or `.`."""
    target = folder / TARGET
    return sorted(
        file
        for file in target.rglob("*.parquet")
        if not any(part[0] in "._" for part in file.relative_to(target).parts)
    )


def files_told(files: list[Path], like: Path | None, *, whole: bool) -> dict[str, Any]:
    if not files:
        return {"rows": 0}
    if whole:
        return fingerprint(files, like)
    return {"rows": int(pl.scan_parquet(files, glob=False).select(pl.len()).collect().item())}
