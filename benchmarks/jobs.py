"""What is to be moved, by whom, and what hygge means to reach."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from benchmarks import contestants, data
from benchmarks.contestants import Contestant
from benchmarks.data import Dataset
from benchmarks.landing import Files, Landing

MB = 10**6
ROUNDS = 7
FILES = Files()
BAR = contestants.POLARS.name


@dataclass(frozen=True)
class Targets:
    """Wall at most `times` the bar's `plus` so many seconds; None is not asked of this job.

    `more`: how much more memory than the bar.
    """

    times: float | None = None
    plus: float = 0.4
    seconds: float | None = None
    peak: int | None = None
    more: int | None = None


@dataclass(frozen=True)
class Job:
    """`bar` is the contestant that all are compared with, `served` whether a server works, too."""

    name: str
    title: str
    dataset: Dataset
    contestants: tuple[Contestant, ...]
    targets: Targets
    rounds: int = ROUNDS
    peer_rounds: int = ROUNDS
    bar: str = BAR
    landing: Landing = FILES
    in_memory: bool = False
    served: bool = False

    def size(self, folder: Path) -> int:
        """Bytes of the source: of its files, or of its rows in memory."""
        paths = self.dataset.paths(folder)
        if self.in_memory:
            return sum(int(pl.read_parquet(path).estimated_size()) for path in paths)
        return sum(path.stat().st_size for path in paths)

    def scaled(self, scale: float) -> Job:
        """The same with little data, once, and nothing to reach: only to see that it runs."""
        return replace(self, dataset=self.dataset.scaled(scale), targets=Targets(), rounds=1)


_THREE = (contestants.HYGGE, contestants.POLARS, contestants.CP)
_FOUR = (contestants.HYGGE, contestants.HYGGE_TWO, contestants.POLARS, contestants.CP)

JOBS = (
    Job("a", "some tables", data.SOME_TABLES, _THREE, Targets(times=1.25), rounds=15),
    Job("b", "a big table", data.BIG_TABLE, _FOUR, Targets(times=1.25, peak=600 * MB)),
    Job("c", "many small tables", data.MANY_TABLES, _THREE, Targets(seconds=4.0)),
    Job("d", "one row group", data.ONE_GROUP, _THREE, Targets(peak=600 * MB), rounds=3),
)
