"""Times whole processes: wall, CPU and peak memory of a command, from start to exit."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")
PATIENCE = 300.0


class CommandFailed(RuntimeError):
    """A contestant did not come to its end; the message holds the last words of its log."""


@dataclass(frozen=True)
class Run:
    """What one process took: seconds, and bytes. `others`: CPU seconds of everybody else."""

    wall: float
    cpu: float
    peak: int
    others: float

    def as_json(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class Spread:
    """The median of some figures, and how far they lie apart."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        return cls(statistics.median(figures), min(figures), max(figures))


def run(command: Sequence[str], cwd: Path, cache: Path) -> Run:
    """Run a command to its end and say what it took; its words go to `log`. CommandFailed."""
    cache, log = cache.resolve(), cache.resolve() / "log"
    os.sync()  # nobody pays for what the one before left to be written
    launch = [sys.executable, "-I", "-S", str(LAUNCHER), str(log), *command]
    busy = machine_busy()
    process = subprocess.Popen(
        launch, cwd=cwd, env=environment(cache), stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        told, _ = process.communicate(timeout=PATIENCE)
    except BaseException:
        os.killpg(process.pid, 9)
        process.wait()
        raise
    took = json.loads(told or '{"code": "no word from the launcher"}')
    if took["code"] != 0:
        words = log.read_text(errors="replace")[-2000:]
        raise CommandFailed(f"{' '.join(command)} ended with {took['code']}:\n{words}")
    cpu = took["user"] + took["system"]
    others = machine_busy() - busy - cpu if busy else 0.0
    return Run(took["wall"], cpu, took["peak"], max(0.0, others))


def environment(cache: Path) -> dict[str, str]:
    """Ours, with a PYTHONPATH that means the same in any folder, and compiled modules kept.

    Installed packages are compiled once; so are those of a checkout, whatever is set outside. What
    our own Polars told its allocator is not for others: each tells its own.
    """
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    told = {name: value for name, value in os.environ.items() if name != "_RJEM_MALLOC_CONF"}
    ours = {**told, "PYTHONPATH": os.pathsep.join(str(Path(p).resolve()) for p in paths if p)}
    ours.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**ours, "PYTHONPYCACHEPREFIX": str(cache / "compiled")}


def machine_busy() -> float:
    """CPU seconds that the whole machine has worked since it started; 0 where it cannot be told."""
    try:
        words = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    except OSError:
        return 0.0
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, words[1:9])
    ticks: int = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq + steal) / ticks


def rounds(
    contestants: Sequence[str],
    count: int,
    one: Callable[[str], Run],
    few: Mapping[str, int] | None = None,
) -> dict[str, list[Run]]:
    """Every contestant once a round, each round beginning with another one.

    `few`: those that take part in the first rounds only, and in how many.
    """
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for turn in range(count):
        first = turn % len(contestants)
        for name in [*contestants[first:], *contestants[:first]]:
            if turn < (few or {}).get(name, count):
                runs[name].append(one(name))
    return runs
