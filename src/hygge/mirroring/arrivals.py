"""Which file of a table's folder is next, and which lie there for no good reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hygge.filesystems.filesystem import FileInfo
from hygge.mirroring.names import DELETABLE, PROCESSED, Detection, file_name, number_of
from hygge.mirroring.state import TableState
from hygge.mirroring.stopping import REBUILD, TableStops, Why
from hygge.mirroring.zone import TableFolder


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What can be applied, in order. `waits` is the name that must come before any other."""

    next: tuple[FileInfo, ...] = ()
    waits: str | None = None


def arrivals(folder: TableFolder, state: TableState) -> Arrivals:
    """The files that are to be applied now. Raises TableStops for a number that is there twice."""
    if state.detection is Detection.LAST_UPDATE:
        pending = (info for info in folder.data if info.path not in state.processed)
        return Arrivals(tuple(sorted(pending, key=lambda info: (info.modified or 0, info.path))))
    numbered = _numbered(folder.data)
    found, number = list[FileInfo](), state.last + 1
    while number in numbered:
        if len(numbered[number]) > 1:
            if found:  # those before it are applied first
                break
            names = " and ".join(info.path for info in numbered[number])
            told = f"the number {number} is there twice: {names}"
            raise TableStops(told, Why.REUSED, hint=REBUILD)
        found += numbered[number]
        number += 1
    waits = file_name(number) if any(other > number for other in numbered) else None
    return Arrivals(tuple(found), waits)


def remains(folder: TableFolder, state: TableState) -> list[FileInfo]:
    """Files in the folder that were applied, or whose time has passed."""
    if state.detection is Detection.LAST_UPDATE:
        return [info for info in folder.data if info.path in state.processed]
    numbers = ((info, number_of(info.path)) for info in folder.data)
    return [info for info, number in numbers if number is not None and number <= state.last]


def moved_away(folder: TableFolder, name: str) -> bool:
    """Whether a file of this name lies among those that are done with."""
    places = {f"{PROCESSED}/{name}", f"{DELETABLE}/{name}"}
    return any(info.path in places for info in folder.files)


def strangers(folder: TableFolder, detection: Detection) -> list[str]:
    """Names that nobody will ever read."""
    if detection is Detection.LAST_UPDATE:
        return []
    return [info.path for info in folder.data if number_of(info.path) is None]


def _numbered(files: Iterable[FileInfo]) -> dict[int, list[FileInfo]]:
    found = dict[int, list[FileInfo]]()
    for info in files:
        if (number := number_of(info.path)) is not None:
            found.setdefault(number, []).append(info)
    return found
