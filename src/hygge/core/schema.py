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
class Column:
    """One column. `nullable` is what the source promises, not what its rows happen to hold."""

    name: str
    type: TypeByName
    nullable: bool = True

    def __str__(self) -> str:
        return f"{self.name} {type_name(self.type)}{'' if self.nullable else ' not null'}"


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


class Change(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    RETYPED = "retyped"


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One difference between two schemas of a table. RETYPED has both columns."""

    kind: Change
    before: Column | None
    after: Column | None

    def __str__(self) -> str:
        if self.kind is Change.ADDED:
            return f"+ {self.after}"
        if self.kind is Change.REMOVED:
            return f"- {self.before}"
        return f"* {self.before} → {self.after and type_name(self.after.type)}"


def compare(before: TableSchema, after: TableSchema) -> list[SchemaChange]:
    """What it takes to get from one schema to the other; order and nullability aside."""
    old, new = ({c.name: c for c in s.columns} for s in (before, after))
    changes = [
        SchemaChange(Change.RETYPED, was, new[name])
        if name in new
        else SchemaChange(Change.REMOVED, was, None)
        for name, was in old.items()
        if name not in new or new[name].type != was.type
    ]
    return changes + [SchemaChange(Change.ADDED, None, c) for n, c in new.items() if n not in old]
