"""One reading by many statements, none of them open for long: each goes on after the last row of
the one before, in the order of a key.

While it is read, the rows are those of one moment, where the database can hold one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from hygge.core.errors import ConfigError, ConnectionFailed, HomeError, HyggeError
from hygge.core.home import ReadRequest
from hygge.core.partition import WHOLE, Partition
from hygge.core.schema import Column
from hygge.databases.answering import Question
from hygge.databases.database import Field, Session
from hygge.databases.ranges import Cut, Ranges, Still

if TYPE_CHECKING:
    from hygge.homes.sql import SqlHome

_clock: Callable[[], float] = time.monotonic
_timer: Callable[[float, Callable[[], None]], Any] = threading.Timer
_KEY = "_hygge_key_{}"

End = Sequence[str]
"""A key, as it is written in SQL."""


@dataclass(frozen=True)
class Walk:
    """Some rows of a table, in the order of columns that tell each from every other."""

    rows: str
    columns: tuple[str, ...]
    cuts: tuple[Cut, ...]

    @property
    def told(self) -> list[Field]:
        """The key of each row as texts, to be read beside it."""
        return [
            Field(Column(name := _KEY.format(n), pl.String()), "text", f"{cut.read} as {name}")
            for n, cut in enumerate(self.cuts)
        ]

    def end(self, rows: pl.DataFrame) -> End | None:
        """The key of the last of these rows; None if it cannot be written."""
        last = [rows[_KEY.format(n)][-1] for n in range(len(self.cuts))]
        if None in last:
            return None
        words = [cut.written(str(value)) for cut, value in zip(self.cuts, last, strict=True)]
        known = [word for word in words if word is not None]
        return known if len(known) == len(words) else None


def walks(home: SqlHome, session: Session) -> Sequence[Walk]:
    """One, or two where the first column may be NULL: such rows have no place in an order.

    Raises ConfigError where nothing tells each row from every other, or in no sure order.
    """
    ranges = ranges_of(home)
    by, keys = home.config.partition_by, ranges.row_keys(session, home.table)
    if not keys:
        raise _refused(home, "the table has no key")
    fields = {field.column.name: field for field in home.fields(session)}
    if by is not None and by not in fields:
        raise _refused(home, f"there is no column {by!r}")
    lacking = ""
    for key in sorted(keys, key=lambda key: by is not None and key != (by,)):
        names = key if by is None else (by, *(name for name in key if name != by))
        cuts = [_cut(home, ranges, fields[name]) for name in names]
        lacking = lacking or next((n for n, cut in zip(names, cuts, strict=True) if not cut), "")
        known = tuple(cut for cut in cuts if cut is not None)
        if len(known) < len(names):
            continue
        columns = tuple(ranges.exactly(fields[n], _column(home, n)) for n in names)
        if by is None or by in key:
            return [Walk("1 = 1", columns, known)]
        first = home.database.quoted(by)
        return [
            Walk(f"{first} is null", columns[1:], known[1:]),
            Walk(f"{first} is not null", columns, known),
        ]
    native = fields[lacking].native
    raise _refused(home, f"{lacking} ({native}) has no order that is surely the server's", lacking)


def ranges_of(home: SqlHome) -> Ranges:
    if (found := home.database.ranges()) is None:
        raise _refused(home, f"{home.database.name} cannot")
    return found


def _column(home: SqlHome, name: str) -> str:
    return f"{'q' if home.changes else home.source}.{home.database.quoted(name)}"


def _cut(home: SqlHome, ranges: Ranges, field: Field) -> Cut | None:
    """None for floats: a place at which a statement may stop has to be told exactly."""
    if field.column.type.is_float():
        return None
    return ranges.cut(field, _column(home, field.column.name))


def _refused(home: SqlHome, why: str, column: str | None = None) -> ConfigError:
    return ConfigError(
        f"it cannot be read by statements of `max_statement_seconds`: {why}",
        table=str(home.table),
        column=column,
        hint="give the table a primary key, or a unique index, of numbers, texts or moments that "
        "are not null; or leave `max_statement_seconds` out",
    )


def slice_notes(home: SqlHome, session: Session) -> Sequence[str]:
    """What a person should know of reading it so; raises ConfigError where it cannot be."""
    if home.config.max_statement_seconds is None:
        return ()
    walks(home, session)
    why = ranges_of(home).unheld(session, home.table)
    if why is None or session.notes():  # which say more
        return ()
    told = "each statement shows the table as it is then, so rows that move may be missed or come"
    return (f"{told} twice: {why}",)


def readers_for_one(home: SqlHome) -> int:
    """How many connections one partition takes: one more, if another holds the state."""
    ranges = home.database.ranges()
    sliced = home.config.max_statement_seconds is not None
    return 2 if sliced and ranges is not None and not ranges.together else 1


class Slices:
    """The rows of one partition. Lives on one thread, but for `interrupt`."""

    def __init__(self, home: SqlHome, request: ReadRequest, partition: Partition) -> None:
        self._home, self._request, self._partition = home, request, partition
        self._ranges = ranges_of(home)
        self._seconds = home.config.max_statement_seconds or 0.0
        self._still: Still | None = None
        self._state: str | None = None
        self._held = self._stopped = False
        self._question = Question()
        self._session: Session | None = None

    def fields(self) -> list[Field]:
        """The table's columns."""
        return self._home.fields(self._ready())

    def batches(self, fields: Sequence[Field]) -> Generator[pl.DataFrame, None, None]:
        """The rows of these columns, as the driver gives them."""
        planned = self._planned(fields)  # the catalog is asked before a state is held
        if self._partition != WHOLE:
            self._state = str(self._partition.where[0])
        elif self._held:
            self._still = self._question.ask(lambda: self._ranges.hold_for_one(self._home.table))
            self._state = self._still.name
        for walk, sql, values in planned:
            end: End | None = ()
            while end is not None:
                end = yield from self._statement(walk, [*fields, *walk.told], sql, values, end)
        changes, low = self._home.changes, self._request.low
        if changes is not None and low is not None:
            changes.refuse_forgotten(self._ready(), self._home.table, low.value)

    def _planned(self, fields: Sequence[Field]) -> list[tuple[Walk, str, Sequence[Any]]]:
        """Each walk, its select so far, and the values in it."""
        with closing(self._ready()) as session:
            found = list[tuple[Walk, str, Sequence[Any]]]()
            for walk in walks(self._home, session):
                conditions = (*self._partition.where[1:], walk.rows)
                rows = replace(self._partition, where=("", *conditions))
                read = [*fields, *walk.told]
                found.append((walk, *self._home.statement(session, self._request, read, rows)))
            self._held = self._ranges.unheld(session, self._home.table) is None
        self._session = None
        return found

    def _statement(
        self, walk: Walk, fields: Sequence[Field], sql: str, values: Sequence[Any], after: End
    ) -> Generator[pl.DataFrame, None, End | None]:
        """The rows after this key, for as long as may be; then the last one's key. None: it was
        all."""
        beyond = f" and {self._ranges.beyond(walk.columns, '>', after)}" if after else ""
        sql += beyond + self._ranges.in_order(walk.columns)
        session, until = self._ready(), _clock() + self._seconds
        rows = session.batches(sql, values, fields)
        with closing(rows), self._patience(session, walk) as arrived:
            for batch in rows:
                if not batch.height:
                    continue
                arrived()
                yield batch.drop(field.column.name for field in walk.told)
                if _clock() >= until and (end := walk.end(batch)) is not None:
                    self._give_up(session, rows)
                    return end
        return None

    @contextmanager
    def _patience(self, session: Session, walk: Walk) -> Iterator[Callable[[], None]]:
        """Stop a statement that gives no row within its time; until it is told that one came."""
        late = list[bool]()

        def stop() -> None:
            late.append(True)
            session.interrupt()

        timer = _timer(self._seconds, stop)
        timer.daemon = True
        timer.start()

        def arrived() -> None:
            timer.cancel()
            if late:  # it could not be stopped
                raise self._too_late(walk)

        try:
            yield arrived
            if late:  # whatever it gave, it was stopped
                raise self._too_late(walk)
        except HyggeError as failed:
            if not late or self._stopped:
                raise
            raise self._too_late(walk) from failed
        finally:
            timer.cancel()

    def _too_late(self, walk: Walk) -> HomeError:
        names = ", ".join(walk.columns)
        return HomeError(
            f"not one row came within max_statement_seconds ({self._seconds:g} s)",
            table=str(self._home.table),
            hint=f"an index on {names} lets the server begin at once; or name a column that has "
            "one (`partition_by`), or give it more seconds",
        )

    def _give_up(self, session: Session, rows: Generator[pl.DataFrame, None, None]) -> None:
        """Close a statement; and its session, unless that is what holds the state."""
        if self._state is not None and self._ranges.lasting:
            rows.close()
            return
        session.interrupt()  # else the driver may read the rest first
        with suppress(HyggeError):
            rows.close()
        session.close()
        self._session = None

    def _ready(self) -> Session:
        if self._session is not None:
            if self._stopped:
                raise ConnectionFailed("stopped between two statements")
            return self._session
        if self._state is None:
            return self._known(self._home.database.connect())
        return self._known(self._ranges.join(self._state))

    def _known(self, session: Session) -> Session:
        """It may be interrupted from now on, if it is not to be by now."""
        self._session = session
        if self._stopped:
            session.close()
            raise ConnectionFailed("stopped between two statements")
        return session

    def interrupt(self) -> None:
        self._stopped = True
        self._question.interrupt()
        if (session := self._session) is not None:
            session.interrupt()

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        if self._still is not None:
            self._still.close()
