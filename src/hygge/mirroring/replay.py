"""The keys of a table, replayed from its first file on: what each row meets when it comes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hygge.mirroring.footers import Rows
from hygge.mirroring.metadata import TableMetadata
from hygge.mirroring.names import ROW_MARKER, Marker


class Meeting(StrEnum):
    """What a row met that it should not have."""

    DOUBLED = "inserted"
    AMBIGUOUS = "matched several rows"
    ABSENT_DELETE = "deleted what is not there"
    ABSENT_UPDATE = "updated what is not there"
    MOVED = "has another key than before"


@dataclass(frozen=True, slots=True)
class Met:
    """How many rows of a file met it, and the key of the first."""

    path: str
    meeting: Meeting
    rows: int
    key: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """`why`: why the rows could not be replayed; then nothing was met. `lacking`: a file without
    the column that names a row of the source, although it has rows that come."""

    met: tuple[Met, ...] = ()
    why: str | None = None
    source_id: str | None = None
    lacking: str | None = None

    def of(self, *meetings: Meeting) -> Iterator[Met]:
        return (one for one in self.met if one.meeting in meetings)


class TooMany(Exception):
    """More keys than may be held in memory."""


@dataclass(slots=True)
class Keys:
    """How many rows of each key there are now. `most`: so many keys may be held."""

    metadata: TableMetadata
    most: int
    source_id: str | None = None
    _counts: dict[Any, int] = field(default_factory=dict)
    _keys: dict[Any, Any] = field(default_factory=dict)

    def columns(self, names: Iterable[str]) -> list[str]:
        """Which columns of a file are needed."""
        wanted = {*self.metadata.keys, ROW_MARKER, self.source_id}
        return [name for name in names if name in wanted]

    def take(self, path: str, rows: Iterable[Rows]) -> list[Met]:
        """The rows of a file in their order. Raises TooMany."""
        met = dict[Meeting, tuple[int, Any]]()
        changed, gone = dict[Any, Any](), set[Any]()
        for batch in rows:
            for key, marker, source in self._each(batch):
                for meeting in self._meet(key, marker):
                    count, first = met.get(meeting, (0, key))
                    met[meeting] = count + 1, first
                if marker == Marker.DELETE:
                    gone.add(key)
                elif source is not None:
                    self._follow(source, key, changed)
        stayed = [old for old in changed.values() if old not in gone and self._counts.get(old)]
        if stayed:
            met[Meeting.MOVED] = len(stayed), stayed[0]
        return [Met(path, meeting, n, _said(key)) for meeting, (n, key) in met.items()]

    def _each(self, batch: Rows) -> Iterator[tuple[Any, int, Any]]:
        keys = [batch[name] for name in self.metadata.keys]
        count = len(keys[0])
        default = Marker.UPSERT if self.metadata.upserts else Marker.INSERT
        markers: Sequence[Any] = batch.get(ROW_MARKER) or [default] * count
        sources = batch.get(self.source_id or "") or [None] * count
        yield from zip(zip(*keys, strict=True), markers, sources, strict=True)

    def _meet(self, key: Any, marker: int) -> Iterator[Meeting]:
        there = self._counts.get(key, 0)
        if marker == Marker.INSERT:
            if there:
                yield Meeting.DOUBLED
            self._set(key, there + 1)
            return
        if there > 1:
            yield Meeting.AMBIGUOUS
        if marker == Marker.DELETE:
            if not there:
                yield Meeting.ABSENT_DELETE
            self._counts.pop(key, None)
        elif marker in (Marker.UPDATE, Marker.UPSERT):
            if marker == Marker.UPDATE and not there:
                yield Meeting.ABSENT_UPDATE
            self._set(key, 1)

    def _set(self, key: Any, count: int) -> None:
        self._counts[key] = count
        if len(self._counts) > self.most:
            raise TooMany

    def _follow(self, source: Any, key: Any, changed: dict[Any, Any]) -> None:
        """Note the old key of a row that comes under a new one."""
        old = self._keys.get(source)
        if old is not None and old != key:
            changed.setdefault(source, old)
        self._keys[source] = key


def _said(key: Any) -> str:
    return ", ".join(repr(value) for value in key)
