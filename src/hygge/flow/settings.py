"""How one table is to be moved: everything about a flow but its Home and its Store."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from hygge.core.config import Settings, Wrong
from hygge.core.store import Deletes, Mode
from hygge.flow.by_files import by_files


class RunType(StrEnum):
    """`full_drop` replaces the table's content, `incremental` adds what is new, `backfill` merges a
    range again and leaves the watermark alone."""

    FULL_DROP = "full_drop"
    INCREMENTAL = "incremental"
    BACKFILL = "backfill"


def _seconds(given: Any) -> Any:
    """From `90`, `90s`, `15m`, `2h` or `1d`."""
    if isinstance(given, str) and (told := _SPAN.fullmatch(given.strip())):
        return float(told[1]) * _UNITS[told[2]]
    return given


_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
Span = Annotated[float, BeforeValidator(_seconds), Field(ge=0)]


class WatermarkSettings(Settings):
    """Which column tells what is new."""

    column: str = Field(description="The column that grows with every new or changed row")
    lag: Span = Field(
        default=0, description="Leave the newest rows, of so many seconds or `15m`, for later"
    )
    overlap: Span = Field(
        default=0, description="Read so far back again: seconds, `2h`, or a number; needs `keys`"
    )
    nulls: Literal["fail", "ignore", "include"] = Field(
        default="fail", description="What to do with rows whose watermark is NULL"
    )


def _as_text(given: Any) -> Any:
    return given.isoformat() if isinstance(given, date) else given if given is None else str(given)


class Range(Settings):
    """Which rows a backfill reads, by their watermark."""

    start: Annotated[str | None, BeforeValidator(_as_text)] = Field(
        default=None, alias="from", description="The first value"
    )
    end: Annotated[str | None, BeforeValidator(_as_text)] = Field(
        default=None, alias="to", description="The first value that is left out"
    )


class ColumnPolish(Settings):
    """How column names are made even."""

    case: Literal["snake", "camel", "pascal", "lower", "upper"] | None = Field(
        default=None, description="The letter case of every column name"
    )
    remove_special: bool = Field(
        default=False, description="Drop what is not a letter, digit, space or _"
    )
    remove_spaces: bool = Field(default=False, description="Put _ in place of blanks")


class HashId(Settings):
    """A column made of the hash of others."""

    name: str = Field(description="The new column")
    columns: tuple[str, ...] = Field(
        min_length=1, description="The columns it is made of, in this order"
    )


class Constant(Settings):
    """A column with one value for all rows."""

    name: str = Field(description="The new column")
    value: str | int | float | bool = Field(description="Its value")


class Timestamp(Settings):
    """A column with the time at which the load began."""

    name: str = Field(description="The new column")


class Polish(Settings):
    """Finishing touches between Home and Store, in this order."""

    columns: ColumnPolish = Field(default=ColumnPolish(), description="Column names made even")
    hash_ids: tuple[HashId, ...] = Field(default=(), description="Columns made by hashing others")
    constants: tuple[Constant, ...] = Field(default=(), description="Columns with one value")
    timestamps: tuple[Timestamp, ...] = Field(default=(), description="Columns with the load time")


Policy = Literal["evolve", "freeze", "fail"]


class OnSchemaChange(Settings):
    """What becomes of the table when the source's columns change."""

    default: Policy = Field(
        default="evolve",
        description="evolve adds new columns and makes narrow ones wider, freeze leaves those of "
        "the table as they are, fail stops the flow",
    )
    columns: dict[str, Policy] = Field(
        default_factory=dict, description="The same for single columns, by the table's name"
    )

    def of(self, column: str) -> Policy:
        return self.columns.get(column, self.default)


