"""How a database speaks: the contract that each file in this room keeps.

SqlHome and SqlStore are written once, against this. All of it blocks: it is called on threads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Self

import polars as pl

from hygge.connections.pool import Pool
from hygge.core.config import Settings, validated
from hygge.core.inflow import Inflow
from hygge.core.schema import Column
from hygge.databases.bends import Bends
from hygge.databases.dialect import Dialect
from hygge.databases.wider import Wider

if TYPE_CHECKING:
    from hygge.databases.ranges import Ranges


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name; without a schema it lies in the connection's own."""

    name: str
    schema: str | None = None

    @classmethod
    def of(cls, text: str) -> Table:
        """From `users` or `public.users`; a dot inside a name is written in double quotes, and a
        double quote inside those twice."""
        parts, word, quoted, before = list[str](), "", False, ""
        for letter in text:
            before, last = letter, before
            if letter == '"':
                quoted = not quoted
                word += letter if quoted and last == '"' and word else ""
            elif letter == "." and not quoted:
                parts.append(word)
                word = ""
            else:
                word += letter
        return cls(word, ".".join(parts) or None)

    def beside(self, name: str) -> Table:
        """Another table in the same schema."""
        return Table(name, self.schema)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


def as_it_came(values: pl.Series) -> pl.Series:
    return values


@dataclass(frozen=True, slots=True)
class Field:
    """One column as the database has it, and as it is read.

    `native` is its type in the database's words, `read` the SQL that sends it, and `arrive` makes
    what the driver gave into the column's own type.
    """

    column: Column
    native: str
    read: str
    arrive: Callable[[pl.Series], pl.Series] = as_it_came


@dataclass(frozen=True, slots=True)
class Writer:
    """A transaction of somebody else's that may have written, and is not over.

    `number` is its own for good; `began` (UTC) is None where we may not know.
    """

    number: str
    began: datetime | None


class Session(ABC):
    """One connection, used on one thread. Raises HyggeErrors only."""

    @property
    def table_options(self) -> str:
        """What follows the columns where a table is made."""
        return ""

    @abstractmethod
    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a small result."""

    @abstractmethod
    def change(self, sql: str, *values: Any) -> None:
        """Anything that gives no rows."""

    def put(self, sql: str) -> int | None:
        """An insert: how many rows the table took; None where that is not told."""
        self.change(sql)
        return None

    @abstractmethod
    def transaction(self, about: Table | None = None) -> AbstractContextManager[None]:
        """All or nothing, and of those `about` one table only one at a time."""

    @abstractmethod
    def fields(self, table: Table) -> list[Field]:
        """The columns of a table, in order; none if there is no such table."""

    @abstractmethod
    def described(self, query: str) -> list[Field]:
        """The columns of a query's result."""

    @abstractmethod
    def keys(self, table: Table) -> tuple[str, ...]:
        """The primary key; empty if there is none."""

    @abstractmethod
    def batches(
        self, sql: str, values: Sequence[Any], fields: Sequence[Field]
    ) -> Generator[pl.DataFrame, None, None]:
        """The rows of a query whose columns are the `read` of these fields, as the driver gives
        them; bounded in memory. `arrived` makes them what was announced."""

    @abstractmethod
    def insert(self, table: Table, rows: pl.DataFrame) -> int | None:
        """Add rows to a table that exists, by column name, durable once it returns.

        The number of the first, where the database numbers rows: the others follow it.
        """

    def inflow(self, table: Table) -> Inflow[pl.DataFrame] | None:
        """The same for rows that come one batch after the other, all durable once it ends; None:
        one `insert` each is as fast."""
        return None

    def clock(self) -> tuple[datetime, datetime]:
        """The server's time now: in UTC, and without a zone as its own hands show it."""
        now = datetime.now(UTC)
        return now, now.astimezone().replace(tzinfo=None)

    def writers(self) -> list[Writer]:
        """Who writes now. None where a later commit is also a later write, as with one writer.

        Raises Unsupported where we are not allowed to know, or nobody can.
        """
        return []

    def since(self, writer: Writer) -> str | None:
        """The condition of rows written by this transaction or one that came after it."""
        return None

    def about(self) -> str | None:
        """Who we are here and what we may, for a person to read."""
        return None

    def notes(self) -> Sequence[str]:
        """What a person should know of how rows are read here."""
        return ()

    def cap(self, field: Field) -> int | None:
        """Up to which value of this column nobody writes any more, by the server's own account;
        None: it keeps none."""
        return None

    def refuse_target(self, table: Table, *, swap: bool) -> None:  # noqa: B027 - most can be
        """Raise StoreError for a table that no load can be published into as a whole; with `swap`,
        for one that no other can replace by taking its name."""

    def twin(self, table: Table, name: str) -> Callable[[], None] | None:
        """In a transaction, make an empty table of this name, beside a table and like it; and
        return what puts its rows in the place of the other's at one stroke, and takes it away.
        None where that cannot be."""
        return None

    @abstractmethod
    def interrupt(self) -> None:
        """Stop the call that is under way. From another thread."""

    @abstractmethod
    def close(self) -> None: ...


