"""Which rows and columns of a file a run asks for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from hygge.core.errors import ConfigError
from hygge.core.home import ReadRequest
from hygge.core.schema import TableSchema
from hygge.core.watermark import literal

# in a serialized expression: what looks at more than one row, and so cannot be asked batch by batch
_BEYOND_ONE_ROW = {
    "Agg", "Len", "Over", "Rank", "Rolling", "Shift", "Sort", "SortBy", "SubPlan", "IntRange",
    "CumSum", "CumMax", "CumMin", "CumCount", "CumProd", "Slice", "Gather", "Filter", "Explode",
    "Unique", "Reverse", "Random",
}  # fmt: skip
_ENOUGH_ROWS, _ENOUGH_BYTES = 65_536, 8 * 2**20
_TEXT = {"String", "Column", "Binary"}


@dataclass(frozen=True)
class Asked:
    """A request against the columns there are: what to read, and what to give of it."""

    read: TableSchema
    given: tuple[str, ...]
    condition: pl.Expr | None

    def of(self, batch: pl.DataFrame) -> pl.DataFrame:
        """The rows and columns asked for, of these."""
        kept = batch if self.condition is None else batch.filter(self.condition)
        return kept.select(self.given)


def asked(request: ReadRequest, schema: TableSchema) -> Asked:
    """Raises ConfigError for a column that is not there and for a `where` that cannot be."""
    given = request.schema.names if request.schema else request.columns or schema.names
    for name in given:
        column_of(schema, name)
    schema = announced(schema, request.schema)
    conditions, needed = list[pl.Expr](), list(given)
    if request.where is not None:
        expression = where(request.where, schema)
        conditions.append(expression)
        needed += expression.meta.root_names()
    for condition, column in in_window(request):
        column_of(schema, column)
        conditions.append(condition)
        needed.append(column)
    read = schema.select(dict.fromkeys(needed) or schema.names[:1])
    return Asked(read, given, pl.all_horizontal(conditions) if conditions else None)


def announced(schema: TableSchema, told: TableSchema | None) -> TableSchema:
    """The columns there are, with the types that were announced for them."""
    types = {column.name: column for column in told.columns} if told else {}
    return replace(schema, columns=tuple(types.get(c.name, c) for c in schema.columns))


def column_of(schema: TableSchema, name: str) -> pl.DataType:
    """The type of a column. Raises ConfigError with the nearest name."""
    if name in schema:
        return schema[name].type
    raise ConfigError(f"there is no column {name!r}", hint=schema.hint(name), column=name)


def in_window(request: ReadRequest) -> Iterator[tuple[pl.Expr, str]]:
    """The conditions of a request's window, each with its column. Rows without a position pass: the
    flow's policy decides about them."""
    if (low := request.low) is not None:
        cursor = pl.col(low.column)
        above = cursor >= literal(low) if low.closed else cursor > literal(low)
        yield above | cursor.is_null(), low.column
    if (bound := request.bound) is not None:
        cursor = pl.col(bound.column)
        below = cursor <= literal(bound) if bound.closed else cursor < literal(bound)
        yield below | cursor.is_null(), bound.column


def where(text: str, schema: TableSchema) -> pl.Expr:
    """The user's SQL condition as an expression on one row."""
    try:
        expression = pl.sql_expr(text)
        beyond = _words(json.loads(expression.meta.serialize(format="json"))) & _BEYOND_ONE_ROW
    except pl.exceptions.PolarsError as failed:
        raise _unusable(text, str(failed).partition("\n")[0], "a SQL condition") from None
    if beyond:
        raise _unusable(text, "it looks at more than one row", "conditions on one row at a time")
    for name in expression.meta.root_names():
        if name not in schema:
            raise _unusable(text, f"there is no column {name!r}", schema.hint(name))
    try:
        pl.DataFrame(schema=schema.polars()).filter(expression)
    except pl.exceptions.PolarsError as failed:
        hint = "dates compare with date '2024-01-31', times with timestamp '2024-01-31 12:00:00'"
        raise _unusable(text, str(failed).partition("\n")[0], hint) from None
    return expression


def worthwhile(batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in order, small batches put together: many small files make few steps."""
    held, rows, size = list[pl.DataFrame](), 0, 0.0
    for batch in batches:
        if not batch.height:
            continue
        held.append(batch)
        rows, size = rows + batch.height, size + batch.estimated_size()
        if rows >= _ENOUGH_ROWS or size >= _ENOUGH_BYTES:
            yield pl.concat(held) if len(held) > 1 else batch
            held, rows, size = [], 0, 0.0
    if held:
        yield pl.concat(held) if len(held) > 1 else held[0]


def _unusable(text: str, why: str, hint: str) -> ConfigError:
    return ConfigError(f"`where: {text}` cannot be used: {why}", hint=hint)


def _words(tree: Any) -> set[str]:
    """The names of the operations in a serialized expression; texts of the user's are none."""
    if isinstance(tree, dict):
        inner = (_words(value) for key, value in tree.items() if key not in _TEXT)
        return set(tree).union(*inner)
    if isinstance(tree, list):
        return set[str]().union(*map(_words, tree))
    return {tree} if isinstance(tree, str) else set()
