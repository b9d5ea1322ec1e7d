"""How one table is read in several ranges, each on its own connection, all as at one moment."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar

from hygge.core.errors import SourceChanged
from hygge.databases.database import Field, Session, Table


@dataclass(frozen=True, slots=True)
class Size:
    """What the catalog thinks of a table. `scattered`: rows of near keys lie far from each other,
    so that each range costs as much as the whole."""

    rows: int
    bytes: int
    scattered: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """How a column's values become the ends of ranges: the SQL that tells one as a text, and the
    SQL that is written of it. None: this value is no good end, and is left out."""

    read: str
    written: Callable[[str], str | None]


class Still(ABC):
    """One state of a table, held until it is closed; sessions join it by its name."""

    name: str

    @abstractmethod
    def close(self) -> None: ...


class Ranges(ABC):
    """What a database knows of reading in ranges. It orders and compares; nobody else does."""

    unasked: ClassVar[bool] = False
    """Whether large tables are read so by default: it costs nobody anything."""
    together: ClassVar[bool] = False
    """Whether all sessions are there from the beginning, with one more that begins them."""
    most: ClassVar[int] = 16
    """How many there are at most, if nobody says how many."""
    lasting: ClassVar[bool] = False
    """Whether a session stays in its state when a statement of it is given up."""

    @abstractmethod
    def size(self, session: Session, table: Table, key: str) -> Size | None:
        """None for what cannot be held still: a view, say."""

    @abstractmethod
    def cut(self, field: Field, column: str) -> Cut | None:
        """None where the order of `order by` and that of `>=` are not surely one, or a value told
        as a text is not surely the same value."""

    def sampled(self, share: float) -> tuple[str, str | None]:
        """What follows the table's name, and the condition, for about this share of the rows."""
        return "", f"random() < {share:f}"

    def beyond(self, columns: Sequence[str], sign: str, ends: Sequence[str]) -> str:
        """The rows from an end on (`>=`), or before it (`<`), by each column's own order."""
        told = f"{columns[-1]} {sign} {ends[-1]}"
        for column, end in reversed([*zip(columns[:-1], ends[:-1], strict=True)]):
            told = f"{column} {sign[0]}= {end} and ({column} {sign[0]} {end} or {told})"
        return told

    @abstractmethod
    def row_keys(self, session: Session, table: Table) -> list[tuple[str, ...]]:
        """Sets of columns that tell each row from every other, and are never NULL; the primary key
        first. None of what knows no such thing: a view, say."""

    def exactly(self, field: Field, column: str) -> str:
        """The column, compared so that those keys are as many to `order by` and to `>`."""
        return column

    def in_order(self, columns: Sequence[str]) -> str:
        """What follows a select whose rows are to come so."""
        return f" order by {', '.join(columns)}"

    def unheld(self, session: Session, table: Table) -> str | None:
        """Why several statements cannot show one state of the table, and what helps; None: they
        can."""
        return None

    @abstractmethod
    def hold(self, table: Table, readers: int) -> Still:
        """Keep the table's state of now for so many sessions."""

    def hold_for_one(self, table: Table) -> Still:
        """The same for one session at a time."""
        return self.hold(table, 1)

    @abstractmethod
    def join(self, name: str) -> Session:
        """A session that reads that state. Raises SourceChanged if it is gone."""


_WAITING: dict[str, list[Session]] = {}


class Together(Still):
    """Sessions that began to read while nobody could write. Each is taken once."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.name = secrets.token_hex(8)
        _WAITING[self.name] = [*sessions]

    def close(self) -> None:
        for session in _WAITING.pop(self.name, []):
            session.close()


class TogetherRanges(Ranges):
    """For a database that has no name for a moment: all readers begin while nobody can write."""

    together = lasting = True

    def hold_for_one(self, table: Table) -> Still:
        """Who is alone need not agree with anybody."""
        return Together([self.begin(table)])

    @abstractmethod
    def alone(self, table: Table) -> AbstractContextManager[Any]:
        """Nobody changes the table meanwhile. Raises ConnectionFailed if somebody has been at it
        for long."""

    @abstractmethod
    def begin(self, table: Table) -> Session:
        """A session that reads the table as it is now, for as long as it lives."""

    def hold(self, table: Table, readers: int) -> Still:
        begun = list[Session]()
        try:
            with self.alone(table):
                for _ in range(readers):
                    begun.append(self.begin(table))
        except BaseException:  # whatever ended it, nobody else would close them
            for session in begun:
                session.close()
            raise
        return Together(begun)

    def join(self, name: str) -> Session:
        try:
            return _WAITING[name].pop()
        except (KeyError, IndexError):
            raise gone() from None


def required(found: Iterable[tuple[Any, str | None, bool]]) -> list[tuple[str, ...]]:
    """Of unique indexes, those whose columns are never NULL: by each column's index, its name and
    whether it may be."""
    indexes = dict[Any, list[tuple[str | None, bool]]]()
    for index, column, nullable in found:
        indexes.setdefault(index, []).append((column, nullable))
    return [
        tuple(str(name) for name, _ in columns)
        for columns in indexes.values()
        if all(name is not None and not nullable for name, nullable in columns)
    ]


def gone(why: str = "") -> SourceChanged:
    """The error of a session that came too late."""
    told = "the state of the table that all partitions were to show is no longer held"
    return SourceChanged(f"{told}: {why}" if why else told)
