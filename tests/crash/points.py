"""Crash points: each in a folder made fresh, two at a time, until there is none left."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.crash import story
from tests.crash.places import HERE, KEPT, TEMPLATE, Place, place_of
from tests.crash.story import Attempt, Case, Fault, Outcome
from tests.rigs.delta import DeltaRig
from tests.rigs.duckdb import DuckdbStoreRig
from tests.rigs.files import ParquetFolderRig, VersionedParquetRig
from tests.rigs.open_mirroring import MirrorRig
from tests.rigs.sqlite import SqliteStoreRig

from hygge.core.journal import from_json
from hygge.filesystems.locating import locate
from hygge.mirroring.lint import lint
from hygge.mirroring.rules.rule import Severity
from hygge.mirroring.state import ZoneState
from hygge.testing.harness import Row, StoreRig, unordered
from hygge.testing.zygote import Ending, Zygote


class MirrorPlace(MirrorRig):
    """What the linter says of the zone counts as left over."""

    def leftovers(self) -> Sequence[str]:
        state = from_json(ZoneState, (self.mirror / "_mirror" / "state.json").read_bytes())
        found = lint(*locate(str(self.zone)), state=state)
        wrong = [str(one) for one in found.shown if one.severity is not Severity.WARNING]
        return [*super().leftovers(), *wrong]


RIGS: dict[str, type[StoreRig]] = {
    "delta": DeltaRig,
    "mirror": MirrorPlace,
    "folder": ParquetFolderRig,
    "versioned": VersionedParquetRig,
    "sqlite": SqliteStoreRig,
    "duckdb": DuckdbStoreRig,
}
HIGHEST = 2000


class Workshop:
    """One zygote and one folder: where one crash after the other happens."""

    def __init__(self, folder: Path) -> None:
        self.zygote = Zygote("tests.crash.story")
        working = {"polars-0", "tokio-rt-worker", "hygge-journal"} & {*self.zygote.threads}
        assert not working, "what was imported has begun to work: it cannot be forked any more"
        self.folder, self._kept = folder / "place", folder / "kept"
        self._template = folder / "template"
        self.case = Case("full_drop")
        self.place: Place | None = None

    def close(self) -> None:
        self.zygote.__exit__()

    def prepare(self, case: Case) -> None:
        """A first load, and a source that has changed since: what every point begins with."""
        self.place = place_of(case.layout, self.folder)
        self.case = (
            replace(case, at=self.place.url, prefix=self.place.prefix) if self.place else case
        )
        if self.place:
            self.place.make()
        for folder in (self.folder, self._template):
            shutil.rmtree(folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        outcome = said(self.zygote.run(story.prepare, self.folder, self.case))
        assert outcome.status == "success", outcome.error
        assert self.rows() == unordered(case.rows(new=False))
        self._copy(self.folder, self._template, HERE, TEMPLATE)

    def _copy(self, source: Path, target: Path, one: str, two: str) -> None:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, copy_function=_same)
        if self.place:
            self.place.copy(one, two)

    def fresh(self) -> None:
        self._copy(self._template, self.folder, TEMPLATE, HERE)

    def run(self, what: Attempt) -> Ending:
        ending = self.zygote.run(story.attempt, self.folder, what)
        if self.place:
            self.place.settle()
        return ending

    def rig(self) -> StoreRig:
        return self.place or RIGS[self.case.layout](self.folder)

    def rows(self) -> list[Row]:
        return unordered(self.case.seen(self.rig().look()))

    def lose_the_journal(self) -> None:
        for file in self.folder.glob("journal.db*"):
            file.unlink()

    def settled(self) -> list[str]:
        """Run once more, in peace; what is not as it should be then."""
        ending = self.run(Attempt(self.case, retries=3))
        if ending.code != 0 or ending.said.status not in ("success", "skip"):
            return [f"the next run: {ending}"]
        found = self.complaints()
        if ending.said.unfinished:
            found.append(f"{ending.said.unfinished} unfinished in the journal")
        return found

    def complaints(self) -> list[str]:
        """What is not as it should be at the destination."""
        found = [f"left: {path}" for path in self.rig().leftovers()]
        if self.place:
            found += [f"still held: {note}" for note in self.place.leases()]
        if (rows := self.rows()) != unordered(self.case.rows(new=True)):
            found.append(f"{len(rows)} rows, not the new ones")
        return found

    def keep(self) -> None:
        """Remember how things are now, for `back`."""
        self._copy(self.folder, self._kept, HERE, KEPT)

    def back(self) -> None:
        """As things were at `keep`."""
        self._copy(self._kept, self.folder, KEPT, HERE)


def _same(path: str, target: str) -> None:
    """A copy; of the flow's source and a landing zone, the same files: to a flow of files another
    one is new, and a folder that is to be dropped is told by a file in it."""
    if Path(path).parent.name == "source" or "/database/" in path:
        Path(target).hardlink_to(path)
    else:
        shutil.copy2(path, target)


@dataclass
class Tally:
    """How many points were met, and what went wrong at which."""

    points: int = 0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join((f"{self.points} points", *self.failures))


Crash = Callable[[Workshop, int], "list[str] | None"]
"""Makes the n-th point happen and returns complaints; None: there is no such point."""


def said(ending: Ending) -> Outcome:
    """What the run came to, if it came to an end."""
    assert ending.code == 0, ending.trace
    assert isinstance(ending.said, Outcome)
    return ending.said


def every_point(
    workshops: Sequence[Workshop], case: Case, crash: Crash, step: int = 1, first: int = 1
) -> Tally:
    """All points of a case (or every so many), spread over the workshops."""
    tally, lock = Tally(), threading.Lock()
    numbers = iter(range(first, HIGHEST, step))
    over = threading.Event()

    def work(workshop: Workshop) -> None:
        workshop.prepare(case)
        while not over.is_set():
            with lock:
                number = next(numbers)
            workshop.fresh()
            complaints = crash(workshop, number)
            if complaints is None:
                over.set()
                return
            with lock:
                tally.points += 1
                tally.failures += [f"point {number}: {told}" for told in complaints]

    with ThreadPoolExecutor(len(workshops)) as pool:
        list(pool.map(work, workshops))
    return tally


def killed(workshop: Workshop, fault: Fault) -> bool:
    """Whether the run was killed at its fault; else it ended well, without meeting it."""
    ending = workshop.run(Attempt(workshop.case, fault))
    if ending.killed:
        return True
    outcome = said(ending)
    assert outcome.status == "success", outcome
    return False
