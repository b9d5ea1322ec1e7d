"""Which of several rows of a key is loaded: the latest, and one only."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from hygge.core.errors import StoreError
from hygge.core.store import LoadRequest


def latest_rows(rows: pl.DataFrame, request: LoadRequest) -> pl.DataFrame:
    """One row a key, where they stand. Raises StoreError for a key that is NULL, and for ties."""
    keys = list(request.keys)
    if not keys:
        raise StoreError("a merge needs keys", hint="set `keys`")
    refuse_null_keys(keys, [rows[key].null_count() for key in keys])
    if request.latest is not None:
        newest = pl.col(request.latest).max().over(keys)
        is_newest = pl.col(request.latest).eq_missing(newest)
        refuse_ties(rows.filter(is_newest), request)
        rows = rows.filter(is_newest)
    return rows.unique(subset=keys, keep="last", maintain_order=True)


def refuse_null_keys(keys: Sequence[str], counts: Sequence[int]) -> None:
    """A NULL equals nothing: such a row would come again with every load."""
    for key, count in zip(keys, counts, strict=True):
        if count:
            raise StoreError(
                f"{count} rows have no key",
                column=key,
                hint="leave them out with `where`, or choose other `keys`",
            )


def refuse_ties(newest: pl.DataFrame, request: LoadRequest) -> None:
    """Raise StoreError where rows of one key differ: nothing tells which is the latest."""
    if request.any_tie:
        return
    keys = list(request.keys)
    each = newest.unique().select(keys)
    differing = each.filter(each.is_duplicated()).unique(maintain_order=True)
    if differing.height:
        first = differing.row(0, named=True)
        shown = ", ".join(f"{key} = {value!r}" for key, value in first.items())
        raise StoreError(
            f"{differing.height} keys have several rows that are equally late: {shown}, say",
            column=keys[0],
            hint="choose `keys` that name one row each, a finer watermark, or `on_tie: any`",
        )
