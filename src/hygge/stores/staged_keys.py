"""The keys of a load: which of its rows count, and what they mean for the rows that are there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from hygge.core.errors import StoreError
from hygge.core.schema import OPERATION, Column, TableSchema
from hygge.core.store import Deletes, LoadRequest
from hygge.stores.deleting import manner
from hygge.stores.latest import refuse_null_keys, refuse_ties
from hygge.stores.staged_rows import ROW, StagedFile, StagedRows

AT_ONCE = 2_000_000
"""So many staged keys are held in memory; of more, one share after the other."""
_LOOKED_AT = 100_000
"""Rows that are equally late, at most, of which we see for ourselves whether they differ."""


@dataclass(frozen=True)
class Chosen:
    """What is staged of one share of the keys. `known` are all of them; `upserts` have the number
    of the row that counts, and whether it is to be marked as `gone`, too."""

    upserts: pl.DataFrame
    gone: pl.DataFrame
    known: pl.DataFrame


class StagedKeys:
    """What is staged, by its keys: in shares that fit into memory."""

    def __init__(
        self,
        files: StagedRows,
        table: TableSchema,
        request: LoadRequest,
        rows: Sequence[StagedFile],
        present: Sequence[StagedFile],
    ) -> None:
        if not request.keys:
            raise StoreError("a merge needs keys", hint="set `keys`")
        self._files, self._request, self._rows, self._present = files, request, rows, present
        self.keys = table.select(request.keys)
        self._tells, self._how = OPERATION in request.schema, manner(request)
        count = sum(file.rows for file in (*rows, *present))
        self._shares = max(1, -(-count // AT_ONCE))
        self._nulls = [0] * len(request.keys)
        self._tied: tuple[list[pl.Series], list[pl.Series]] = ([], [])
        own = {name: table[name] for name in request.schema.names if name in table}
        self.columns = TableSchema((*own.values(), *([_OPERATION] if self._tells else [])))

    def shares(self) -> Iterator[tuple[Chosen, int]]:
        """Each share, and its number; raises StoreError, at the end, for keys that cannot be."""
        for share in range(self._shares):
            yield self._chosen(share), share
        refuse_null_keys(self._request.keys, self._nulls)
        for tied in self._tied:
            self._refuse_ties(tied)

    def of_share(self, rows: pl.DataFrame, share: int) -> pl.DataFrame:
        """Those of these rows whose keys belong to a share."""
        if self._shares == 1:
            return rows
        hashes = rows.select(self.keys.names).hash_rows(seed=3)
        return rows.filter(hashes % self._shares == share)

    def _chosen(self, share: int) -> Chosen:
        rows = self._read(self._rows, share, self._needed())
        present = self._read(self._present, share, self.keys)
        keys = self.keys.names
        known = pl.concat([rows.select(keys), present.select(keys)]).unique()
        operation = pl.col(OPERATION).fill_null(0) if self._tells else pl.lit(0)
        if self._how is Deletes.IGNORE:
            rows = rows.filter(operation == 0)
        last = self._latest(rows, 0)
        upserts, gone = last.filter(operation == 0), last.filter(operation == 1)
        if self._how is Deletes.SOFT and self._tells:  # as it was when it went
            upserts = self._latest(rows.filter(operation == 0), 1)
        gone = gone.select(keys)
        flagged = upserts.select(*keys, ROW).join(
            gone.with_columns(gone=True), on=keys, how="left", maintain_order="left"
        )
        return Chosen(flagged.with_columns(pl.col("gone").fill_null(False)), gone, known)

    def _needed(self) -> TableSchema:
        more = [self._request.latest] if self._request.latest else []
        names = dict.fromkeys([*self.keys.names, *more, *([OPERATION] if self._tells else [])])
        return self.columns.select(names)

    def _read(self, files: Sequence[StagedFile], share: int, schema: TableSchema) -> pl.DataFrame:
        empty = pl.DataFrame(schema=schema.polars()).with_row_index(ROW)
        found = [empty.with_columns(pl.col(ROW).cast(pl.Int64))]
        for batch in self._files.staged(files, schema):
            if share == 0:
                counts = (batch[key].null_count() for key in self.keys.names)
                self._nulls = [a + b for a, b in zip(self._nulls, counts, strict=True)]
            found.append(self.of_share(batch.drop_nulls(self.keys.names), share))
        return pl.concat(found)

    def _latest(self, rows: pl.DataFrame, which: int) -> pl.DataFrame:
        """One row a key: the latest; of those that are equally late, the last to come."""
        keys, latest = self.keys.names, self._request.latest
        if latest is not None:
            newest = pl.col(latest).max().over(keys)
            rows = rows.filter(pl.col(latest).eq_missing(newest))
            if not self._request.any_tie:
                self._tied[which].append(rows.filter(pl.struct(keys).is_duplicated())[ROW])
        return rows.unique(subset=keys, keep="last", maintain_order=True)

    def _refuse_ties(self, tied: Sequence[pl.Series]) -> None:
        count = sum(map(len, tied))
        if not count:
            return
        if count > _LOOKED_AT:
            raise StoreError(
                f"more than {_LOOKED_AT:,} rows share their key and their {self._request.latest} "
                "with another",
                column=self._request.latest,
                hint="choose `keys` that name one row each, a finer watermark, or `on_tie: any`",
            )
        wanted = pl.concat(tied).to_frame()
        staged = self._files.staged(self._rows, self.columns)
        found = [batch.join(wanted, on=ROW, how="semi").drop(ROW) for batch in staged]
        refuse_ties(pl.concat(found), self._request)


_OPERATION = Column(OPERATION, pl.Int8())
