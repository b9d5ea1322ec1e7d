"""What a data file of a landing zone is, as far as the rules ask: read once, judged many times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hygge.mirroring.names import ROW_MARKER, Marker
from hygge.mirroring.state import SeenColumn


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column. `type` in Arrow's words as a state has them; "" where nothing tells it.

    `physical` and `logical` are parquet's, "" for what has several of them or is no parquet.
    `nulls`: how many rows have none, None where that was not looked at.
    """

    name: str
    type: str
    nullable: bool = True
    nested: bool = False
    physical: str = ""
    logical: str = ""
    nulls: int | None = None


def one_type(told: str) -> str:
    """Of types in Arrow's words that a table does not tell apart, the one that it has."""
    return told.replace("timestamp[ms", "timestamp[us")


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One data file, by its path below the table's folder.

    `broken` says why it cannot be read; then nothing else is known of it. `illegal` says which
    column's types cannot be, where Arrow does not even read them. `markers` counts the rows of each
    marker: a number, a text that is none, or None for NULL. Where there is no column of markers, or
    several, it is None.
    """

    path: str
    size: int
    delimited: bool = False
    broken: str | None = None
    illegal: str | None = None
    rows: int = 0
    columns: tuple[ColumnFacts, ...] = ()
    codecs: tuple[str, ...] = ()
    markers: Mapping[int | str | None, int] | None = field(default=None, hash=False)

    @property
    def readable(self) -> bool:
        return self.broken is None and self.illegal is None

    @property
    def is_marked(self) -> bool:
        """Whether its rows say what is done with them."""
        return any(column.name == ROW_MARKER for column in self.columns)

    @property
    def own(self) -> tuple[ColumnFacts, ...]:
        """The table's columns: all but the marker, however that is spelled."""
        return tuple(c for c in self.columns if c.name.lower() != ROW_MARKER.lower())

    def column(self, name: str) -> ColumnFacts | None:
        return next((column for column in self.columns if column.name == name), None)

    def has(self, *markers: int) -> bool:
        """Whether a row has one of these."""
        return any((self.markers or {}).get(marker) for marker in markers)

    @property
    def only_deletes(self) -> bool:
        """Whether every row is one: then nothing but keys is needed."""
        return set(self.markers or ()) == {int(Marker.DELETE)}

    @property
    def seen(self) -> tuple[SeenColumn, ...]:
        """Its columns as a state remembers them."""
        return tuple(SeenColumn(c.name, c.type, c.nullable) for c in self.own)
