"""Settings of a table of a database to be loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator

from hygge.core.errors import Unsupported
from hygge.core.store import StoreConfig
from hygge.databases.database import Database
from hygge.databases.found import located_settings, named_table


class SqlStoreConfig(StoreConfig):
    """Settings of a table to be loaded."""

    table: str = Field(min_length=1, description="`users` or `schema.users`; {entity} is filled in")
    database: str | None = Field(default=None, description="Which kind, if the URL does not say")
    connection: str | None = Field(
        default=None, description="Which of `connections:` to use, or a database's URL"
    )
    path: str | None = Field(default=None, description="The file of a database that is a file")
    if_exists: Literal["fail", "append", "replace"] = Field(
        default="fail",
        description="What becomes of rows that hygge did not put there: the load is refused; they "
        "stay; or the first load replaces them",
    )
    staging_schema: str | None = Field(
        default=None, min_length=1, description="Another schema, in which rows are staged"
    )
    shape: Literal["heap", "columnstore", "rowstore_pk"] | None = Field(
        default=None,
        alias="create",
        description="The shape of a table that a load makes, where the database knows several",
    )
    table_hints: tuple[str, ...] = Field(
        default=(), description="What is told the database where rows are put into the table"
    )
    swap: Literal["rename", "delete"] | None = Field(
        default=None,
        description="How a full_drop replaces the rows of a table whose columns stay. `rename`: "
        "another table takes its name; `delete`: they are deleted, and others inserted. Else the "
        "table is kept, and the quickest way taken",
    )

    allow_lossy: bool | tuple[str, ...] = Field(
        default=False,
        description="Values that the database cannot hold exactly (NaN, nanoseconds) become the "
        "nearest that it can: true, or of which columns; the run says how many did",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=16,
        description="Inserts at once into the staging of one part, each on its own connection; "
        "rows lie in no order then. 1 where one connection writes at a time (SQLite)",
    )

    @field_validator("table_hints", mode="before")
    @classmethod
    def _one(cls, hints: Any) -> Any:
        return (hints,) if isinstance(hints, str) else hints

    @field_validator("table_hints", mode="after")
    @classmethod
    def _small(cls, hints: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(str.lower, hints)))

    def located(self, root: Path) -> Self:
        return self.model_copy(update=located_settings(self, root))

    @classmethod
    def for_entity(
        cls, flow: Mapping[str, Any], entity: Mapping[str, Any], name: str
    ) -> dict[str, Any]:
        return named_table(super().for_entity(flow, entity, name), name)

    def refuse(self, database: Database) -> None:
        """Raise Unsupported for what this database does not know."""
        name = database.name
        if self.staging_schema is not None and database.schemas is None:
            raise Unsupported(f"{name} has no schemas", hint="leave `staging_schema` out")
        if self.shape is not None and self.shape not in database.shapes:
            told = f"{name} makes no tables of the shape {self.shape!r}"
            raise Unsupported(told, hint=_one_of("create", database.shapes))
        known = sorted(database.hints)
        for hint in self.table_hints:
            if hint not in known:
                told = f"{hint!r} is no hint of {name} for rows that are put into a table"
                raise Unsupported(told, hint=_one_of("table_hints", known))
        if len(self.table_hints) > 1:
            told = f"`table_hints` {' and '.join(self.table_hints)} do not go together"
            raise Unsupported(told, hint="choose one")


def _one_of(setting: str, known: Mapping[str, bool] | list[str]) -> str:
    return f"one of {', '.join(known)}" if known else f"leave `{setting}` out"
