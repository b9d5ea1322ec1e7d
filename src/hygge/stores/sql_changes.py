"""Sees that a table which others made takes the staged values as they are.

A database may round a moment, or read a number out of a text, and say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from hygge.core.errors import StoreError
from hygge.core.schema import Column, TableSchema
from hygge.core.types import type_name
from hygge.core.widening import holds
from hygge.databases.database import Database, Field, Session
from hygge.stores.sql_table import SqlTable


def refuse_changes(
    database: Database,
    session: Session,
    target: SqlTable,
    staging: SqlTable,
    arriving: TableSchema,
    listed: str,
) -> None:
    """Raise StoreError where a listed row would not be there as it was staged."""
    for field, column in _doubtful(database, target, arriving):
        staged = f"s.{database.quoted(column.name)}"
        back = database.there_and_back(staged, field.native, database.native(column.type))
        if back is None:
            continue
        sql = f"select 1 from {staging.sql} s where {listed} and {staged} <> {back}"
        if session.rows(database.first(1, sql)):
            raise StoreError(
                f"the table's column is {field.native}, and would change values of "
                f"{type_name(column.type)}",
                column=column.name,
                hint=f"make it {database.native(column.type)}, or cast in the home",
            )


def _doubtful(
    database: Database, target: SqlTable, arriving: TableSchema
) -> Iterator[tuple[Field, Column]]:
    """Numbers and times that were not made for what arrives."""
    for field in target.fields():
        name, there = field.column.name, field.column.type
        if name not in arriving or target.made_as(field, arriving[name]):
            continue
        doubtful = database.changes_texts or there.is_temporal()
        if doubtful or (there.is_numeric() and not holds(there, arriving[name].type)):
            yield field, arriving[name]
