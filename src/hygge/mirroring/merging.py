"""The columns of a table and those of the next file: their union, with types that never change."""

from __future__ import annotations

from collections.abc import Sequence

from hygge.mirroring.landed import Landed, kind_of
from hygge.mirroring.state import SeenColumn, TableState
from hygge.mirroring.stopping import REBUILD, TableStops, Why


def merged(state: TableState, landed: Landed) -> tuple[SeenColumn, ...]:
    """The columns once this file is in. Raises TableStops for what the table cannot take."""
    known = {column.name: column for column in state.columns}
    arriving = {column.name: column for column in landed.columns}
    _refuse_missing(known, arriving, landed.name)
    found = [
        _same(column, arriving[name], landed.name) if name in arriving else column
        for name, column in known.items()
    ]
    new = [column for name, column in arriving.items() if name not in known]
    if state.processed:
        _refuse_new(new, list(known), landed.name)
    return (*found, *new)


def _same(there: SeenColumn, arriving: SeenColumn, file: str) -> SeenColumn:
    if kind_of(there.type) != kind_of(arriving.type):  # milliseconds and microseconds are one
        raise TableStops(
            f"{file}: Type mismatch for column {there.name!r}. Incoming type {arriving.type!r}, "
            f"existing type {there.type!r}",
            Why.SCHEMA,
            hint=REBUILD,
        )
    if there.nullable and not arriving.nullable:
        told = f"{file}: the column {there.name!r} is not nullable, and it was"
        raise TableStops(told, Why.SCHEMA, hint=REBUILD)
    return there


def _refuse_missing(
    known: dict[str, SeenColumn], arriving: dict[str, SeenColumn], file: str
) -> None:
    for name, column in known.items():
        if name not in arriving and not column.nullable:
            told = f"{file}: the column {name!r} is missing, and it was not nullable"
            raise TableStops(told, Why.SCHEMA, hint=REBUILD)


def _refuse_new(new: Sequence[SeenColumn], known: Sequence[str], file: str) -> None:
    lower = {name.lower(): name for name in known}
    for column in new:
        told = None
        if column.name.lower() in lower:
            told = f"differs from {lower[column.name.lower()]!r} only by case"
        elif not column.nullable:
            told = "is not nullable"
        if told is not None:
            what = f"{file}: the new column {column.name!r} {told}"
            raise TableStops(what, Why.SCHEMA, hint=REBUILD)
