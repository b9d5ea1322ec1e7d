"""Files that were applied: the last one stays in its folder, those before it leave by two steps."""

from __future__ import annotations

from time import time

from hygge.filesystems.filesystem import FileInfo, FileSystem
from hygge.mirroring.arrivals import moved_away, remains
from hygge.mirroring.choices import Choices
from hygge.mirroring.landed import sha256
from hygge.mirroring.mirror_log import Remembered
from hygge.mirroring.names import DELETABLE, PROCESSED, Detection, number_of
from hygge.mirroring.stopping import REBUILD, TableStops, Why
from hygge.mirroring.zone import TableFolder


class Leaving:
    """The files of one folder. With `check` nothing is moved."""

    def __init__(
        self, files: FileSystem, folder: TableFolder, choices: Choices, check: bool
    ) -> None:
        self._files, self._folder, self._choices, self._check = files, folder, choices, check

    def tidy(self, known: Remembered) -> list[str]:
        """Move what was applied and still lies there; notes on what will not be read again.

        Raises TableStops for a number that was used again, and for an applied file that changed.
        """
        notes, exact = list[str](), known.state.detection is Detection.SEQUENTIAL
        for info in remains(self._folder, known.state):
            told = self._complaint(info, known)
            if told is not None and exact:
                raise TableStops(told, Why.REUSED, hint=REBUILD)
            if told is not None:
                notes.append(f"{told}; it is not read again")
            elif info.path != known.reference:
                self.move(info.path)
        self._age()
        return notes

    def move(self, name: str) -> None:
        """One that was applied, and is not the last any more. None of this name is fine."""
        if name and not self._check:
            top = self._folder.path
            self._files.move(f"{top}/{name}", f"{top}/{PROCESSED}/{name}")

    def _complaint(self, info: FileInfo, known: Remembered) -> str | None:
        digest = known.state.processed.get(info.path)
        if digest is None:
            return f"{info.path}: its number was used before"
        if info.path == known.reference and info.version == known.version:
            return None
        if sha256(self._files, f"{self._folder.path}/{info.path}") != digest:
            return f"{info.path} was applied, and has other bytes now"
        # all before the last but one were moved before that one was applied
        exact = known.state.detection is Detection.SEQUENTIAL
        if exact and (number_of(info.path) or 0) < known.state.last - 1:
            return f"{info.path} was applied and moved away, and is there again"
        # a move that is not done at once may have been cut short, and then both are there
        if self._files.capabilities.atomic_move and moved_away(self._folder, info.path):
            return f"{info.path} was applied and moved away, and is there again"
        return None

    def _age(self) -> None:
        ready, delete = self._choices.ready_after, self._choices.delete_after
        if self._check:
            return
        for info in self._folder.files:
            folder, _, name = info.path.rpartition("/")
            age = time() - info.modified if info.modified is not None else 0.0
            path = f"{self._folder.path}/{info.path}"
            if folder in (PROCESSED, DELETABLE) and delete and age > delete.total_seconds():
                self._files.delete(path)
            elif folder == PROCESSED and ready and age > ready.total_seconds():
                self._files.move(path, f"{self._folder.path}/{DELETABLE}/{name}")
