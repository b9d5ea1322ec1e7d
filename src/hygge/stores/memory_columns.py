"""The columns of a table in memory, and rows that are made to have them."""

from __future__ import annotations

import secrets
from dataclasses import replace

import polars as pl

from hygge.core.errors import StoreError
from hygge.core.schema import TableSchema
from hygge.core.widening import holds
from hygge.databases.memory import Page


def wide_enough(
    table: TableSchema, arriving: TableSchema, pages: tuple[Page, ...]
) -> tuple[TableSchema, tuple[Page, ...]]:
    """The table with the columns made wider that have to be; its other pages stay as they are."""
    there = {column.name: column.type for column in table.columns}
    fit = (c for c in arriving.columns if c.name in there and holds(c.type, there[c.name]))
    after = replace(table.and_then(TableSchema(tuple(fit))), keys=table.keys)
    if after.polars() == table.polars():
        return after, pages
    made = (Page(p.name, fitted(p.rows, after), secrets.token_hex(8)) for p in pages)
    return after, tuple(made)


def refuse_misfits(table: TableSchema, arriving: TableSchema) -> None:
    """Raise StoreError for a column that the table cannot take."""
    for column in arriving.columns:
        if column.name not in table or table[column.name].type != column.type:
            raise StoreError(f"the table has no column {column}", column=column.name)


def fitted(rows: pl.DataFrame, schema: TableSchema) -> pl.DataFrame:
    """The same rows with these columns; those they lack are NULL."""
    return rows.select(
        pl.col(c.name).cast(c.type)
        if c.name in rows.columns
        else pl.lit(None, c.type).alias(c.name)
        for c in schema.columns
    )
