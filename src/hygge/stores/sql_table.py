"""One table in a database, and what is done to it by SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from hygge.core.schema import Column, TableSchema
from hygge.databases.database import Database, Field, Session, Table


class SqlTable:
    """A table by its name; it need not be there."""

    def __init__(self, database: Database, session: Session, table: Table) -> None:
        self._db, self._session, self.table = database, session, table
        self.sql = database.named(table)

    def fields(self) -> list[Field]:
        return self._session.fields(self.table)

    def exists(self) -> bool:
        return bool(self.fields())

    def has_rows(self) -> bool:
        return bool(self._session.rows(f"select 1 from {self.sql} limit 1"))

    def make(self, schema: TableSchema, *, keys: Sequence[str] = ()) -> None:
        words = [self._word(column) for column in schema.columns]
        if keys:
            words.append(f"primary key ({self.names(keys)})")
        self._session.change(f"create table {self.sql} ({', '.join(words)})")

    def _word(self, column: Column) -> str:
        required = "" if column.nullable else " not null"
        return f"{self._db.quoted(column.name)} {self._db.native(column.type)}{required}"

    def names(self, names: Iterable[str], of: str = "") -> str:
        head = f"{of}." if of else ""
        return ", ".join(head + self._db.quoted(name) for name in names)

    def widen(self, columns: Iterable[Column]) -> None:
        """Add these columns, but for those that are there."""
        there = {field.column.name for field in self.fields()}
        for column in columns:
            if column.name not in there:
                word = self._word(replace(column, nullable=True))
                self._session.change(f"alter table {self.sql} add column {word}")

    def drop(self) -> None:
        self._session.change(f"drop table if exists {self.sql}")
