"""In which order the service takes a table's files, and how much of that is known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hygge.filesystems.filesystem import FileInfo
from hygge.mirroring.facts import FileFacts
from hygge.mirroring.names import DELETABLE, PROCESSED, Detection, number_of
from hygge.mirroring.state import SeenColumn, TableState
from hygge.mirroring.zone import TableFolder


@dataclass(frozen=True, slots=True)
class Story:
    """A table's files and what came before.

    `state` is what the service remembers, None where nobody told. `files` are to be looked at, in
    the order in which they are taken; `before` is how things stood when the first of them comes,
    None where that is not known. `chapters` are all files from the very first on, also those
    moved aside; None where some are gone. `reborn`: the folder is another than the state's; None
    where that cannot be told.
    """

    state: TableState | None
    before: TableState | None
    files: tuple[FileInfo, ...]
    chapters: tuple[FileInfo, ...] | None
    reborn: bool | None = None

    @property
    def known(self) -> bool:
        return self.before is not None

    @property
    def done(self) -> int | None:
        """The greatest number that was taken before these; None where that is not known."""
        return self.before.last if self.before is not None else None

    @property
    def waiting(self) -> tuple[FileInfo, ...]:
        """Those that surely are not taken yet: without a state, each may be one that was."""
        return self.files if self.state is not None else ()


def story_of(
    folder: TableFolder,
    detection: Detection,
    *,
    told: bool,
    state: TableState | None,
    identity: str | None,
) -> Story:
    """`told`: whether there is a state of the landing zone at all; then a table without one is
    new. `identity` is that of the folder now."""
    same = None
    if state is not None and state.identity and identity is not None:
        same = state.identity == identity if _alike(state.identity, identity) else None
    known = (state or TableState("")) if told else None
    before = TableState("") if same is False else known
    chapters = _chapters(folder, detection, before)
    reborn = None if same is None else not same
    if before is not None:
        return Story(known, before, _pending(folder, detection, before), chapters, reborn)
    if chapters is not None:
        return Story(None, TableState(""), chapters, chapters)
    return Story(None, None, _ordered(folder.data, detection), None)


def _alike(one: str, other: str) -> bool:
    """Whether two identities are of one kind (`folder:…`), and can be compared."""
    return one.partition(":")[0] == other.partition(":")[0]


def _pending(folder: TableFolder, detection: Detection, before: TableState) -> tuple[FileInfo, ...]:
    ordered = _ordered(folder.data, detection)
    if detection is Detection.LAST_UPDATE:
        return tuple(info for info in ordered if info.path not in before.processed)
    return tuple(info for info in ordered if (number_of(info.path) or 0) > before.last)


def _chapters(
    folder: TableFolder, detection: Detection, before: TableState | None
) -> tuple[FileInfo, ...] | None:
    """Every file since the first; None where one may be missing."""
    if detection is Detection.LAST_UPDATE:
        every = _ordered((*folder.processed, *folder.data), detection)
        nothing_done = before is not None and not before.processed
        return every if nothing_done or not every else None
    found = numbered((*folder.processed, *folder.data))
    if not found:
        return () if before is None or not before.last else None
    numbers = sorted(found)
    gone = numbers[0] != 1 or (
        before is not None and not found.keys() >= set(range(1, before.last + 1))
    )
    return None if gone else tuple(found[number][-1] for number in numbers)


def _ordered(files: Sequence[FileInfo], detection: Detection) -> tuple[FileInfo, ...]:
    if detection is Detection.LAST_UPDATE:
        return tuple(sorted(files, key=lambda info: (info.modified or 0, info.path)))
    found = numbered(files)
    return tuple(info for number in sorted(found) for info in found[number][-1:])


def numbered(files: Sequence[FileInfo]) -> Mapping[int, list[FileInfo]]:
    """The files that have a number, by it; the last of one number lies nearest to be taken."""
    found = dict[int, list[FileInfo]]()
    for info in files:
        if (number := number_of(name_of(info.path))) is not None:
            found.setdefault(number, []).append(info)
    return found


def name_of(path: str) -> str:
    return path.rpartition("/")[2]


def is_aside(path: str) -> bool:
    """Whether this file was taken and moved."""
    return path.partition("/")[0] in (PROCESSED, DELETABLE)


@dataclass(frozen=True, slots=True)
class Before:
    """How a table stood when a file comes: see FileView."""

    pinned: Sequence[SeenColumn] | None
    first: bool | None
    marked: bool | None
    latest: Collection[str] | None


def told(
    story: Story, facts: Mapping[str, FileFacts], detection: Detection
) -> Iterator[tuple[FileFacts, Before]]:
    """Each file of the story with what came before it."""
    before = story.before
    fresh = before is not None and not before.last and not before.processed
    pinned: dict[str, SeenColumn] | None = None
    marked: bool | None = None
    latest: Collection[str] | None = None
    if before is not None:
        marked = before.marked
        pinned = {c.name: c for c in before.columns} if fresh or before.columns else None
    for index, info in enumerate(story.files):
        file = facts[info.path]
        columns = None if pinned is None else tuple(pinned.values())
        yield file, Before(columns, _first(info, index, before, fresh, detection), marked, latest)
        if file.readable:
            latest = latest if file.only_deletes else {c.name for c in file.columns}
            pinned = {**{c.name: c for c in file.seen}, **(pinned or {})}
            marked = True if file.is_marked else marked


def _first(
    info: FileInfo, index: int, before: TableState | None, fresh: bool, detection: Detection
) -> bool | None:
    if detection is Detection.SEQUENTIAL and number_of(name_of(info.path)) == 1:
        return True
    if index or (before is not None and not fresh):
        return False
    return True if before is not None else None
