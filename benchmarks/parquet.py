"""hygge beside bare Polars and cp, parquet to parquet. `make bench`; see README.md."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import machine, report
from benchmarks.contestants import Contestant, landed
from benchmarks.data import fingerprint, made, made_fingerprint
from benchmarks.jobs import JOBS, Job
from benchmarks.measure import Run, rounds, run
from benchmarks.report import Result

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "bench"
QUICK_SCALE = 0.02


class WrongRows(RuntimeError):
    """A contestant did not land what it was given: its time is worth nothing."""


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _arguments(arguments)
    jobs = [job for job in JOBS if job.name in asked.jobs]
    if asked.quick:
        jobs = [job.scaled(asked.scale) for job in jobs]
    if asked.rounds:
        jobs = [replace(job, rounds=asked.rounds) for job in jobs]
    say(machine.told())
    results = []
    for job in jobs:
        result = measured(job, asked.cache)
        results.append(result)
        say("", *report.lines(result))
    say("", f"as JSON: {written(results, asked.cache, quick=asked.quick)}")
    return 0


def measured(job: Job, cache: Path) -> Result:
    """All rounds of a job, after one that is not counted and whose rows are compared."""
    source = made(job.dataset, cache)
    by_name = {contestant.name: contestant for contestant in job.contestants}
    for contestant in job.contestants:
        one(job, contestant, source, cache, whole=True)

    def timed(name: str) -> Run:
        return one(job, by_name[name], source, cache)

    runs = rounds(list(by_name), job.rounds, timed)
    size = sum(path.stat().st_size for path in job.dataset.paths(source))
    return Result(job, size, runs)


def one(job: Job, contestant: Contestant, source: Path, cache: Path, *, whole: bool = False) -> Run:
    """One run in an empty folder, its rows looked at (`whole`: each value), and all removed."""
    folder = cache / "work"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    took = run(contestant.prepare(job.dataset, source, folder), folder, cache)
    check(contestant.name, landed(folder), made_fingerprint(source), whole=whole)
    shutil.rmtree(folder)
    return took


def check(name: str, files: list[Path], wanted: dict[str, Any], *, whole: bool) -> None:
    """Raise WrongRows unless these files hold the rows of the source."""
    found = fingerprint(files) if whole and files else {"rows": _rows(files)}
    for what, value in found.items():
        if value != wanted[what]:
            raise WrongRows(f"{name}: {what} are {value}, not {wanted[what]}")


def _rows(files: list[Path]) -> int:
    if not files:
        return 0
    return int(pl.scan_parquet(files, glob=False).select(pl.len()).collect().item())


def written(results: list[Result], cache: Path, *, quick: bool) -> Path:
    """The file that keeps every figure of this run."""
    told = {
        "machine": machine.facts(),
        "quick": quick,
        "jobs": {
            result.job.name: {
                "rows": result.job.dataset.total,
                "bytes": result.size,
                "runs": {
                    name: [run.as_json() for run in runs] for name, runs in result.runs.items()
                },
                "targets": {verdict.what: verdict.reached for verdict in result.verdicts()},
            }
            for result in results
        },
    }
    path = cache / "results" / f"{datetime.now():%Y%m%d-%H%M%S}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1))
    return path


def say(*told: str) -> None:
    for line in told:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--jobs", default="abcd", help="which of a, b, c, d (default: all)")
    parser.add_argument("--rounds", type=int, help="timed rounds of each job")
    parser.add_argument("--quick", action="store_true", help="little data, one round: does it run?")
    parser.add_argument("--scale", type=float, default=QUICK_SCALE, help="how little, with --quick")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where data and results are kept")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())
