"""Prints what was measured: a table a job, and for each target whether it was reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.contestants import HYGGE
from benchmarks.jobs import MB, Job
from benchmarks.measure import Run, Spread

CALM = 0.05
"""Others may use so much of the machine before we say that it was not calm."""


@dataclass(frozen=True)
class Verdict:
    """One target: what was to be reached, in words, and by how much it was reached or missed."""

    what: str
    reached: bool

    def __str__(self) -> str:
        return f"{'reached' if self.reached else 'NOT REACHED'}: {self.what}"


@dataclass(frozen=True)
class Result:
    """All rounds of one job. `size`: the bytes that are moved."""

    job: Job
    size: int
    runs: dict[str, list[Run]]
    notes: tuple[str, ...] = ()

    def walls(self, name: str) -> list[float]:
        return [run.wall for run in self.runs[name]]

    def ratios(self, name: str) -> Spread:
        """Wall against the bar in the same round; some take part in the first rounds only."""
        pairs = zip(self.walls(name), self.walls(self.job.bar), strict=False)
        return Spread.of([mine / bare for mine, bare in pairs])

    def peaks(self, name: str) -> Spread:
        return Spread.of([run.peak for run in self.runs[name]])

    @property
    def others(self) -> float:
        """The share of the machine's work that was not ours."""
        ours = sum(run.cpu for runs in self.runs.values() for run in runs)
        others = sum(run.others for runs in self.runs.values() for run in runs)
        return others / (ours + others) if ours else 0.0

    def verdicts(self) -> list[Verdict]:
        targets, runs = self.job.targets, self.runs[HYGGE.name]
        wall = Spread.of(self.walls(HYGGE.name)).median
        found = []
        if targets.times is not None:
            limits = [targets.times * w + targets.plus for w in self.walls(self.job.bar)]
            share = Spread.of([r.wall / limit for r, limit in zip(runs, limits, strict=True)])
            plus = f" + {targets.plus} s" if targets.plus else ""
            told = (
                f"wall {share.median:.0%} of {targets.times} x {self.job.bar}{plus}, "
                f"round by round ({share.low:.0%}-{share.high:.0%})"
            )
            found.append(Verdict(told, share.median <= 1))
        if targets.seconds is not None:
            told = f"wall {wall:.2f} s, under {targets.seconds:.0f} s"
            found.append(Verdict(told, wall < targets.seconds))
        if targets.peak is not None:
            peak = max(run.peak for run in runs)
            told = f"peak {peak / MB:.0f} MB in the worst round, at most {targets.peak / MB:.0f} MB"
            found.append(Verdict(told, peak <= targets.peak))
        if targets.more is not None:
            mine, bare = self.peaks(HYGGE.name), self.peaks(self.job.bar)
            told = (
                f"peak {(mine.high - bare.high) / MB:+.0f} MB beside {self.job.bar} in the worst "
                f"round ({(mine.median - bare.median) / MB:+.0f} in the median one), "
                f"at most +{targets.more / MB:.0f}"
            )
            found.append(Verdict(told, mine.high - bare.high <= targets.more))
        return found


def lines(result: Result) -> Iterator[str]:
    """The job's table, line by line."""
    job, data = result.job, result.job.dataset
    count = f"{data.entities} x {data.files} files" if data.files > 1 else f"{data.entities} files"
    what = "in memory" if job.in_memory else count
    yield (
        f"({job.name}) {job.title}: {what}, {data.total:,} rows x {data.columns} columns, "
        f"{result.size / MB:.0f} MB; {len(result.runs[HYGGE.name])} rounds"
    )
    heads = (
        "wall s",
        "(min-max)",
        "CPU s",
        f"x {job.bar.removeprefix('bare ')}",
        "(min-max)",
        "M rows/s",
        "MB/s",
        "peak MB",
    )
    yield _line("", heads)
    for name, runs in result.runs.items():
        yield _line(name, _figures(result, name, runs))
    for verdict in result.verdicts():
        yield f"    {verdict}"
    for note in result.notes:
        yield f"    {note}"
    if job.served:
        yield f"    of the machine's work {result.others:.0%} was the server's, or not ours"
    elif result.others > CALM:
        yield f"    the machine was not calm: {result.others:.0%} of its work was not ours"


def _figures(result: Result, name: str, runs: Sequence[Run]) -> tuple[str, ...]:
    wall, ratio = Spread.of(result.walls(name)), result.ratios(name)
    return (
        f"{wall.median:.2f}",
        f"({wall.low:.2f}-{wall.high:.2f})",
        f"{Spread.of([run.cpu for run in runs]).median:.2f}",
        f"{ratio.median:.2f}",
        f"({ratio.low:.2f}-{ratio.high:.2f})",
        f"{result.job.dataset.total / wall.median / 1e6:.2f}",
        f"{result.size / wall.median / MB:.0f}",
        f"{Spread.of([run.peak for run in runs]).high / MB:.0f}",
    )


def _line(name: str, cells: Sequence[str]) -> str:
    widths = (8, 14, 8, 10, 14, 10, 7, 9)
    return f"    {name:20}" + "".join(f"{c:>{w}}" for c, w in zip(cells, widths, strict=True))
