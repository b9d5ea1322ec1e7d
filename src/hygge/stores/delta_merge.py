"""Staged rows into a Delta table by their keys: only files with rows that change are written anew.

First it is found out which rows of which files go, and which stay otherwise; of each file only its
keys are read for that. Then those files are copied without them, and the new rows come beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import polars as pl

from hygge.core.names import begun
from hygge.core.schema import DELETED_AT, TableSchema
from hygge.core.store import Deletes, LoadRequest
from hygge.formats.columns import absent
from hygge.formats.delta_snapshot import DataFile
from hygge.stores.deleting import MARK, manner, refuse_many
from hygge.stores.delta_actions import NewFile
from hygge.stores.delta_columns import Columns
from hygge.stores.delta_rewrite import Files
from hygge.stores.staged_keys import AT_ONCE, Chosen, StagedKeys
from hygge.stores.staged_rows import ROW, StagedFile

_DROP, _MARK, _REVIVE = 1, 2, 3
_DONE = "_hygge_done"
_COARSE = timedelta(milliseconds=1)
"""Some writers tell a file's last moment without what is less than this."""


class Merging:
    """One load against the files that are there. `deleted` is told once `look` has looked."""

    def __init__(
        self,
        files: Files,
        there: Sequence[DataFile],
        columns: Columns,
        request: LoadRequest,
        staged: tuple[Sequence[StagedFile], Sequence[StagedFile]],
    ) -> None:
        """`staged` are the rows, and what is nothing but keys."""
        self._files, self._there, self._columns, self._request = files, there, columns, request
        self._rows = staged[0]
        self._staged = StagedKeys(files, columns.schema, request, *staged)
        self._how, self._keys = manner(request), self._staged.keys.names
        self._compares = request.most_gone is not None
        self._marks = DELETED_AT in columns.schema and DELETED_AT not in request.schema
        self._done = {file.name: list[pl.DataFrame]() for file in there}
        self._winners = list[pl.DataFrame]()
        self._missing = self._living = self._revived = self.deleted = 0

    def look(self) -> None:
        """Find out what becomes of each row. Raises StoreError for what cannot be published."""
        for chosen, share in self._staged.shares():
            self._winners.append(chosen.upserts.select(ROW, "gone"))
            if self._how is Deletes.SOFT:
                self.deleted += int(chosen.upserts["gone"].sum())
            for file in self._there:
                if self._compares or _may_have(file, chosen, self._keys[0]):
                    self._look_at(file, chosen, share)
        refuse_many(self._missing, self._living, self._request)
        self.deleted += self._missing

    def corrections(self) -> int:
        """How many rows are gone, as the keys tell, or are marked and there."""
        for chosen, share in self._staged.shares():
            for file in self._there:
                self._look_at(file, chosen, share)
        return self._missing + self._revived

    def _look_at(self, file: DataFile, chosen: Chosen, share: int) -> None:
        for rows in self._key_rows(file):
            mine = self._staged.of_share(rows, share)
            if (done := self._judged(mine, chosen)).height:
                self._done[file.name].append(done)

    def _key_rows(self, file: DataFile) -> Iterator[pl.DataFrame]:
        """Many at once: looking them up costs as much for few."""
        schema = self._staged.keys
        if self._marks:
            schema = TableSchema((*schema.columns, MARK))
        held, height = list[pl.DataFrame](), 0
        for batch in self._files.read(f"{self._files.table.folder}/{file.path}", schema):
            held.append(batch)
            height += batch.height
            if height >= AT_ONCE:
                yield pl.concat(held)
                held, height = [], 0
        if held:
            yield pl.concat(held)

    def _judged(self, rows: pl.DataFrame, chosen: Chosen) -> pl.DataFrame:
        """What is to be done with which of these rows."""
        rows = rows.with_columns(dead=pl.col(DELETED_AT).is_not_null() if self._marks else False)
        replaced = rows.join(chosen.upserts, on=self._keys, how="semi")
        told = rows.join(chosen.gone, on=self._keys, how="semi")
        told = told.join(chosen.upserts, on=self._keys, how="anti")
        self.deleted += told.filter(~pl.col("dead")).height
        done = [_with(replaced, _DROP), self._taken(told)]
        if self._compares:
            missing = rows.join(chosen.known, on=self._keys, how="anti")
            back = rows.join(chosen.known, on=self._keys, how="semi").filter("dead")
            back = back.join(chosen.gone, on=self._keys, how="anti")
            self._living += rows.filter(~pl.col("dead")).height
            self._missing += missing.filter(~pl.col("dead")).height
            self._revived += back.height
            back = back.join(chosen.upserts, on=self._keys, how="anti")
            done += [self._taken(missing), _with(back, _REVIVE)]
        return pl.concat(done)

    def _taken(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Deleted, or marked where they are to stay; once."""
        if self._how is Deletes.SOFT:
            return _with(rows.filter(~pl.col("dead")), _MARK)
        return _with(rows, _DROP)

    # what was found out, in files

    def changed(self) -> list[DataFile]:
        """The files that go, and whose rows that stay are written anew."""
        return [file for file in self._there if self._columns.retyped or self._done[file.name]]

    def written(self) -> Iterator[NewFile]:
        """The rows that stay in files that go, and the new rows."""
        schema, before = self._columns.schema, list[pl.DataFrame]()
        for file in self.changed():
            yield from self._files.write(self._rest(file, before), schema)
        yield from self._files.write(self._new(before), schema)

    def _rest(self, file: DataFile, before: list[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        empty = pl.DataFrame(schema={ROW: pl.Int64(), _DONE: pl.Int8()})
        done = pl.concat([empty, *self._done[file.name]])
        path = f"{self._files.table.folder}/{file.path}"
        for batch in self._files.read(path, self._columns.schema):
            rows = batch.join(done, on=ROW, how="left", maintain_order="left")
            if self._lost:
                gone = rows.filter(pl.col(_DONE) == _DROP)
                before.append(gone.select(*self._keys, *self._lost))
            rows = rows.filter(pl.col(_DONE).ne_missing(_DROP))
            yield rows.with_columns(self._mark()) if self._marks else rows

    def _mark(self) -> pl.Expr:
        done, none = pl.col(_DONE), pl.lit(None, MARK.type)
        mark = pl.when(done == _MARK).then(self._moment).when(done == _REVIVE).then(none)
        return mark.otherwise(DELETED_AT).alias(DELETED_AT)

    @property
    def _moment(self) -> pl.Expr:
        return pl.lit(begun(self._request.load_id)).cast(MARK.type)

    @property
    def _lost(self) -> list[str]:
        """Columns that the source does not have any more: a row that is there keeps its value."""
        known = {*self._request.schema.names, DELETED_AT}
        return [name for name in self._columns.schema.names if name not in known]

    def _new(self, before: Sequence[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        if not self._rows:
            return
        winners, own = pl.concat(self._winners), self._columns.schema
        known = pl.concat(before) if before else None
        arriving = own.select(name for name in own.names if name in self._request.schema)
        for batch in self._files.staged(self._rows, arriving):
            rows = batch.join(winners, on=ROW, how="inner", maintain_order="left")
            if known is not None:
                rows = rows.join(known, on=self._keys, how="left", maintain_order="left")
            if self._marks:
                none = pl.lit(None, MARK.type)
                mark = pl.when("gone").then(self._moment).otherwise(none).alias(DELETED_AT)
                rows = rows.with_columns(mark)
            lacking = [c for c in own.columns if c.name not in rows.columns]
            yield rows.with_columns(absent(column, rows.height) for column in lacking)


def _with(rows: pl.DataFrame, done: int) -> pl.DataFrame:
    return rows.select(ROW, pl.lit(done, pl.Int8).alias(_DONE))


def _may_have(file: DataFile, chosen: Chosen, key: str) -> bool:
    """Whether the file can have one of these keys, by what is told of its ends."""
    values = pl.concat([chosen.upserts[key], chosen.gone[key]])
    least, greatest = file.ends(key)
    if not values.len():
        return False
    if least is None or greatest is None or not _sure(values.dtype):
        return True
    if isinstance(greatest, datetime):
        greatest += _COARSE
    first, last = values.min(), values.max()
    return bool(first <= greatest and last >= least)


def _sure(kind: pl.DataType) -> bool:
    return kind.is_integer() or isinstance(kind, pl.Date | pl.Datetime)
