"""One row a key: Fabric inserts what has no marker without looking, and applies the rest in order.

So keys are looked through where a file would be believed blindly: in a table's first rows; and
where not the last row of a key counts, but the one with the greatest watermark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import polars as pl

from hygge.core.errors import StoreError
from hygge.core.schema import OPERATION, TableSchema
from hygge.core.store import Mode, Piece
from hygge.mirroring.names import ROW_MARKER, Marker
from hygge.stores.staged_keys import StagedKeys
from hygge.stores.staged_rows import ROW, StagedFile, numbered

if TYPE_CHECKING:
    from hygge.stores.mirror_load import MirrorLoad

AT_ONCE: Final = 10_000_000
"""So many keys' hashes are in memory; of more, one share after the other."""


def one_row_a_key(load: MirrorLoad, pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The pieces, or others in their place that have one row a key. Raises StoreError for keys that
    come more than once in a full load where nothing tells the latest row, and for rows that are
    equally late."""
    request, keys = load.request, load.columns.keys
    in_order = not load.seeds and load.columns.latest is None
    if not (keys and pieces) or request.mode is Mode.APPEND or in_order:
        return pieces
    rows = KeyRows(load)
    doubled = rows.doubled(numbered(load.staging, pieces))
    if doubled is None:
        return pieces
    if request.mode is Mode.REPLACE and load.columns.latest is None:
        first = ", ".join(f"{k} = {v!r}" for k, v in doubled.row(0, named=True).items())
        raise StoreError(
            f"keys have several rows: {first}, say",
            column=keys[0],
            hint="choose `keys` that name one row each"
            + ("" if OPERATION in request.schema else ", or a `watermark`: then the latest counts"),
        )
    return list(rows.rewritten(numbered(load.staging, pieces)))


class KeyRows:
    """What one load has staged, read again."""

    def __init__(self, load: MirrorLoad) -> None:
        self._load, self._format = load, load.table.format
        self._schema = load.columns.written(marked=True)
        self._keys = self._schema.select(load.columns.keys)

    def doubled(self, files: Sequence[StagedFile]) -> pl.DataFrame | None:
        """Some of the keys that come more than once; None: there are none."""
        shares = max(1, -(-sum(file.rows for file in files) // AT_ONCE))
        for share in range(shares):
            hashes = pl.concat([_hashes(b, share, shares) for b in self._read(files, self._keys)])
            hashes = hashes.sort()
            again = hashes.filter(hashes == hashes.shift()).unique()
            if again.len():
                found = pl.concat(_these(self._read(files, self._keys), again))
                twice = found.filter(found.is_duplicated()).unique()
                if twice.height:
                    return twice
        return None

    def rewritten(self, files: Sequence[StagedFile]) -> Iterator[Piece]:
        """Other pieces, of the rows that count. A delete is one of them, but among a table's first
        rows."""
        load = self._load
        held, told = load.columns.held, load.seeds and OPERATION in load.request.schema
        more = [load.request.schema[OPERATION]] if told else []
        request = replace(
            load.request,
            schema=TableSchema((*held.columns, *more)),
            latest=load.columns.latest,
        )
        chosen = StagedKeys(self, held, request, files, [])
        winners = pl.concat([found.upserts.select(ROW) for found, _ in chosen.shares()])
        written = load.columns.written(marked=not load.seeds)
        rows = (b.join(winners, on=ROW, how="semi") for b in self.staged(files, written))
        yield from load.written((batch.drop(ROW) for batch in rows), written)

    def staged(self, files: Sequence[StagedFile], schema: TableSchema) -> Iterator[pl.DataFrame]:
        """As StagedRows; a row without a marker is no delete."""
        asked = TableSchema(tuple(c for c in schema.columns if c.name != OPERATION))
        if OPERATION in schema:
            asked = TableSchema((*asked.columns, self._schema[ROW_MARKER]))
        start = 0
        for batch in self._read(files, asked):
            batch = batch.with_row_index(ROW, start).with_columns(pl.col(ROW).cast(pl.Int64))
            start += batch.height
            if OPERATION in schema:
                gone = pl.col(ROW_MARKER).eq_missing(int(Marker.DELETE))
                batch = batch.with_columns(gone.cast(pl.Int8).alias(OPERATION))
            yield batch.select(ROW, *schema.names)

    def _read(self, files: Iterable[StagedFile], schema: TableSchema) -> Iterator[pl.DataFrame]:
        for file in files:
            yield from self._format.batches(self._load.fs.source(file.path), schema)


def _hashes(batch: pl.DataFrame, share: int, shares: int) -> pl.Series:
    hashes = batch.hash_rows(seed=5)
    return hashes if shares == 1 else hashes.filter(hashes % shares == share)


def _these(batches: Iterable[pl.DataFrame], hashes: pl.Series) -> list[pl.DataFrame]:
    return [batch.filter(batch.hash_rows(seed=5).is_in(hashes.implode())) for batch in batches]
