"""What to do when the source's columns are not those that were loaded last.

Three are compared: the source, what was loaded last, and the table as it stands now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from hygge.core.errors import ANEW, FlowError
from hygge.core.schema import OPERATION, Arrived, Change, Column, SchemaChange, TableSchema, compare
from hygge.core.store import Mode
from hygge.core.types import type_name
from hygge.core.widening import holds, loses
from hygge.flow.settings import FlowSettings

_ANEW = f"load everything once: {ANEW}"
_CAST = "let the home cast it (`query`, or `schema` of csv and ndjson)"


@dataclass(frozen=True)
class Decision:
    """The columns as they are to be staged, what changed at the source, and what a person should
    know of both."""

    schema: TableSchema
    changes: Sequence[SchemaChange] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Policy:
    """What is known before the first row is read, and may be decided by.

    `there` are the columns that the table has now, where the Store can tell; `widens`: it can make
    them wider. `keys` name a row, and of `hashed` columns a hash is made: all by the table's names.
    """

    settings: FlowSettings
    loaded: TableSchema | None
    there: TableSchema | None = None
    widens: bool = False
    keys: Sequence[str] = ()
    hashed: Sequence[str] = ()

    def changes(self, arriving: TableSchema) -> list[SchemaChange]:
        """Since the last load. Raises FlowError where the policy of one is to `fail`."""
        changes = _changes(self.loaded.arrived if self.loaded else None, arriving)
        for change in changes:
            if self._of(change) == "fail":
                raise FlowError(
                    f"the columns are not those of the last load: {'; '.join(map(str, changes))}",
                    column=_name(change),
                    hint="; ".join([*_renames(changes), f"`on_schema_change: evolve`, or {_ANEW}"]),
                )
        return changes

    def decide(self, arriving: TableSchema) -> Decision:
        """Raises FlowError for a change that is not to be.

        Added columns are NULL in older rows, removed ones stay and are NULL in newer rows. A column
        becomes wider where that loses nothing, and stays as it is where narrower values arrive. A
        full load may change anything that is not frozen.
        """
        changes, notes = self.changes(arriving), list[str]()
        changed = {_name(change) for change in changes}
        columns = list[Column]()
        for column in arriving.columns:
            settled, told = self._settled(column)
            columns.append(settled)
            if column.name in changed or _find(self.loaded, column.name) is None:
                notes += told
        notes += [note for column in columns for note in self._by_hand(column.name)]
        return Decision(replace(arriving, columns=tuple(columns)), changes, notes)

    def left_out(self, arriving: TableSchema) -> frozenset[str]:
        """Added columns that are not to be loaded: `freeze` keeps the table's columns as they are.

        Raises FlowError where one that is frozen is gone, or would have to become wider.
        """
        changes = _changes(self.loaded, arriving)
        frozen = [change for change in changes if self._of(change) == "freeze"]
        for change in frozen:
            if self._breaks(change):
                hint = [*_renames(changes), "`on_schema_change: evolve` lets it change"]
                raise FlowError(
                    f"the table's columns are frozen, and one changed: {change}",
                    column=_name(change),
                    hint="; ".join(hint),
                )
        return frozenset(_name(c) for c in frozen if c.kind is Change.ADDED)

    def _breaks(self, change: SchemaChange) -> bool:
        was, now = change.before, change.after
        if was is None:
            return False
        if now is None:
            return self._whole
        return not holds(was.type, now.type) or (now.nullable and not was.nullable)

    def _settled(self, column: Column) -> tuple[Column, Sequence[str]]:
        """The column as the table is to have it, and what there is to say about that."""
        was = self._table(column)
        if was is None:
            wide = replace(column, nullable=column.nullable or self._older_rows)
            return _remembering(wide, column), ()
        nullable, told = column.nullable or was.nullable, list[str]()
        wide = replace(column, nullable=nullable)
        if was.type != column.type and holds(was.type, column.type):
            wide = Column(column.name, was.type, nullable)
            kinds = type_name(column.type), type_name(was.type)
            told = [f"{column.name}: {kinds[0]} arrives, and the table keeps {kinds[1]}"]
        elif was.type != column.type:
            self._refuse_loss(was, column)
            told = [f"{column.name}: the table's column becomes {type_name(column.type)}"]
        if nullable and not was.nullable and column.name not in self.keys:
            told.append(f"{column.name}: the table's column may be NULL from now on")
        return _remembering(wide, column), told

    def _refuse_loss(self, was: Column, column: Column) -> None:
        """Raise FlowError unless the table's column can become what arrives."""
        kinds = f"{type_name(was.type)} → {type_name(column.type)}"
        if self.widens and holds(column.type, was.type):
            if column.name not in self.hashed or _same_text(was, column):
                return
            raise FlowError(
                f"the table's hashes are made of {column.name}, and would change: {kinds}",
                column=column.name,
                hint=f"{_CAST}, or {_ANEW}",
            )
        lossless = holds(column.type, was.type)
        why = "this store cannot change the table's column" if lossless else "values could be lost"
        raise FlowError(
            f"the column changed its type, and {why}: {column.name} {kinds}",
            column=column.name,
            hint=f"{_CAST}, or {_ANEW}",
        )

    def _table(self, column: Column) -> Column | None:
        """The table's column, as far as it binds what is staged. Raises FlowError for one that
        cannot hold its values."""
        name, loaded = column.name, _find(self.loaded, column.name)
        if self._whole:
            return loaded if self.settings.on_schema_change.of(name) == "freeze" else None
        if (there := _find(self.there, name)) is None:
            return loaded
        values = loaded or column
        if loses(there.type, values.type):
            known = "was loaded into it" if loaded else "arrives"
            raise FlowError(
                f"the table's column {name} is {type_name(there.type)}, which cannot hold "
                f"{type_name(values.type)}, and that {known}",
                column=name,
                hint=f"change the table's column to {type_name(values.type)}, {_CAST}, or {_ANEW}",
            )
        if not holds(there.type, values.type):
            return loaded  # a type that we know by its texts only: its database will say
        return replace(values, type=there.type)

    def _by_hand(self, name: str) -> Iterator[str]:
        """What others did to the table's column since the last load."""
        loaded, there = _find(self.loaded, name), _find(self.there, name)
        if self._whole or loaded is None or self.there is None:
            return
        if there is None:
            yield f"{name}: the table lacks this column, which was loaded; it is added again, empty"
        elif there.type != loaded.type and holds(there.type, loaded.type):
            kinds = type_name(there.type), type_name(loaded.type)
            yield f"{name}: the table's column is {kinds[0]}, and {kinds[1]} was loaded into it"

    @property
    def _whole(self) -> bool:
        return self.settings.mode is Mode.REPLACE

    @property
    def _older_rows(self) -> bool:
        """Whether there are rows without a column that is added now."""
        return self.loaded is not None and not self._whole

    def _of(self, change: SchemaChange) -> str:
        return self.settings.on_schema_change.of(_name(change))


