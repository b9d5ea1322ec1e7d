"""Runs jobs: everyone in turn, what landed looked at, all of it told and kept."""

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

from benchmarks import machine, report
from benchmarks.contestants import Contestant
from benchmarks.data import made, made_fingerprint
from benchmarks.jobs import Job
from benchmarks.measure import CommandFailed, Run, rounds, run
from benchmarks.report import Result

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "bench"
QUICK_SCALE = 0.02


class WrongRows(RuntimeError):
    """A contestant did not land what it was given: its time is worth nothing."""


def arguments(prog: str, about: str | None, jobs: str) -> argparse.ArgumentParser:
    """What every benchmark can be asked for. `jobs`: the letters of those there are."""
    parser = argparse.ArgumentParser(prog=prog, description=about)
    which = f"which of {', '.join(jobs)} (default: all)"
    parser.add_argument("--jobs", default=jobs, help=which)
    parser.add_argument("--rounds", type=int, help="timed rounds of each job")
    parser.add_argument("--quick", action="store_true", help="little data, one round: does it run?")
    parser.add_argument("--scale", type=float, default=QUICK_SCALE, help="how little, with --quick")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where data and results are kept")
    return parser


def run_all(jobs: Sequence[Job], asked: argparse.Namespace) -> int:
    """Measure these, as asked, and print each once it is done."""
    say(machine.told())
    results = []
    kept = asked.cache / "results" / f"{datetime.now():%Y%m%d-%H%M%S}.json"
    for job in jobs:
        chosen = job.scaled(asked.scale) if asked.quick else job
        if asked.rounds:
            chosen = replace(chosen, rounds=asked.rounds)
        results.append(measured(chosen, asked.cache))
        say("", *report.lines(results[-1]))
        write(results, kept, quick=asked.quick)
    say("", f"as JSON: {kept}")
    return 0


def measured(job: Job, cache: Path) -> Result:
    """All rounds of a job, after one that is not counted and whose rows are compared."""
    source, notes = made(job.dataset, cache), list[str]()
    by_name = {contestant.name: contestant for contestant in job.contestants}
    for contestant in job.contestants:
        try:
            one(job, contestant, source, cache, whole=True)
        except (WrongRows, CommandFailed) as failed:
            if not contestant.peer:
                raise
            notes.append(f"{contestant.name} is not timed: {_short(failed)}")
            del by_name[contestant.name]

    def timed(name: str) -> Run:
        return one(job, by_name[name], source, cache)

    few = {name: job.peer_rounds for name, one in by_name.items() if one.peer}
    runs = rounds(list(by_name), job.rounds, timed, few)
    return Result(job, job.size(source), runs, tuple(notes))


def _short(failed: Exception) -> str:
    """The last line of a log is what went wrong."""
    return str(failed).strip().splitlines()[-1][:300]


def one(job: Job, contestant: Contestant, source: Path, cache: Path, *, whole: bool = False) -> Run:
    """One run in an empty folder, its rows looked at (`whole`: each value), and all removed."""
    folder = cache / "work"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    job.landing.clear()
    took = run(contestant.prepare(job.dataset, source, folder), folder, cache)
    found = job.landing.found(folder, job.dataset.paths(source)[0], whole=whole)
    compare(contestant.name, found, made_fingerprint(source))
    shutil.rmtree(folder)
    return took


def compare(name: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raise WrongRows unless what was found is as it was in the source."""
    for what, value in found.items():
        if value != wanted[what]:
            raise WrongRows(f"{name}: {what} are {_other(value, wanted[what])}")


def _other(found: Any, wanted: Any) -> str:
    if not isinstance(found, dict):
        return f"{found}, not {wanted}"
    other = [name for name in {**wanted, **found} if found.get(name) != wanted.get(name)]
    told = (f"{name} {found.get(name)}, not {wanted.get(name)}" for name in other)
    return f"others in {', '.join(told)}"


def write(results: list[Result], path: Path, *, quick: bool) -> None:
    """Keep every figure of this run; after each job, since the next may fail."""
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
                "notes": result.notes,
            }
            for result in results
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1))


def say(*told: str) -> None:
    for line in told:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
