"""Wider columns in SQL Server, in the publishing transaction: `alter column` names all they are."""

from __future__ import annotations

from collections.abc import Sequence

from hygge.databases.database import Session, Table
from hygge.databases.mssql_switch import COLLATIONS
from hygge.databases.mssql_words import bracketed
from hygge.databases.wider import Wider


def widen(session: Session, table: Table, columns: Sequence[Wider]) -> None:
    """As Database.widen."""
    name = ".".join(map(bracketed, filter(None, (table.schema, table.name))))
    required = {f.column.name for f in session.fields(table) if not f.column.nullable}
    collations = dict(session.rows(COLLATIONS, name))
    for column in columns:
        kind = column.native or column.was
        if (collation := collations.get(column.name)) and " collate " not in kind:
            kind += f" collate {collation}"
        null = "null" if column.freed or column.name not in required else "not null"
        session.change(f"alter table {name} alter column {bracketed(column.name)} {kind} {null}")
