"""Wider columns in MySQL and MariaDB: each is defined anew, with all that it was beside its type.

No transaction takes that back. It loses nothing, and a load that does not get to its end leaves a
table whose column is wide enough for the next.
"""

from __future__ import annotations

from collections.abc import Sequence

from hygge.databases.database import Session, Table
from hygge.databases.definitions import Definition
from hygge.databases.mysql_errors import text
from hygge.databases.mysql_types import quoted
from hygge.databases.wider import Wider


def widen(session: Session, table: Table, columns: Sequence[Wider]) -> None:
    """As Database.widen."""
    name = ".".join(map(quoted, filter(None, (table.schema, table.name))))
    made = Definition.of(text(session.rows(f"show create table {name}")[0][1]))
    words = (f"modify column {definition}" for definition in made.wider(columns).values())
    session.change(f"alter table {name} {', '.join(words)}")
