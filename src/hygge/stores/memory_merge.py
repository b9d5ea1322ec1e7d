"""Staged rows into rows by their keys, in memory: one row a key, the latest."""

from __future__ import annotations

import polars as pl

from hygge.core.names import begun
from hygge.core.schema import DELETED_AT, OPERATION
from hygge.core.store import Deletes, LoadRequest
from hygge.stores.deleting import MARK, manner, refuse_many
from hygge.stores.latest import latest_rows, refuse_null_keys


def merged(
    there: pl.DataFrame, rows: pl.DataFrame, present: pl.DataFrame, request: LoadRequest
) -> tuple[pl.DataFrame, int]:
    """The table's rows then, and how many were deleted or marked.

    `present` are keys that the source has, beside those of `rows`.
    """
    deleted = 0
    if request.most_gone is not None:
        known = _keys_of(rows, present, request)
        gone = there.join(known, on=request.keys, how="anti")
        refuse_many(_living(gone, request).height, _living(there, request).height, request)
        there, deleted = _without(there, gone, request)
        there = _revived(there, known, request)
    operation = pl.col(OPERATION).fill_null(0) if OPERATION in rows.columns else pl.lit(0)
    how = manner(request)
    if how is Deletes.IGNORE:
        rows = rows.filter(operation == 0)
    last = latest_rows(rows, request)
    upserts, gone = last.filter(operation == 0), last.filter(operation == 1)
    if how is Deletes.SOFT:  # as it was when it went
        upserts = latest_rows(rows.filter(operation == 0), request)
    there = pl.concat([there, upserts.drop(OPERATION, strict=False)], how="diagonal")
    there = there.unique(subset=request.keys, keep="last", maintain_order=True)
    there, more = _without(there, gone, request)
    return there, deleted + more


def corrections(there: pl.DataFrame, known: pl.DataFrame, request: LoadRequest) -> int:
    """How many rows have a key that is not known, or are marked and have one that is."""
    gone = there.join(known, on=request.keys, how="anti")
    here = there.join(known, on=request.keys, how="semi")
    return _living(gone, request).height + here.height - _living(here, request).height


def _revived(there: pl.DataFrame, known: pl.DataFrame, request: LoadRequest) -> pl.DataFrame:
    if _living(there, request).height == there.height:
        return there
    rest = there.join(known, on=request.keys, how="anti", maintain_order="left")
    back = there.join(known, on=request.keys, how="semi", maintain_order="left")
    return pl.concat([rest, back.with_columns(pl.lit(None, MARK.type).alias(DELETED_AT))])


def _keys_of(rows: pl.DataFrame, present: pl.DataFrame, request: LoadRequest) -> pl.DataFrame:
    known = pl.concat([frame.select(request.keys) for frame in (rows, present)])
    refuse_null_keys(request.keys, [known[key].null_count() for key in request.keys])
    return known


def _living(there: pl.DataFrame, request: LoadRequest) -> pl.DataFrame:
    """Those that are not marked; a column of that name may be the source's own."""
    if DELETED_AT not in there.columns or DELETED_AT in request.schema:
        return there
    return there.filter(pl.col(DELETED_AT).is_null())


def _without(
    there: pl.DataFrame, gone: pl.DataFrame, request: LoadRequest
) -> tuple[pl.DataFrame, int]:
    """These rows without those of these keys, which are marked if they are to stay; how many."""
    rest = there.join(gone, on=request.keys, how="anti", maintain_order="left")
    went = there.join(gone, on=request.keys, how="semi", maintain_order="left")
    count = _living(went, request).height
    if manner(request) is not Deletes.SOFT:
        return rest, count
    moment = pl.lit(begun(request.load_id)).cast(MARK.type)
    went = went.with_columns(pl.coalesce(DELETED_AT, moment).alias(DELETED_AT))
    return pl.concat([rest, went]), count
