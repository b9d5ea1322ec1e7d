"""Which staged rows are whose: a row knows its part by two columns, or by its number."""

from __future__ import annotations

import re
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence

import polars as pl

from hygge.core.errors import Unsupported
from hygge.core.schema import Column, TableSchema
from hygge.core.store import Piece
from hygge.databases.database import Database, Session

Insert = Callable[[pl.DataFrame], int | None]
"""Adds rows to staging; the number of the first, where the database numbers them."""
PART, ROW = "_hygge_part", "_hygge_row"
"""Columns of a staging table: which try at a partition a row belongs to, and its place in it."""


_RANGE = re.compile(r"(\d+)-(\d+)")


class Pieces(ABC):
    """The pieces that staged rows make up, each known by a name."""

    own: Sequence[Column]
    """Columns that a staging table has beside those of the load."""
    place: Sequence[str]
    """Columns that tell one staged row from every other, in SQL."""
    count: str
    """Counts rows, in SQL."""

    @abstractmethod
    def begin(self) -> Try:
        """A fresh try at a part."""

    @abstractmethod
    def among(self, names: Sequence[str], of: str = "") -> str:
        """The condition of rows that lie in these pieces; `of` is the table's name in the query."""

    @abstractmethod
    def latest(self, names: Sequence[str]) -> str:
        """Orders rows so that those which come last in these pieces, in their order, are first."""

    def in_order(self, names: Sequence[str]) -> bool:
        """Whether their rows lie as they were begun to be written, one piece after the other; parts
        that were written side by side lie side by side."""
        return bool(names) and [*names] == sorted(names, key=int)

    @abstractmethod
    def whole(self, session: Session, staged: str, names: Sequence[str]) -> Mapping[str, int]:
        """The rows of each of these pieces, as the database finds them now. None is missing of
        those, and none there twice."""


class Try(ABC):
    """What one part writes."""

    @abstractmethod
    def add(self, insert: Insert, rows: pl.DataFrame) -> None:
        """As durable as what is inserted."""

    @property
    @abstractmethod
    def pieces(self) -> tuple[Piece, ...]:
        """All that was added, in order."""


def pieces_of(database: Database) -> Pieces:
    return Numbered(database, database.row_number) if database.row_number else Tagged(database)


class Tagged(Pieces):
    """By two columns. A piece is named by a tag that nobody used before, a number that grows."""

    own = (Column(PART, pl.Int64(), False), Column(ROW, pl.Int64(), False))

    def __init__(self, database: Database) -> None:
        self._part, self._row = (database.quoted(name) for name in (PART, ROW))
        self.place, self.count = (self._part, self._row), database.counted

    def begin(self) -> Try:
        return _TaggedTry()

    def among(self, names: Sequence[str], of: str = "") -> str:
        head = f"{of}." if of else ""
        return f"{head}{self._part} in ({', '.join(map(_tag, names))})"

    def latest(self, names: Sequence[str]) -> str:
        places = " ".join(f"when {_tag(name)} then {n}" for n, name in enumerate(names))
        return f"case {self._part} {places} end desc, {self._row} desc"

    def whole(self, session: Session, staged: str, names: Sequence[str]) -> Mapping[str, int]:
        """A row that is lost and one that is there twice leave the count, but not the sum."""
        part, row = self._part, self._row
        found = session.rows(
            f"select {part}, {self.count}, min({row}), max({row}), sum({row}) from {staged} "
            f"group by {part}"
        )
        return {
            str(tag): count
            for tag, count, low, high, total in found
            if (low, high) == (0, count - 1) and int(total) == count * (count - 1) // 2
        }


