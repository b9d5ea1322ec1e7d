"""What the rows of a file do to a table, found out from their keys and markers alone.

Rows apply from top to bottom: 0 adds a row, and looks for no other; 1 and 4 take every row of their
key away, and add theirs; 2 takes them away. So of each key only the last row with 1, 2 or 4 counts,
and the rows with 0 that come after it; and the table's own rows of that key go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from hygge.core.schema import Column, TableSchema
from hygge.formats.delta_rows import delta_rows
from hygge.mirroring.landed import LANDED, Landed, kind_of
from hygge.mirroring.names import ROW_MARKER, Marker
from hygge.mirroring.stopping import AGAIN, TableStops, Why

_ROW, _LAST, _HIT = "_hygge_row", "_hygge_last", "_hygge_hit"
_MARKS = tuple(int(marker) for marker in Marker)


class Effects:
    """Of one file. Holds its keys in memory, and not its rows."""

    def __init__(self, landed: Landed, keys: Sequence[str], unmarked: Marker, nulls: bool) -> None:
        """`unmarked` is what rows without a marker are. Raises TableStops for what cannot be."""
        self.keys, self._landed, self._nulls = tuple(keys), landed, nulls
        self._gone: pl.DataFrame | None = None
        self._stays: pl.Series | None = None
        self._refuse_keyless()
        if landed.marked or unmarked is not Marker.INSERT:
            self._look(unmarked)

    @property
    def appends(self) -> bool:
        """Whether no row of the table goes."""
        return self._gone is None or not self._gone.height

    def new(self, batch: pl.DataFrame, start: int) -> pl.DataFrame:
        """Those of these rows of the file that are in the table in the end; `start` is the number
        of the first of them."""
        if self._stays is None:
            return batch
        return batch.filter(self._stays.slice(start, batch.height))

    def hit(self, rows: pl.DataFrame) -> pl.Series:
        """Which rows of the table, by their keys, go."""
        if self._gone is None or not self._gone.height:
            return pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)
        hit = self._gone.with_columns(pl.lit(True).alias(_HIT))
        keys = list(self.keys)
        found = rows.select(keys).join(
            hit, on=keys, how="left", maintain_order="left", nulls_equal=True
        )
        return found[_HIT].fill_null(False)

    def ends(self) -> tuple[object, object] | None:
        """Between which values the first key of all rows lies that go; None: anywhere."""
        if self._gone is None or self._gone[self.keys[0]].has_nulls():
            return None
        values = self._gone[self.keys[0]]
        return values.min(), values.max()

    def _look(self, unmarked: Marker) -> None:
        rows = pl.concat([self._empty(), *self._keys_and_marks(unmarked)])
        changes = pl.col(ROW_MARKER) != Marker.INSERT
        if self.keys:
            last = pl.when(changes).then(pl.col(_ROW)).max().over(self.keys)
        else:
            last = pl.lit(None, pl.Int64)
        rows = rows.with_columns(last.alias(_LAST))
        self._refuse_nulls(rows.filter(changes))
        adds = pl.col(ROW_MARKER) != Marker.DELETE
        after = pl.col(_LAST).is_null() | (pl.col(_ROW) >= pl.col(_LAST))
        self._stays = rows.select(stays=adds & after)["stays"]
        self._gone = rows.filter(changes).select(self.keys).unique()

    def _schema(self) -> TableSchema:
        kinds = {column.name: column.type for column in self._landed.columns}
        columns = [Column(key, kind_of(kinds[key])) for key in self.keys]
        mark = [Column(ROW_MARKER, pl.Int64())] if self._landed.marked else []
        return TableSchema((*columns, *mark))

    def _empty(self) -> pl.DataFrame:
        kinds = {column.name: column.type for column in self._schema().columns}
        return pl.DataFrame(schema={_ROW: pl.Int64(), **kinds, ROW_MARKER: pl.Int64()})

    def _keys_and_marks(self, unmarked: Marker) -> Iterator[pl.DataFrame]:
        start, schema = 0, self._schema()
        for batch in delta_rows(self._landed.source, LANDED, schema):
            if self._landed.marked:
                self._check(batch[ROW_MARKER], start)
            else:
                batch = batch.with_columns(pl.lit(int(unmarked), pl.Int64).alias(ROW_MARKER))
            numbers = pl.int_range(start, start + batch.height, dtype=pl.Int64, eager=True)
            yield batch.insert_column(0, numbers.alias(_ROW))
            start += batch.height

    def _check(self, marks: pl.Series, start: int) -> None:
        wrong = ~marks.is_in(_MARKS).fill_null(False)
        if wrong.any():
            at = int(wrong.arg_max() or 0)
            told = "NULL" if marks[at] is None else marks[at]
            self._refuse(f"{ROW_MARKER} is {told} in row {start + at + 1}: it is 0, 1, 2 or 4")
        if not self.keys and (marks != Marker.INSERT).any():
            told = "a row is marked as a change, and the table has no keyColumns"
            self._refuse(told, hint="name them in _metadata.json")

    def _refuse_keyless(self) -> None:
        known = {column.name for column in self._landed.columns}
        for key in self.keys:
            if key not in known:
                told = f"the key column {key!r} is missing"
                raise TableStops(f"{self._landed.name}: {told}", Why.SCHEMA, hint=AGAIN)

    def _refuse_nulls(self, rows: pl.DataFrame) -> None:
        for key in self.keys:
            if not self._nulls and rows[key].has_nulls():
                self._refuse(f"the key column {key!r} is NULL in a row that is a change")

    def _refuse(self, told: str, hint: str = AGAIN) -> None:
        raise TableStops(f"{self._landed.name}: {told}", Why.MARKER, hint=hint)