def told(changes: Sequence[SchemaChange], left: Sequence[str]) -> Iterator[str]:
    """What a person should know of the changes."""
    for change in changes:
        yield f"column changed since the last load: {change}"
    for name in left:
        yield f"new column left out, for the columns are frozen: {name}"
    yield from _renames(changes)


def _find(schema: TableSchema | None, name: str) -> Column | None:
    return schema[name] if schema is not None and name in schema else None


def _changes(before: TableSchema | None, after: TableSchema) -> list[SchemaChange]:
    """But for the mark of a row that is gone: it is no column of the table's."""
    if before is None:
        return []
    return compare(_rows(before), _rows(after), nullability=True)


def _rows(schema: TableSchema) -> TableSchema:
    return schema.select(name for name in schema.names if name != OPERATION)


def _remembering(wide: Column, column: Column) -> Column:
    """The table's column, which knows how its rows arrive if that is another way."""
    if wide == column:
        return column
    return replace(wide, source=Arrived(column.type, column.nullable))


def _same_text(one: Column, other: Column) -> bool:
    """Whether values are written alike before and after."""
    words = isinstance(one.type, pl.Categorical | pl.Enum)
    return words or (one.type.is_integer() and other.type.is_integer())


def _name(change: SchemaChange) -> str:
    column = change.after or change.before
    assert column is not None
    return column.name


def _renames(changes: Sequence[SchemaChange]) -> Iterator[str]:
    """A column that went, and the only one of its type that came."""
    gone = [c.before for c in changes if c.kind is Change.REMOVED and c.before is not None]
    new = [c.after for c in changes if c.kind is Change.ADDED and c.after is not None]
    for column in gone:
        alike = [other for other in new if other.type == column.type]
        if len(alike) == 1 and sum(other.type == column.type for other in gone) == 1:
            yield f"was {column.name} ({type_name(column.type)}) renamed to {alike[0].name}?"
