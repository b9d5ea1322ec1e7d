"""What a database itself knows of when rows were written, without a column that tells it.

Such a position is a number that grows with every transaction: `incremental: xmin`, say.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib import import_module

from hygge.databases.database import Database, Session, Table


@dataclass(frozen=True, slots=True)
class Point:
    """Up to which number all is over, and seen by whoever reads from now on; the last number that
    was given; and whose numbers they are, None where we may not know."""

    finished: int
    last: int
    counter: str | None


class Account(ABC):
    """How one database keeps account of who wrote which row. No state."""

    @abstractmethod
    def now(self, session: Session, table: Table) -> Point:
        """Raises Unsupported for what has no such rows: a view, say."""

    @abstractmethod
    def between(self, session: Session, table: Table, low: int, bound: int) -> str | None:
        """The condition of rows written after `low` and up to `bound`; it may let others through.

        None: no condition surely has them all, so all rows are to be read.
        """


class Changes(Account):
    """One that also knows of rows that are gone."""

    @abstractmethod
    def source(self, session: Session, table: Table, low: int | None, bound: int) -> str:
        """What to select from: the table's columns and `__op__`, which is 1 for rows that are gone,
        of which only the key is told. All rows, where `low` is None; else what changed after it.

        Raises HomeError where that is not known any more.
        """

    @abstractmethod
    def refuse_forgotten(self, session: Session, table: Table, low: int) -> None:
        """Raise HomeError where what changed after `low` is not known any more: to be asked again
        once all was read, for it may be forgotten meanwhile."""


def account_of(database: Database, position: str) -> Account:
    """The account that a database keeps under this name."""
    module, _, name = database.accounts[position].partition(":")
    found: Account = getattr(import_module(module), name)()
    return found
