"""What to do when the source's columns are not those that were loaded last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hygge.core.errors import FlowError
from hygge.core.schema import Change, SchemaChange, TableSchema, compare
from hygge.core.store import Mode
from hygge.core.types import type_name
from hygge.flow.settings import FlowSettings

_ANEW = "load everything once: hygge go --full-drop"


def decide(
    loaded: TableSchema | None, arriving: TableSchema, settings: FlowSettings
) -> Sequence[SchemaChange]:
    """The changes to go through with. Raises FlowError for one that is not to be.

    `fail` refuses any. A full load may else change anything. Added columns are NULL in older rows;
    removed ones stay, and are NULL in newer rows. A changed type would give one column two types.
    """
    changes = compare(loaded, arriving) if loaded is not None else []
    for change in changes:
        if settings.on_schema_change.of(_name(change)) == "fail":
            raise FlowError(
                f"the columns are not those of the last load: {'; '.join(map(str, changes))}",
                column=_name(change),
                hint="; ".join([*_renames(changes), f"`on_schema_change: evolve`, or {_ANEW}"]),
            )
    retyped = [change for change in changes if change.kind is Change.RETYPED]
    if retyped and settings.mode is not Mode.REPLACE:
        raise FlowError(
            f"columns changed their type since the last load: {'; '.join(map(str, retyped))}",
            column=_name(retyped[0]),
            hint=f"{_ANEW}; of csv and ndjson, the home's "
            "`schema: {column: type}` keeps types from night to night",
        )
    return changes


def left_out(
    loaded: TableSchema | None, arriving: TableSchema, settings: FlowSettings
) -> frozenset[str]:
    """Added columns that are not to be loaded: `freeze` keeps the table's columns as they are.

    Raises FlowError where one that is frozen is gone, or has another type.
    """
    changes = compare(loaded, arriving) if loaded is not None else []
    frozen = [c for c in changes if settings.on_schema_change.of(_name(c)) == "freeze"]
    for change in frozen:
        if change.kind is Change.RETYPED or (
            change.kind is Change.REMOVED and settings.mode is Mode.REPLACE
        ):
            raise FlowError(
                f"the table's columns are frozen, and one changed: {change}",
                column=_name(change),
                hint="; ".join([*_renames(changes), "`on_schema_change: evolve` lets it change"]),
            )
    return frozenset(_name(c) for c in frozen if c.kind is Change.ADDED)


def told(changes: Sequence[SchemaChange], left: Sequence[str]) -> Iterator[str]:
    """What a person should know of the changes."""
    for change in changes:
        yield f"column changed since the last load: {change}"
    for name in left:
        yield f"new column left out, for the columns are frozen: {name}"
    yield from _renames(changes)


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
