"""The columns of a Delta table: what rows are staged as, and what the table has with them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from hygge.core.errors import StoreError, Unsupported
from hygge.core.schema import DELETED_AT, OPERATION, Column, TableSchema
from hygge.core.store import LoadRequest, Mode
from hygge.core.types import type_name
from hygge.formats.delta_snapshot import Snapshot
from hygge.formats.delta_types import Field, held, wide_enough
from hygge.stores.deleting import marks
from hygge.stores.delta_actions import fields_of

_INSTEAD = {pl.Duration: "cast it to int64", pl.Null: "cast it to the type it is to have"}
_FINE = "cast it to datetime(us)"


def refuse(schema: TableSchema) -> None:
    """Raise Unsupported for a column that no Delta table can hold."""
    even = dict[str, str]()
    for column in schema.columns:
        name = column.name.lower()
        if name in even:
            raise Unsupported(
                f"a Delta table does not tell {even[name]!r} from {column.name!r}",
                column=column.name,
                hint="rename one of them with `rename`",
            )
        even[name] = column.name
        if held(column.type) is None:
            hint = _FINE if isinstance(column.type, pl.Datetime) else "cast it to string"
            hint = _INSTEAD.get(type(column.type), hint)
            told = f"a Delta table cannot hold {type_name(column.type)}"
            raise Unsupported(told, column=column.name, hint=hint)


def native(column: Column) -> Column:
    """The column as a Delta table has it."""
    kind = held(column.type)
    if kind is None:
        refuse(TableSchema((column,)))
    assert kind is not None
    return replace(column, type=kind)


def staged_columns(request: LoadRequest, there: Snapshot | None) -> TableSchema:
    """As what rows are staged: as the table has them, where it holds them.

    A row of nothing but a key has no other value.
    """
    known = there.schema if there is not None and request.mode is not Mode.REPLACE else None
    columns = list[Column]()
    for column in map(native, request.schema.columns):
        if known is not None and column.name in known:
            found = wide_enough(known[column.name].type, column.type)
            column = replace(column, type=found or column.type)
        nullable = column.nullable or request.most_gone is not None
        columns.append(replace(column, nullable=nullable))
    return TableSchema(tuple(columns))


@dataclass(frozen=True)
class Columns:
    """What the table has once the load is published. `retyped`: its files have to be written
    anew."""

    schema: TableSchema
    fields: tuple[Field, ...]
    changed: bool
    retyped: bool

    @classmethod
    def after(cls, request: LoadRequest, there: Snapshot | None) -> Columns:
        """Raises StoreError for a column that cannot hold what arrives."""
        arriving = [native(c) for c in request.schema.columns if c.name != OPERATION]
        anew = there is None or request.mode is Mode.REPLACE
        before = TableSchema(()) if anew or there is None else there.schema
        fields_there = there.fields if there else ()
        wanted = {column.name: column for column in (*arriving, *marks(request))}
        kept = [_together(column, wanted.get(column.name)) for column in before.columns]
        new = [c for name, c in wanted.items() if name not in before]
        new = new if anew else [replace(column, nullable=True) for column in new]
        schema = TableSchema((*kept, *new))
        fields = fields_of(schema, fields_there)
        retyped = any(column.type != before[column.name].type for column in kept)
        return cls(schema, tuple(fields), fields != list(fields_there), retyped)


def _together(there: Column, arriving: Column | None) -> Column:
    if arriving is None:
        return replace(there, nullable=True)
    kind = wide_enough(there.type, arriving.type)
    if kind is None:
        raise StoreError(
            f"the table's column is {type_name(there.type)}, which cannot hold "
            f"{type_name(arriving.type)}, nor the other way round",
            column=there.name,
            hint="cast it in the home, or load everything anew",
        )
    return Column(there.name, kind, there.nullable or arriving.nullable)


def standing(there: Snapshot, known: TableSchema) -> TableSchema:
    """As Store.standing."""
    own = (c for c in there.schema.columns if c.name != DELETED_AT or c.name in known)
    return TableSchema(tuple(_as_known(column, known) for column in own))


def _as_known(column: Column, known: TableSchema) -> Column:
    same = column.name in known and held(known[column.name].type) == column.type
    return replace(column, type=known[column.name].type) if same else column
