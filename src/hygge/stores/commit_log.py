"""What a folder of files remembers: one numbered record a fate, written once.

The first record of a number counts. Publishing is a record and then its moves and deletes, which
can be done again and again; so a crash between them is finished by whoever comes next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from hygge.core.errors import StoreError
from hygge.core.journal import from_json, to_json
from hygge.core.schema import TableSchema
from hygge.core.store import Mode, Receipt
from hygge.filesystems.filesystem import FileInfo, FileSystem

_RECORD = re.compile(r"\d{20}\.json")


class Fate(StrEnum):
    PUBLISHED = "published"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Record:
    """One fate. `moves` and `deletes` name files inside the table's folder; `current` is what a
    versioned table's readers are to look at; `next` is the first sequence number not used yet.
    `schema` has the table's columns, `manner` is how rows lie in its files. `drops`: the folder
    that has this file in this version goes before the moves; `waits`: readers have to forget the
    table before them. `about` is what the table's folder then says of itself, and `own` how the
    names in staging begin that bring it about. Its files declare the columns `required` never to
    be NULL. `loose`: a key may have several rows."""

    number: int
    fate: Fate
    load_id: str
    flow: str
    mode: Mode | None = None
    schema: TableSchema | None = None
    receipt: Receipt | None = None
    moves: tuple[tuple[str, str], ...] = ()
    deletes: tuple[str, ...] = ()
    current: tuple[str, ...] = ()
    next: int = 1
    manner: str = ""
    drops: FileInfo | None = None
    waits: bool = False
    about: str = ""
    own: str = ""
    required: tuple[str, ...] = ()
    loose: bool = False
    format: int = field(default=1)

    @property
    def targets(self) -> list[str]:
        return [target for _, target in self.moves]


class CommitLog:
    """The records of one table: `_hygge/commits/<table>/<20-digit n>.json`."""

    def __init__(self, filesystem: FileSystem, folder: str) -> None:
        self._fs, self.folder = filesystem, folder

    def _path(self, number: int) -> str:
        return f"{self.folder}/{number:020}.json"

    def numbers(self) -> list[int]:
        """Every number there is, the newest first."""
        names = (info.path.rpartition("/")[2] for info in self._fs.list(self.folder))
        return sorted((int(n[:20]) for n in names if _RECORD.fullmatch(n)), reverse=True)

    def read(self, number: int) -> Record:
        """Raises StoreError for a record that is gone or cannot be understood."""
        found = self._fs.get(self._path(number))
        try:
            return from_json(Record, found or b"")
        except ValueError as failed:
            raise StoreError(
                "a commit record cannot be read",
                file=self._fs.url(self._path(number)),
                hint="use the hygge that wrote it, or restore it from a backup: without it "
                "nobody knows what was published",
            ) from failed

    def find(self, number: int) -> Record | None:
        """The record of this number, if it is written."""
        return self.read(number) if self._fs.info(self._path(number)) is not None else None

    def backwards(self) -> Iterator[Record]:
        """Every record, the newest first, read as far as you go."""
        for number in self.numbers():
            yield self.read(number)

    def published(self) -> Iterator[Receipt]:
        """Of every load that was published, the newest first, read as far as you go."""
        yield from (r.receipt for r in self.backwards() if r.receipt is not None)

    def newest(self) -> Record | None:
        """The newest published record; None if nothing was published here."""
        return next((r for r in self.backwards() if r.fate is Fate.PUBLISHED), None)

    def of(self, load_id: str) -> Record | None:
        """The record that tells this load's fate, if it is written."""
        return next((r for r in self.backwards() if r.load_id == load_id), None)

    def next_number(self) -> int:
        """The number that the next fate must take."""
        return next(iter(self.numbers()), 0) + 1

    def write(self, record: Record) -> Record:
        """Write this fate, and return the one that holds: ours, or whoever came first."""
        ours = self._fs.put_once(self._path(record.number), to_json(record).encode())
        self.sweep()
        return record if ours else self.read(record.number)

    def sweep(self) -> None:
        """Delete what a killed writer left half written. A late one finds its number taken."""
        for info in list(self._fs.list(self.folder)):
            if info.path.rpartition("/")[2].startswith("_"):
                self._fs.delete(info.path)

    def files(self) -> tuple[set[str], set[str]]:
        """What is live, and what is there but superseded: names inside the table's folder."""
        needed = list[Record]()
        replaced = 0
        for record in self.backwards():
            if record.fate is Fate.PUBLISHED:
                needed.append(record)
                replaced += record.mode is Mode.REPLACE
            if replaced == 2:  # a full load supersedes what came before, and deletes what the
                break  # one before it superseded
        live, old = set[str](), set[str]()
        for record in reversed(needed):
            if record.mode is Mode.REPLACE:
                live, old = set(), live | old
            live = (live | set(record.targets)) - set(record.deletes)
            old -= set(record.deletes)
        return live, old
