"""Dividing a table of a database into ranges of its key, by ends that the server finds in a sample.

Any ends in the server's order make ranges that hold every row once, whatever becomes of the table;
the sample only makes them even. What is compared, and how, is the server's affair alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from hygge.core.errors import ConfigError, DatabaseError
from hygge.core.home import ReadRequest
from hygge.core.partition import WHOLE, Partition
from hygge.databases.answering import Question, opened
from hygge.databases.database import Session
from hygge.databases.ranges import Cut, Ranges, Size, Still
from hygge.homes.sql_reading import chosen

if TYPE_CHECKING:
    from hygge.homes.sql import SqlHome

MB = 1_000_000
_SAMPLE = 20_000
"""Keys to look at, about: enough for ends of thousands of ranges, and little to sort."""

End = tuple[str, ...]


@dataclass(frozen=True)
class _Key:
    """The columns by which a table is divided, as they are written, and how each is cut."""

    columns: tuple[str, ...]
    cuts: tuple[Cut, ...]


class Parts:
    """The partitions of one reading, and what holds their table still. Lives on one thread."""

    def __init__(self, home: SqlHome, ranges: Ranges, request: ReadRequest) -> None:
        self._home, self._ranges, self._request = home, ranges, request
        self._still: Still | None = None
        self._question = Question()
        self.interrupt = self._question.interrupt

    def open(self) -> Sequence[Partition]:
        """Raises ConfigError where ranges are asked for and cannot be."""
        return self._question.ask(self._open)

    def close(self) -> None:
        if self._still is not None:
            self._still.close()

    def _open(self) -> Sequence[Partition]:
        try:
            return self._divided()
        except DatabaseError:
            if self._home.asks_for_parts:
                raise
            return [WHOLE]  # nobody asked: a statement alone may still do

    def _divided(self) -> Sequence[Partition]:
        with closing(opened(self._home.database.connect())) as session:
            planned = self._planned(session)
        if planned is None:
            return [WHOLE]
        key, ends = planned
        self._still = self._ranges.hold(self._home.table, len(ends) + 1)
        conditions = list(conditions_of(self._ranges, key.columns, ends))
        return [
            Partition(f"{n} of {len(conditions)}", None, (self._still.name, condition))
            for n, condition in enumerate(conditions, 1)
        ]

    def _planned(self, session: Session) -> tuple[_Key, Sequence[End]] | None:
        """By what to divide, and where; None: not at all."""
        config = self._home.config
        key = self._key(session)
        if key is None:
            self._refuse("there is no key to divide it by, or none that has an order")
            return None
        size = self._ranges.size(session, self._home.table, key[0])
        if size is None:
            self._refuse("only a table can be held still while others write")
            return None
        if self._few(size):
            return None
        share = min(1.0, _SAMPLE / max(size.rows, 1))
        sample = self._sample(session, key[1], share)
        count = config.partitions or self._count(size, share, len(sample))
        count = min(count, self._home.most_parts or count)
        ends = list(ends_of(sample, key[1].cuts, count))
        return (key[1], ends) if ends else None

    def _few(self, size: Size) -> bool:
        """Whether one range is as good as several."""
        if self._home.config.partitions is not None:
            return False
        if self._home.asks_for_parts and not size.bytes:
            self._refuse("how large it is nobody knows", "say how many: `partitions: 4`")
        return size.bytes <= self._target or (size.scattered and not self._home.asks_for_parts)

    @property
    def _target(self) -> float:
        return self._home.config.partition_mb * MB

    def _count(self, size: Size, share: float, matched: int) -> int:
        """So many ranges of about the wanted size, of the rows that are asked for."""
        wanted = min(1.0, matched / max(size.rows * share, 1))
        return min(math.ceil(size.bytes * wanted / self._target), self._ranges.most)

    def _key(self, session: Session) -> tuple[str, _Key] | None:
        """The first column's name, and the columns that can be cut, up to the first that cannot."""
        home, named = self._home, self._home.config.partition_by
        known = home.fields(session)
        columns, cuts = list[str](), list[Cut]()
        names = (named,) if named else session.keys(home.table)
        for field in chosen(known, names):
            column = home.database.quoted(field.column.name)
            cut = self._ranges.cut(field, f"{home.source}.{column}")
            if cut is None:
                break
            columns.append(column)
            cuts.append(cut)
        return (names[0], _Key(tuple(columns), tuple(cuts))) if columns else None

    def _sample(self, session: Session, key: _Key, share: float) -> list[tuple[Any, ...]]:
        """The keys of some of the rows that are asked for, in the server's order."""
        home = self._home
        conditions, values = home.conditions(session, self._request)
        conditions += [f"{column} is not null" for column in key.columns]
        after, condition = self._ranges.sampled(share) if share < 1 else ("", None)
        conditions += [condition] if condition else []
        reads = ", ".join(f"{cut.read} as e{n}" for n, cut in enumerate(key.cuts))
        order = ", ".join(f"{home.source}.{column}" for column in key.columns)
        return session.rows(
            f"select {reads} from {home.source}{after} where {' and '.join(conditions)} "
            f"order by {order}",
            *values,
        )

    def _refuse(self, why: str, hint: str | None = None) -> None:
        """Raise ConfigError, if it was asked for."""
        if self._home.asks_for_parts:
            hint = hint or "name a column: `partition_by: …`, or read it as a whole"
            table = str(self._home.table)
            raise ConfigError(f"it cannot be read in partitions: {why}", table=table, hint=hint)


def ends_of(sample: Sequence[Sequence[Any]], cuts: Sequence[Cut], count: int) -> Iterator[End]:
    """The ends between so many ranges of about as many keys, or fewer where keys are the same."""
    last = tuple(sample[0]) if sample else ()  # before the first key there is nothing
    for n in range(1, count):
        told = tuple(sample[n * len(sample) // count]) if sample else ()
        if told == last:
            continue
        last = told
        written = [cut.written(value) for cut, value in zip(cuts, told, strict=True)]
        if all(word is not None for word in written):
            yield tuple(word for word in written if word is not None)


def conditions_of(ranges: Ranges, columns: Sequence[str], ends: Sequence[End]) -> Iterator[str]:
    """Half-open ranges, the outer ones without an end; a row without a key is in the first."""
    empty = " or ".join(f"{column} is null" for column in columns)
    whole = " and ".join(f"{column} is not null" for column in columns)
    for low, high in pairwise([None, *ends, None]):
        before = ranges.beyond(columns, "<", high) if high else ""
        if low is None:
            yield f"({before} or {empty})"
            continue
        since = ranges.beyond(columns, ">=", low)
        yield " and ".join(f"({told})" for told in (since, before, whole) if told)
