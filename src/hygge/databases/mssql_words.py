"""How T-SQL says things."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import ClassVar

import polars as pl

from hygge.core.errors import Unsupported
from hygge.databases.database import Table
from hygge.databases.dialect import Dialect
from hygge.databases.mssql_types import BINARY_ORDER

_LONGEST = 128
"""Letters of a name (sysname)."""


def bracketed(name: str) -> str:
    """An identifier."""
    return "[" + name.replace("]", "]]") + "]"


def text(value: str) -> str:
    """A literal."""
    return "N'" + value.replace("'", "''") + "'"


def _ended(kind: pl.DataType) -> Sequence[pl.DataType]:
    """The kind, if what stands at the end of its values is not looked at."""
    words = pl.String, pl.Binary, pl.Categorical, pl.Enum
    return (kind,) if isinstance(kind, words) else ()


def _length(column: str, kind: pl.DataType) -> str:
    return f"datalength({column})" if kind == pl.Binary() else f"len({column} + N'.')"


class MssqlWords(Dialect):
    """Texts are compared by their letters, but for blanks at their end, which SQL Server does not
    look at, nor at zeros at the end of bytes: keys are told apart by their length as well."""

    key_type: ClassVar[str] = f"nvarchar(450) collate {BINARY_ORDER}"
    name_type: ClassVar[str] = f"nvarchar(128) collate {BINARY_ORDER}"
    counted: ClassVar[str] = "count_big(*)"
    adding: ClassVar[str] = "add"
    making_schema: ClassVar[str] = "create schema {}"
    changes_texts: ClassVar[bool] = True
    nullable: ClassVar[str] = " null"
    shapes: ClassVar[Mapping[str, bool]] = {
        "heap": False,
        "columnstore": False,
        "rowstore_pk": True,
    }
    hints: ClassVar[Set[str]] = {"tablock", "tablockx", "paglock", "rowlock"}
    alone: ClassVar[Sequence[str]] = ("tablock",)

    def quoted(self, name: str) -> str:
        return bracketed(name)

    def refuse_name(self, name: str) -> None:
        if len(name) > _LONGEST:
            told = f"{name!r} is longer than {_LONGEST} letters"
            raise Unsupported(told, hint="rename it")

    def plain(self, native: str) -> str:
        return native.partition(" collate ")[0].replace("float(53)", "float")

    def first(self, count: int, select: str) -> str:
        return f"select top ({count}) {select.removeprefix('select ')}"

    def looking(self, table: str) -> Sequence[str]:
        return [f"select top (1) 1 from {table} with (tablock, holdlock)"]

    def make_missing(self, table: Table, definition: str) -> str:
        named = self.named(table)
        return f"if object_id({text(named)}, N'U') is null create table {named} {definition}"

    def hinted(self, table: str, hints: Sequence[str]) -> str:
        return f"{table} with ({', '.join(hints)})" if hints else table

    def primary_key(self, names: str, shape: str | None) -> str:
        clustered = {"rowstore_pk": " clustered", None: ""}.get(shape, " nonclustered")
        return f"primary key{clustered} ({names})"

    def keying(
        self, table: Table, columns: Sequence[tuple[str, str]], shape: str | None
    ) -> Sequence[str]:
        """A primary key's columns are not NULL before."""
        altered = f"alter table {self.named(table)} alter column"
        required = [f"{altered} {self.quoted(name)} {kind} not null" for name, kind in columns]
        return [*required, *super().keying(table, columns, shape)]

    def shaping(self, table: Table, shape: str | None) -> Sequence[str]:
        if shape != "columnstore":
            return ()
        return [f"create clustered columnstore index [_hygge_columns] on {self.named(table)}"]

    def becoming(self, table: Table, changes: Sequence[str], name: str) -> Sequence[str]:
        altered = f"alter table {self.named(table)}"
        renamed = f"exec sp_rename {text(self.named(table))}, {text(name)}, N'OBJECT'"
        return [*(f"{altered} {change}" for change in changes), renamed]

    def indexed(self, name: str, kind: pl.DataType) -> str | None:
        """No index has a column of any length."""
        return None if _ended(kind) else bracketed(name)

    def updating(
        self,
        target: str,
        sets: Sequence[str],
        rows: str,
        same: Callable[[str, str], str],
        hints: Sequence[str] = (),
    ) -> str:
        """Nobody puts in a key that we found missing, from here to the end."""
        pairs = ", ".join(f"{name} = w.{name}" for name in sets)
        told = self.hinted(f"{target} t", ["updlock", "holdlock", *hints])
        return f"update t set {pairs} from {told} join ({rows}) w on {same('w', 't')}"

    def thinning(self, table: str, only: str, place: Sequence[str], ranked: str) -> str:
        same = " and ".join(f"r.{column} = {table}.{column}" for column in place)
        return (
            f"delete from {table} where {only}exists "
            f"(select 1 from ({ranked}) r where r.hygge_n > 1 and {same})"
        )

    def same(self, one: str, other: str, kind: pl.DataType) -> str:
        more = "".join(f" and {_length(one, kind)} = {_length(other, kind)}" for _ in _ended(kind))
        return f"{one} = {other}{more}"

    def told_apart(self, column: str, kind: pl.DataType) -> Sequence[str]:
        return (column, *(_length(column, kind) for _ in _ended(kind)))

    def there_and_back(self, value: str, native: str, own: str) -> str | None:
        plain = self.plain(own)
        back = f"cast(cast({value} as {self.plain(native)}) as {plain})"
        return f"{back} collate {BINARY_ORDER}" if plain.startswith("nvarchar") else back

    def compared(self, column: str, kind: pl.DataType) -> str | None:
        """None for texts: the server orders letters beyond the first 65,536 otherwise."""
        return None if kind == pl.String() else column
