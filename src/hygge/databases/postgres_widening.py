"""Wider columns in PostgreSQL: one rewrite of the table, in the publishing transaction.

It keeps readers out until the load is published, and is refused while a view shows the column.
"""

from __future__ import annotations

from collections.abc import Sequence

from hygge.databases.database import Session, Table
from hygge.databases.dialect import in_quotes
from hygge.databases.wider import Wider


def widen(session: Session, table: Table, columns: Sequence[Wider]) -> None:
    """As Database.widen."""
    words = list[str]()
    for column in columns:
        name = in_quotes(column.name)
        if column.native is not None:
            words.append(f"alter column {name} type {column.native}")
        if column.freed:
            words.append(f"alter column {name} drop not null")
    session.change(f"alter table {in_quotes(table.schema, table.name)} {', '.join(words)}")