class _TaggedTry(Try):
    def __init__(self) -> None:
        moment = time.time_ns() // 1000  # in 51 bits, until 2041
        self._tag, self._rows, self._bytes = moment << 12 | secrets.randbits(12), 0, 0

    def add(self, insert: Insert, rows: pl.DataFrame) -> None:
        places = pl.int_range(self._rows, self._rows + rows.height, dtype=pl.Int64, eager=True)
        tagged = rows.select(
            pl.lit(self._tag, pl.Int64).alias(PART), places.alias(ROW), pl.col(rows.columns)
        )
        insert(tagged)
        self._rows += rows.height
        self._bytes += int(rows.estimated_size())

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return (Piece(str(self._tag), self._rows, self._bytes),) if self._rows else ()


class Numbered(Pieces):
    """By the numbers that the database gives rows as they come: a piece is `first-last`.

    Nothing is deleted from staging before it is published, so its numbers have no gaps, and no
    number comes twice, not even where the file is packed anew.
    """

    own = ()

    def __init__(self, database: Database, number: str) -> None:
        self._number, self.place, self.count = number, (number,), database.counted

    def begin(self) -> Try:
        return _NumberedTry(self._number)

    def among(self, names: Sequence[str], of: str = "") -> str:
        """Those that follow each other are one range; a long row of `or` is too deep for SQLite."""
        head = f"{of}." if of else ""
        return _any([f"{head}{self._within(*ends)}" for ends in _runs(map(_ends, names))])

    def in_order(self, names: Sequence[str]) -> bool:
        return len(_runs(map(_ends, names))) == 1

    def latest(self, names: Sequence[str]) -> str:
        runs = enumerate(_runs(map(_ends, names)))
        places = " ".join(f"when {self._within(*ends)} then {n}" for n, ends in runs)
        return f"case {places} end desc, {self._number} desc"

    def whole(self, session: Session, staged: str, names: Sequence[str]) -> Mapping[str, int]:
        found = {}
        for name in filter(_RANGE.fullmatch, names):
            first, last = _ends(name)
            sql = f"select {self.count} from {staged} where {self._within(first, last)}"
            ((count,),) = session.rows(sql)
            if count == last - first + 1:
                found[name] = count
        return found

    def _within(self, first: int, last: int) -> str:
        return f"{self._number} between {first} and {last}"


class _NumberedTry(Try):
    def __init__(self, number: str) -> None:
        self._number, self._pieces = number, list[Piece]()

    def add(self, insert: Insert, rows: pl.DataFrame) -> None:
        if self._number in map(str.lower, rows.columns):
            told = "a column has the name by which the database numbers its rows"
            raise Unsupported(told, column=self._number, hint="rename it")
        first = insert(rows)
        assert first is not None, "a database with row numbers tells the first"
        size = int(rows.estimated_size())
        if self._pieces and _ends(self._pieces[-1].name)[1] + 1 == first:
            before = self._pieces.pop()
            first, size = _ends(before.name)[0], before.bytes + size
            count = before.rows + rows.height
        else:  # the first, or another program's rows came between
            count = rows.height
        self._pieces.append(Piece(f"{first}-{first + count - 1}", count, size))

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return tuple(self._pieces)


def _ends(name: str) -> tuple[int, int]:
    """The first and last number of a piece. Raises ValueError for another name."""
    if not (found := _RANGE.fullmatch(name)):
        raise ValueError(f"{name!r} names no row numbers")
    return int(found[1]), int(found[2])


def _runs(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same in their order, those that follow each other as one."""
    found = list[tuple[int, int]]()
    for first, last in ranges:
        if found and found[-1][1] + 1 == first:
            first = found.pop()[0]
        found.append((first, last))
    return found


def _any(conditions: Sequence[str]) -> str:
    if len(conditions) == 1:
        return f"({conditions[0]})"
    half = len(conditions) // 2
    return f"({_any(conditions[:half])} or {_any(conditions[half:])})"


def _tag(name: str) -> str:
    """A tag is a number."""
    return str(int(name))


def staged_schema(pieces: Pieces, schema: TableSchema) -> TableSchema:
    """The columns of a staging table."""
    return TableSchema((*pieces.own, *schema.columns))
