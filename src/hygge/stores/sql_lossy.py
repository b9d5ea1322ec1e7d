"""Columns whose values may be changed into the nearest that a database can hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from hygge.core.errors import ConfigError
from hygge.core.schema import TableSchema
from hygge.databases.database import Database


@dataclass(frozen=True)
class Lossy:
    """`columns` None: all may."""

    columns: frozenset[str] | None = frozenset()

    @classmethod
    def of(cls, told: bool | Sequence[str]) -> Lossy:
        """As it stands in the settings."""
        if isinstance(told, bool):
            return cls(None if told else frozenset())
        return cls(frozenset(told))

    def __bool__(self) -> bool:
        return self.columns is None or bool(self.columns)

    def __contains__(self, name: str) -> bool:
        return self.columns is None or name in self.columns

    @property
    def manner(self) -> str:
        """What was staged with other allowances may lie there otherwise."""
        if not self:
            return ""
        return "lossy" if self.columns is None else f"lossy {', '.join(sorted(self.columns))}"

    def refuse_unknown(self, schema: TableSchema) -> None:
        for name in sorted(self.columns or ()):
            if name not in schema:
                told = "`allow_lossy` names a column that is not loaded"
                raise ConfigError(told, column=name, hint=schema.hint(name))

    def bent(
        self, database: Database, rows: pl.DataFrame, schema: TableSchema
    ) -> tuple[pl.DataFrame, Counter[str]]:
        """The rows as the database can hold them, and how many values of which columns were
        changed."""
        counts, columns = Counter[str](), list[pl.Series]()
        for values in rows:
            if (name := values.name) in self:
                nullable = schema[name].nullable
                values, counts[name] = database.bends.values(values, nullable=nullable)
            columns.append(values)
        return pl.DataFrame(columns) if columns else rows, +counts
