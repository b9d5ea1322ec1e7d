"""Who moves the tables: each one whole command, in a folder of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import Dataset
from benchmarks.landing import TARGET


@dataclass(frozen=True)
class Contestant:
    """`prepare` makes what must be there before the clock starts, and gives the command.

    The command runs in the folder it was given, and leaves its files below `lake/` there. A `peer`
    may fail or land wrong values: then that is told, and it is not timed.
    """

    name: str
    prepare: Callable[[Dataset, Path, Path], list[str]]
    peer: bool = False


def _cp(dataset: Dataset, source: Path, folder: Path) -> list[str]:
    return ["cp", "-r", str(source), TARGET]


def _polars(dataset: Dataset, source: Path, folder: Path) -> list[str]:
    script = Path(__file__).with_name("bare_polars.py")
    return [sys.executable, str(script), str(source), TARGET]


def _hygge(*settings: str) -> Callable[[Dataset, Path, Path], list[str]]:
    def prepare(dataset: Dataset, source: Path, folder: Path) -> list[str]:
        lines = [
            "flows:",
            "  move:",
            f"    home: {{type: parquet, path: '{source}'}}",
            f"    store: {{type: parquet, path: {TARGET}}}",
            f"    entities: [{', '.join(dataset.names)}]",
            *(f"    {setting}" for setting in settings),
        ]
        (folder / "hygge.yml").write_text("\n".join(lines) + "\n")
        return [sys.executable, "-m", "hygge", "go"]

    return prepare


HYGGE = Contestant("hygge", _hygge())
HYGGE_TWO = Contestant("hygge, parallel: 2", _hygge("parallel: 2"))
POLARS = Contestant("bare Polars", _polars)
CP = Contestant("cp", _cp)
