"""The columns of a mirrored table, as a load's files have them.

They are pinned by the table's first load: Fabric stops a table for a column that comes with another
type, and for one that it did not know and that may not be NULL (LZF, schema changes).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from hygge.core.errors import ANEW, StoreError, Unsupported
from hygge.core.names import begun
from hygge.core.schema import OPERATION, Column, TableSchema
from hygge.core.store import LoadRequest, Mode
from hygge.formats.columns import absent
from hygge.mirroring.fabric_types import MOMENT, as_held, mirrored, refuse, sql_name
from hygge.mirroring.names import ROW_MARKER
from hygge.stores.commit_log import Record
from hygge.stores.mirror_config import OpenMirroringConfig

LOADED_AT = "__LastLoadedAt__"
_MARKER = Column(ROW_MARKER, pl.Int32(), nullable=False)
_HINT = f"Fabric takes no such change: load everything anew, {ANEW}"


@dataclass(frozen=True)
class Columns:
    """`rows` are those of the load as they arrive, `before` those that the table has, by the types
    that they arrived with; None: it begins with this load. `old_keys` were its keys, `required` are
    the columns that were never NULL from its first file on: for good, whatever keys come later."""

    request: LoadRequest
    rows: TableSchema
    before: TableSchema | None
    keys: tuple[str, ...]
    old_keys: tuple[str, ...]
    required: tuple[str, ...]
    config: OpenMirroringConfig

    @classmethod
    def of(
        cls, request: LoadRequest, newest: Record | None, config: OpenMirroringConfig
    ) -> Columns:
        rows = request.schema.select(n for n in request.schema.names if n != OPERATION)
        if config.loaded_at and LOADED_AT in rows:
            hint = "leave `loaded_at` out, or rename the column"
            raise Unsupported("the source has this column itself", column=LOADED_AT, hint=hint)
        before = newest.schema if newest is not None else None
        old = newest.receipt.keys if newest is not None and newest.receipt is not None else ()
        keys = request.keys or old
        required = newest.required if newest is not None else keys
        return cls(request, rows, before, keys, old, required, config)

    @property
    def held(self) -> TableSchema:
        """As the files have them: those that are known first, so that none is missing."""
        arriving = mirrored(self.rows, self.required)
        if self.before is None:
            return arriving
        known = mirrored(self.before, self.required)
        new = tuple(column for column in arriving.columns if column.name not in known)
        return TableSchema((*known.columns, *new))

    def written(self, *, marked: bool) -> TableSchema:
        """All that is in a file; the marker is the last (LZF)."""
        own = [Column(LOADED_AT, MOMENT)] if self.config.loaded_at else []
        return TableSchema((*self.held.columns, *own, *([_MARKER] if marked else [])))

    @property
    def nothing(self) -> pl.DataFrame:
        """No rows, as a file without markers has them."""
        return pl.DataFrame(schema=self.written(marked=False).polars())

    def refuse_change(self) -> None:
        """Raise StoreError for columns or keys that the table cannot come to have."""
        if self.before is None:
            return
        if self.old_keys and self.keys != self.old_keys:
            told = f"the table's keys are {', '.join(self.old_keys)}, not {', '.join(self.keys)}"
            raise StoreError(told, hint=_HINT)
        for name in dict.fromkeys((*self.keys, *self.required)):
            if name not in self.rows:
                what = "a key of the table" if name in self.keys else "a column that is never NULL"
                raise StoreError(f"{what} does not arrive any more", column=name, hint=_HINT)
        known, arriving = mirrored(self.before, self.keys), mirrored(self.rows, self.keys)
        new = [column for column in arriving.columns if column.name not in known]
        gone = [column for column in known.columns if column.name not in arriving]
        for column in arriving.columns:
            if column.name in known and known[column.name].type != column.type:
                kinds = sql_name(known[column.name].type), sql_name(column.type)
                told = f"the mirrored column is {kinds[0]}, and {kinds[1]} arrives"
                raise StoreError(told, column=column.name, hint=_HINT)
        for column in new:
            self._refuse_new(column, gone)
        refuse(self.held)  # a name may differ from an old one by its case alone

    def _refuse_new(self, column: Column, gone: Sequence[Column]) -> None:
        if not self.rows[column.name].arrived.nullable:
            told = "a column was added that is never NULL, and older rows would be NULL in it"
            raise StoreError(told, column=column.name, hint=_HINT)
        if any(other.type == column.type for other in gone):
            names = ", ".join(other.name for other in gone if other.type == column.type)
            told = f"the column looks like another name for {names}, which is gone"
            raise StoreError(told, column=column.name, hint=_HINT)

    def made(self, batch: pl.DataFrame) -> tuple[pl.DataFrame, Counter[str]]:
        """The rows as a file without markers has them, and how many values of which columns are
        not what they were. Raises StoreError for a value that cannot be held."""
        changed, columns = Counter[str](), list[pl.Series]()
        for column in self.held.columns:
            if column.name in self.rows:
                lossy = self._may_lose(column.name)
                values, changed[column.name] = as_held(batch[column.name], lossy=lossy)
                columns.append(values)
            else:
                columns.append(absent(column, batch.height))
        made = pl.DataFrame(columns)
        if self.config.loaded_at:
            moment = pl.lit(begun(self.request.load_id)).cast(MOMENT)
            made = made.with_columns(moment.alias(LOADED_AT))
        return made, +changed

    def _may_lose(self, name: str) -> bool:
        """Never a key: of several rows, one would be left. What tells the latest may tie, and ties
        are refused."""
        told = self.config.allow_lossy
        allowed = told if isinstance(told, bool) else name in told
        return allowed and name not in self.keys

    def marked(self, made: pl.DataFrame, mark: Any) -> pl.DataFrame:
        """With a marker, as the expression says."""
        return made.with_columns(mark.cast(_MARKER.type).alias(ROW_MARKER))

    def deletable(self, made: pl.DataFrame, gone: pl.Series) -> pl.DataFrame:
        """A delete tells its key alone: something stands where no NULL may."""
        names = [n for n in self.required if n not in self.keys and made[n].has_nulls()]
        filled = [
            pl.when(gone & made[n].is_null()).then(_zero(made[n].dtype)).otherwise(n).alias(n)
            for n in names
        ]
        return made.with_columns(filled)

    @property
    def latest(self) -> str | None:
        """The column that tells which of several rows of a key is the latest. Raises Unsupported
        where its texts are not in the order of its values."""
        name = self.request.latest
        if name is None or self.request.mode is Mode.APPEND:
            return None
        kind = self.rows[name].type
        if mirrored(self.rows, self.keys)[name].type == pl.String() and kind != pl.String():
            told = "Fabric keeps this column as text, which cannot tell which row is the latest"
            raise Unsupported(told, column=name, hint="another `watermark`")
        return name


def _zero(kind: pl.DataType) -> pl.Expr:
    return pl.lit(b"") if kind == pl.Binary() else pl.lit(0).cast(kind)
