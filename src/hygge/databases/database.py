"""How a database speaks: the contract that each file in this room keeps.

SqlHome and SqlStore are written once, against this. All of it blocks: it is called on threads.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import polars as pl

from hygge.core.config import Settings, validated
from hygge.core.schema import Column, TableSchema
from hygge.core.watermark import Watermark


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name; without a schema it lies in the connection's own."""

    name: str
    schema: str | None = None

    @classmethod
    def of(cls, text: str) -> Table:
        """From `users` or `public.users`; a dot inside a name is written in double quotes."""
        parts, word, quoted = [], "", False
        for letter in text:
            if letter == '"':
                quoted = not quoted
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


class Session(ABC):
    """One connection, used on one thread. Raises HyggeErrors only."""

    @abstractmethod
    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a small result."""

    @abstractmethod
    def change(self, sql: str, *values: Any) -> None:
        """Anything that gives no rows."""

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
    def insert(self, table: Table, rows: pl.DataFrame) -> None:
        """Add rows to a table that exists, by column name, durable once it returns."""

    @abstractmethod
    def interrupt(self) -> None:
        """Stop the call that is under way. From another thread."""

    @abstractmethod
    def close(self) -> None: ...


class Database(ABC):
    """One database, by its settings. No I/O until `connect`; pickles."""

    name: ClassVar[str]
    Settings: ClassVar[type[Settings]]
    key_type: ClassVar[str] = "varchar(255)"
    """The type of a short text that is part of a key."""
    ddl_in_transactions: ClassVar[bool] = True
    """False: making or dropping a table ends the transaction it is in."""
    sheds_columns: ClassVar[bool] = False
    """True: dropping a column leaves the rows where they lie, however many there are."""
    table_options: ClassVar[str] = ""
    """What follows the columns where a table is made."""
    one_writer: ClassVar[bool] = False
    """True: one connection writes at a time, so the parts of a load take turns."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    @classmethod
    def build(cls, settings: Mapping[str, Any]) -> Self:
        """Raises ConfigError for settings that cannot be."""
        return cls(validated(cls.Settings, settings))

    @property
    @abstractmethod
    def identity(self) -> str:
        """Which database this is, without secrets."""

    @abstractmethod
    def connect(self, *, write: bool = False) -> Session:
        """Raises ConnectionFailed, ConfigError for a database that is not there. `write`: made
        where it can be, and fit for writing."""

    # what it calls things

    def quoted(self, name: str) -> str:
        """An identifier as it is written in SQL."""
        return '"' + name.replace('"', '""') + '"'

    def named(self, table: Table) -> str:
        words = (table.schema, table.name) if table.schema else (table.name,)
        return ".".join(map(self.quoted, words))

    def mark(self, number: int) -> str:
        """Where the n-th bound value goes, counted from 1."""
        return "?"

    @abstractmethod
    def native(self, kind: pl.DataType) -> str:
        """The type that a column of ours gets here. Raises Unsupported if none holds it."""

    def plain(self, native: str) -> str:
        """A type in the one spelling by which two are compared."""
        return native

    def updating(self, target: str, sets: Sequence[str], rows: str, same: str) -> str:
        """Take over columns (`sets`) from `rows`, known as w, where they are the `same`."""
        pairs = ", ".join(f"{name} = w.{name}" for name in sets)
        return f"update {target} set {pairs} from ({rows}) w where {same}"

    def compared(self, column: str, kind: pl.DataType) -> str | None:
        """The column as it is to be compared: max() then finds what is the greatest to us, too.
        None: it does not."""
        return column

    @abstractmethod
    def narrowed(
        self, mark: Watermark, sign: str, column: str, place: str
    ) -> tuple[str, Any] | None:
        """A condition that no row beyond the mark fails (`sign` > or <), and the value bound at
        `place`. It may let others through: what was read is looked at again. None: it cannot."""


def arrived(rows: pl.DataFrame, fields: Sequence[Field]) -> pl.DataFrame:
    """What the driver gave, with the types that were announced. Raises HomeError for a misfit."""
    return pl.DataFrame([field.arrive(rows[field.column.name]) for field in fields])


def schema_of(fields: Sequence[Field], keys: Sequence[str] = ()) -> TableSchema:
    return TableSchema(tuple(field.column for field in fields), tuple(keys))
