"""The columns of a table: names, exact types, nullability, keys where known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import polars as pl

from hygge.core.config import nearest
from hygge.core.errors import SchemaMismatch
from hygge.core.typed_json import TypeByName
from hygge.core.types import type_name

OPERATION = "__op__"
"""The reserved last column of a Home that tells of deletes (int8: 0 upsert, 1 delete)."""
DELETED_AT = "_hygge_deleted_at"
"""The column of a table whose rows stay when they are deleted: when a load found them gone."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """How the source has a column that its table has wider; `gone`: it has it no more."""

    type: TypeByName
    nullable: bool
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `nullable` is what the source promises, not what its rows happen to hold.

    `source` says of a table's column how its rows arrive, where that is narrower.
    """

    name: str
    type: TypeByName
    nullable: bool = True
    source: Arrived | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.name} {type_name(self.type)}{'' if self.nullable else ' not null'}"

    @property
    def arrived(self) -> Column:
        """As the source had it."""
        return Column(self.name, self.source.type, self.source.nullable) if self.source else self


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table's columns in order, and the keys that its source declares, if any.

    `notes` say what a person should know of how it was found; they are not part of what it is.
    """

    columns: tuple[Column, ...]
    keys: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, schema: pl.Schema, keys: Sequence[str] = ()) -> TableSchema:
        """From a Polars schema; every column nullable."""
        return cls(tuple(Column(name, kind) for name, kind in schema.items()), tuple(keys))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def polars(self) -> pl.Schema:
        return pl.Schema({column.name: column.type for column in self.columns})

    @property
    def arrived(self) -> TableSchema:
        """As the source had it."""
        there = (c.arrived for c in self.columns if c.source is None or not c.source.gone)
        return TableSchema(tuple(there), self.keys)

    def and_then(self, arriving: TableSchema) -> TableSchema:
        """The table's columns after an incremental load: those that it lacks stay, and those that
        came later are NULL in older rows."""
        old = (arriving[c.name] if c.name in arriving else _gone(c) for c in self.columns)
        new = (replace(c, nullable=True) for c in arriving.columns if c.name not in self)
        return TableSchema((*old, *new), arriving.keys)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise SchemaMismatch(f"there is no column {name!r}", column=name, hint=self.hint(name))

    def hint(self, missed: str = "") -> str:
        """The column that was probably meant, and those there are, for an error's `try:`."""
        near = nearest(missed, self.names) if missed else None
        told = f"did you mean {near!r}? " if near else ""
        shown = ", ".join(self.names[:12])
        return f"{told}the columns are {shown}{' …' if len(self.names) > 12 else ''}"

    def select(self, names: Iterable[str]) -> TableSchema:
        """Only these columns, in this order. Raises SchemaMismatch for one that is not there."""
        chosen = tuple(self[name] for name in names)
        kept = {column.name for column in chosen}
        return TableSchema(chosen, self.keys if kept.issuperset(self.keys) else ())

    def loosened(self, column: Column) -> Column:
        """The column as it may be NULL, unless it is part of the key or the operation."""
        fixed = column.name in (*self.keys, OPERATION)
        return column if fixed else replace(column, nullable=True)

    def rename(self, names: dict[str, str]) -> TableSchema:
        renamed = (replace(c, name=names.get(c.name, c.name)) for c in self.columns)
        return TableSchema(tuple(renamed), tuple(names.get(k, k) for k in self.keys))

    def check(self, batch: pl.DataFrame) -> None:
        """Raise SchemaMismatch unless the batch has exactly these columns and types."""
        if batch.schema == self.polars():
            return
        changes = compare(self, TableSchema.of(batch.schema))
        told = "; ".join(map(str, changes)) or "the order of the columns"
        raise SchemaMismatch(f"a batch differs from the announced schema: {told}")


def _gone(column: Column) -> Column:
    was = column.arrived
    return replace(column, nullable=True, source=Arrived(was.type, was.nullable, gone=True))


class Change(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    RETYPED = "retyped"
    NULLABLE = "nullable"


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One difference between two schemas of a table. RETYPED and NULLABLE have both columns."""

    kind: Change
    before: Column | None
    after: Column | None

    def __str__(self) -> str:
        if self.kind is Change.ADDED:
            return f"+ {self.after}"
        if self.kind is Change.REMOVED:
            return f"- {self.before}"
        if self.kind is Change.NULLABLE:
            return (
                f"* {self.before} → {'null' if self.after and self.after.nullable else 'not null'}"
            )
        return f"* {self.before} → {self.after and type_name(self.after.type)}"


def compare(
    before: TableSchema, after: TableSchema, *, nullability: bool = False
) -> list[SchemaChange]:
    """What it takes to get from one schema to the other; order aside, and `nullability` unless
    asked for."""
    old, new = ({c.name: c for c in s.columns} for s in (before, after))
    changes = [_change(was, new.get(name)) for name, was in old.items()]
    wanted = [c for c in changes if c and (nullability or c.kind is not Change.NULLABLE)]
    return wanted + [SchemaChange(Change.ADDED, None, c) for n, c in new.items() if n not in old]


def _change(was: Column, now: Column | None) -> SchemaChange | None:
    if now is None:
        return SchemaChange(Change.REMOVED, was, None)
    if now.type != was.type:
        return SchemaChange(Change.RETYPED, was, now)
    return SchemaChange(Change.NULLABLE, was, now) if now.nullable != was.nullable else None
