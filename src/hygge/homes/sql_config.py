"""Settings of a table of a database, or of a query, to be read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field as Setting
from pydantic import model_validator

from hygge.core.config import Settings
from hygge.core.home import HomeConfig
from hygge.databases.found import located_settings, named_table


class SqlOptions(Settings):
    """How rows are fetched."""

    batch_size: int | None = Setting(
        default=None,
        ge=1,
        description="Rows in a batch, at most; what suits the driver if not given",
    )


class SqlHomeConfig(HomeConfig):
    """Settings of a table, or of a query, to be read."""

    table: str | None = Setting(
        default=None, description="`users` or `schema.users`; {entity} is filled in"
    )
    query: str | None = Setting(default=None, description="A select, instead of a table")
    database: str | None = Setting(default=None, description="Which kind, if the URL does not say")
    connection: str | None = Setting(
        default=None, description="Which of `connections:` to use, or a database's URL"
    )
    path: str | None = Setting(default=None, description="The file of a database that is a file")
    partition_by: str | None = Setting(
        default=None,
        description="Read it in ranges of this column, best one with an index; by key if not given",
    )
    partitions: int | None = Setting(
        default=None, ge=1, le=64, description="In how many ranges; by its size if not given"
    )
    partition_mb: float = Setting(
        default=256, gt=0, description="How large a range is to be, about, in MB"
    )
    max_statement_seconds: float | None = Setting(
        default=None,
        gt=0,
        description="No statement that reads rows is open for longer, by more than a batch: the "
        "next goes on after the last row, in the order of a key",
    )
    options: SqlOptions = Setting(default=SqlOptions(), description="How rows are fetched")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("give a `table` or a `query`, one of them")
        if self.query is not None and (self.partitions or 1, self.partition_by) != (1, None):
            raise ValueError("a `query` is read by one statement, not in `partitions`")
        if self.query is not None and self.max_statement_seconds is not None:
            raise ValueError("a `query` is read by one statement: no `max_statement_seconds`")
        return self

    @classmethod
    def for_entity(
        cls, flow: Mapping[str, Any], entity: Mapping[str, Any], name: str
    ) -> dict[str, Any]:
        settings = super().for_entity(flow, entity, name)
        return settings if "query" in settings else named_table(settings, name)

    def located(self, root: Path) -> Self:
        return self.model_copy(update=located_settings(self, root))