class Database(Dialect):
    """One database, by its settings. No I/O until `connect`; pickles."""

    name: ClassVar[str]
    Settings: ClassVar[type[Settings]]
    ddl_in_transactions: ClassVar[bool] = True
    """False: making or dropping a table ends the transaction it is in."""
    catalog: ClassVar[str]
    """Selects each table's schema and name, and whether the name alone is enough. No views."""
    schemas: ClassVar[str | None] = None
    """Selects the names of all schemas, where a store may make one."""
    claiming: ClassVar[str | None] = None
    """Waits until all others are done with a table, and keeps them from it."""
    releasing: ClassVar[str | None] = None
    """Ends that, where the end of the transaction does not."""
    sheds_columns: ClassVar[bool] = False
    """True: a transaction can drop a column, and leaves the rows where they lie, many or few."""
    sheds_cleanly: ClassVar[bool] = True
    """False: a table that lost columns is not for good like one that never had them."""
    row_number: ClassVar[str | None] = None
    """Names the number that the database gives each row of a table as it comes, if it does."""
    one_writer: ClassVar[bool] = False
    """True: one connection writes at a time, so the parts of a load take turns."""
    insert_rows: ClassVar[int] = 1
    """How many rows one insert is better not below; a part keeps them until there are as many."""
    in_ranges: ClassVar[str | None] = None
    """`module:Class` of its Ranges, made of the database."""
    widening: ClassVar[str | None] = None
    """`module:function` that makes columns of a table wider, if that can be; see `widen`."""
    by_index: ClassVar[bool] = False
    """True: it looks up one table's rows in another by an index, or slowly."""
    bends: ClassVar[Bends] = Bends()
    """Values that it cannot hold exactly."""
    accounts: ClassVar[Mapping[str, str]] = {}
    """By name, what tells new rows beside a column: `module:Class` of its Account."""

    patience: float | None = None
    """Seconds after which a short question has no answer any more; None: it always comes."""

    lossy = False

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def tolerant(self) -> Self:
        """The same, whose columns have the nearest type that there is."""
        found = copy(self)
        found.lossy = True
        return found

    def held(self, kind: pl.DataType) -> pl.DataType:
        """The type of values that a column of this type gets."""
        return self.bends.kind(kind) if self.lossy else kind

    @classmethod
    def build(cls, settings: Mapping[str, Any]) -> Self:
        """Raises ConfigError for settings that cannot be."""
        return cls(validated(cls.Settings, settings))

    @property
    @abstractmethod
    def identity(self) -> str:
        """Which database this is, without secrets."""

    @property
    def pool(self) -> Pool | None:
        """What its sessions take their connections from; None: as many as anybody likes."""
        return None

    @abstractmethod
    def connect(self, *, write: bool = False) -> Session:
        """Raises ConnectionFailed, ConfigError for a database that is not there, now or when the
        session is used. `write`: made where it can be, and fit for writing."""

    def ranges(self) -> Ranges | None:
        """How its tables are read in several ranges; None: by one statement only."""
        if self.in_ranges is None:
            return None
        found: Ranges = _found(self.in_ranges)(self)
        return found

    def widen(self, session: Session, table: Table, columns: Sequence[Wider]) -> None:
        """Make columns wider, in the session's transaction where it can; twice is once. What else
        they are stays. Raises DatabaseError where something depends on them."""
        assert self.widening is not None, "its Store says whether it can"
        _found(self.widening)(session, table, columns)


def _found(name: str) -> Any:
    """What a name of `module:thing` stands for."""
    module, _, thing = name.partition(":")
    return getattr(import_module(module), thing)
