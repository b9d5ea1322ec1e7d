"""How a database writes SQL: names, types, and what each says in its own way.

The rooms above speak the SQL that all of them share; where they differ, they ask here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from hygge.core.errors import Unsupported
from hygge.core.watermark import Watermark

if TYPE_CHECKING:
    from hygge.databases.database import Table


def in_quotes(*names: str | None) -> str:
    """An identifier as standard SQL has it, with what it lies in, if that is known."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names if name)


class Dialect(ABC):
    """The words of one database."""

    key_type: ClassVar[str] = "varchar(255)"
    """The type of a short text that is part of a key."""
    name_type: ClassVar[str | None] = None
    """The type of names that we keep ourselves; `key_type` if not given."""
    longest_name: ClassVar[int | None] = None
    """In bytes, where a longer name is cut rather than refused."""
    moments: ClassVar[str] = "%Y-%m-%d %H:%M:%S.%f+00:00"
    """How a time of UTC is written, in the words of `strftime`."""
    counted: ClassVar[str] = "count(*)"
    """How many rows there are, however many."""
    adding: ClassVar[str] = "add column"
    """What comes before the column that `alter table` adds."""
    nullable: ClassVar[str] = ""
    """What a column that may be NULL is declared with."""
    changes_texts: ClassVar[bool] = False
    """Whether a text that a column cannot hold may be changed, and nothing said."""
    making_schema: ClassVar[str] = "create schema if not exists {}"
    shapes: ClassVar[Mapping[str, bool]] = {}
    """The shapes in which it can make a table; of each, whether it needs keys that name a row."""
    hints: ClassVar[Set[str]] = frozenset()
    """What can be said of a table where rows are put into it: one of these."""
    alone: ClassVar[Sequence[str]] = ()
    """The hints for a table that nobody else sees."""

    # names

    def quoted(self, name: str) -> str:
        """An identifier as it is written in SQL."""
        return in_quotes(name)

    def refuse_name(self, name: str) -> None:
        """Raise Unsupported for one that would be cut."""
        if self.longest_name is not None and len(name.encode()) > self.longest_name:
            told = f"{name!r} is longer than {self.longest_name} bytes, and would be cut"
            raise Unsupported(told, hint="rename it")

    def named(self, table: Table) -> str:
        words = (table.schema, table.name) if table.schema else (table.name,)
        return ".".join(map(self.quoted, words))

    def mark(self, number: int) -> str:
        """Where the n-th bound value goes, counted from 1."""
        return "?"

    # types

    @abstractmethod
    def native(self, kind: pl.DataType) -> str:
        """The type that a column of ours gets here. Raises Unsupported if none holds it."""

    def plain(self, native: str) -> str:
        """A type in the one spelling by which two are compared."""
        return native

    def there_and_back(self, value: str, native: str, own: str) -> str | None:
        """A value of type `own` once it was one of another. None: we cannot ask for it."""
        return f"cast(cast({value} as {native}) as {own})"

    # statements

    def first(self, count: int, select: str) -> str:
        """So many rows of a select, at most."""
        return f"{select} limit {count}"

    def looking(self, table: str) -> Sequence[str]:
        """Whether a table has rows, by the last of these. Others who write to it are waited for,
        and kept from it to the end of the transaction, where there can be others."""
        return [self.first(1, f"select 1 from {table}")]

    def make_missing(self, table: Table, definition: str) -> str:
        """Make a table if there is none of that name."""
        return f"create table if not exists {self.named(table)} {definition}"

    def hinted(self, table: str, hints: Sequence[str]) -> str:
        """A table into which rows are put, with what is said of it."""
        return table

    def primary_key(self, names: str, shape: str | None) -> str:
        """As it stands in a table's definition."""
        return f"primary key ({names})"

    def keying(
        self, table: Table, columns: Sequence[tuple[str, str]], shape: str | None
    ) -> Sequence[str]:
        """Give a table that has rows its primary key: columns by name, with their types."""
        names = ", ".join(self.quoted(name) for name, _ in columns)
        return [f"alter table {self.named(table)} add {self.primary_key(names, shape)}"]

    def shaping(self, table: Table, shape: str | None) -> Sequence[str]:
        """Give a heap its shape, but for its keys."""
        return ()

    def becoming(self, table: Table, changes: Sequence[str], name: str) -> Sequence[str]:
        """Change columns of a table, and let it have another name in its schema."""
        altered = f"alter table {self.named(table)}"
        changed = [f"{altered} {change}" for change in changes]
        return [*changed, f"{altered} rename to {self.quoted(name)}"]

    def indexed(self, name: str, kind: pl.DataType) -> str | None:
        """A column as it stands in an index; None: no index can have it."""
        return self.quoted(name)

    def updating(
        self,
        target: str,
        sets: Sequence[str],
        rows: str,
        same: Callable[[str, str], str],
        hints: Sequence[str] = (),
    ) -> str:
        """Take over columns (`sets`) from `rows`, known as w, where two names' are the `same`."""
        pairs = ", ".join(f"{name} = w.{name}" for name in sets)
        return f"update {target} set {pairs} from ({rows}) w where {same('w', target)}"

    def thinning(self, table: str, only: str, place: Sequence[str], ranked: str) -> str:
        """Delete the rows of a table that come after the first (`hygge_n`) in a ranking of them;
        `place` tells one row from every other."""
        where = ", ".join(place)
        return (
            f"delete from {table} where {only}({where}) in "
            f"(select {where} from ({ranked}) r where hygge_n > 1)"
        )

    # comparisons

    def same(self, one: str, other: str, kind: pl.DataType) -> str:
        """The condition that two columns of such keys are the same."""
        return f"{one} = {other}"

    def told_apart(self, column: str, kind: pl.DataType) -> Sequence[str]:
        """What tells keys apart that are not the same."""
        return (column,)

    def compared(self, column: str, kind: pl.DataType) -> str | None:
        """The column as it is to be compared: max() then finds what is the greatest to us, too.
        None: it does not."""
        return column

    @abstractmethod
    def narrowed(
        self, mark: Watermark, sign: str, column: str, place: str, native: str
    ) -> tuple[str, Any] | None:
        """A condition that no row beyond the mark fails (`sign` > or <), and the value bound at
        `place`; `native` is the column's type. It may let others through: what was read is looked
        at again. None: it cannot."""