class FlowSettings(Settings):
    """The keys of an entity or flow beside `home` and `store`."""

    run_type: RunType = Field(
        default=RunType.FULL_DROP,
        description="full_drop replaces the table, incremental adds, backfill repairs a range",
    )
    write: Literal["append", "merge"] | None = Field(
        default=None, description="How incremental rows are added; merge where there are keys"
    )
    keys: tuple[str, ...] = Field(default=(), description="The columns that name a row")
    on_tie: Literal["refuse", "any"] = Field(
        default="refuse",
        description="What to do with rows of one key and one watermark that differ: take any",
    )
    deletes: Deletes = Field(
        default=Deletes.HARD,
        description="What a merge does with rows that are gone: hard deletes them, soft writes "
        "when into `_hygge_deleted_at`, ignore leaves them",
    )
    detect_deletes: Literal["by_key_compare"] | None = Field(
        default=None,
        description="How an incremental merge finds rows that are gone: by all keys of the source",
    )
    max_delete_fraction: float = Field(
        default=0.2,
        gt=0,
        le=1,
        description="Refuse to take a larger share of the table's rows for gone",
    )
    watermark: WatermarkSettings | None = Field(
        default=None, description="The column that tells new rows, or {column, lag, overlap, nulls}"
    )
    incremental: str | None = Field(
        default=None,
        min_length=1,
        description="What tells new rows in place of a `watermark`: `xmin` in PostgreSQL, "
        "`change_tracking` in SQL Server",
    )
    new_files: bool | Literal["again"] = Field(
        default=False,
        description="In place of a `watermark`, read the files that were not read before; one that "
        "changed is refused, or read `again`",
    )
    range: Range | None = Field(
        default=None, description="What a backfill reads: {from, to}; hygge go --from … --to …"
    )
    on_schema_change: OnSchemaChange = Field(
        default=OnSchemaChange(),
        description="evolve, freeze or fail; or {default, columns: {name: …}}",
    )
    columns: tuple[str, ...] | None = Field(
        default=None, description="Read only these columns, in this order"
    )
    where: str | None = Field(default=None, description="Read only rows that satisfy this")
    polish: Polish | None = Field(
        default=None, description="Finishing touches on names and columns"
    )
    parallel: int = Field(default=1, ge=1, le=64, description="Partitions carried at once")
    retries: int = Field(
        default=3, ge=0, le=20, description="Tries after the first, if it may help"
    )
    timeout: float | None = Field(default=None, gt=0, description="Seconds until the flow gives up")
    min_rows: int = Field(default=0, ge=0, description="Refuse to publish a full_drop with fewer")

    @model_validator(mode="before")
    @classmethod
    def _by_files(cls, data: Any) -> Any:
        return by_files(data)

    @field_validator("keys", "columns", mode="before")
    @classmethod
    def _one_or_many(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @field_validator("on_schema_change", mode="before")
    @classmethod
    def _just_the_policy(cls, given: Any) -> Any:
        return {"default": given} if isinstance(given, str) else given

    @field_validator("keys", "columns")
    @classmethod
    def _each_once(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        twice = [name for name in names or () if (names or ()).count(name) > 1]
        if twice:
            raise ValueError(f"{twice[0]!r} is named twice")
        return names

    @field_validator("watermark", mode="before")
    @classmethod
    def _just_the_column(cls, given: Any) -> Any:
        return {"column": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _consistent(self) -> FlowSettings:
        if self.run_type is RunType.BACKFILL:
            self._can_backfill()
        elif self.range is not None:
            raise Wrong(
                f"`range` is what a backfill reads, and this flow is run_type: {self.run_type}",
                "run_type: backfill; or leave `range` out: hygge go --from … --to …",
            )
        if self.incremental is not None:
            self._can_go_by(self.incremental)
        if self.run_type is RunType.INCREMENTAL and self.position is None:
            raise Wrong(
                "an incremental run needs a `watermark`: the column that tells new rows",
                "watermark: a column whose values grow; or run_type: full_drop",
            )
        mark = self.watermark
        if mark is not None and not self.merges and (mark.overlap or mark.nulls == "include"):
            word = "overlap" if mark.overlap else "nulls: include"
            raise ValueError(f"{word} reads rows again: it needs `keys` to merge them by")
        if self.write == "merge" and not self.keys:
            raise ValueError("write: merge needs `keys`: the columns that name a row")
        self._can_delete()
        return self

    def _can_delete(self) -> None:
        word = "detect_deletes" if self.detect_deletes else f"deletes: {self.deletes}"
        if (self.detect_deletes or self.deletes is not Deletes.HARD) and not self.merges:
            raise ValueError(f"{word} is for rows that are merged: it needs `keys`")
        if self.detect_deletes and self.deletes is Deletes.IGNORE:
            raise ValueError("detect_deletes finds rows that are gone: deletes: hard, or soft")

    def _can_go_by(self, position: str) -> None:
        if self.watermark is not None:
            raise Wrong(
                f"`incremental: {position}` and a `watermark` both tell what is new",
                "keep one of them",
            )
        if not self.merges and self.new_files is not True:
            raise Wrong(
                f"`incremental: {position}` cannot tell a changed row from a new one: it needs "
                "`keys` to merge them by",
                "keys: the primary key; without `write: append`",
            )

    def _can_backfill(self) -> None:
        if self.watermark is None:
            raise ValueError("a backfill needs a `watermark`: the column whose values it goes by")
        if not self.merges:
            raise ValueError("a backfill reads rows again: it needs `keys` to merge them by")
        if self.range is None or (self.range.start is None and self.range.end is None):
            raise ValueError("a backfill needs a `range`: {from, to}, or one of them")

    @property
    def position(self) -> str | None:
        """What tells new rows: the watermark's column, or an account of the source's own."""
        own = "new_files" if self.new_files else self.incremental
        return own or (self.watermark.column if self.watermark else None)

    @property
    def mode(self) -> Mode:
        """What a load of this flow does to the rows that are there."""
        if self.run_type is RunType.FULL_DROP:
            return Mode.REPLACE
        return Mode.MERGE if self.merges else Mode.APPEND

    @property
    def compares(self) -> bool:
        """Whether a load looks for rows that are gone: not one that reads a range, nor one that
        replaces them all."""
        return self.detect_deletes is not None and self.run_type is RunType.INCREMENTAL

    @property
    def merges(self) -> bool:
        """Whether rows that come again do no harm, once loads are incremental."""
        return self.write == "merge" or (self.write is None and bool(self.keys))
