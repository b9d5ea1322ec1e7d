"""Rows that are gone from the source: what becomes of them, and how many may be."""

from __future__ import annotations

import polars as pl

from hygge.core.errors import StoreError, Unsupported
from hygge.core.schema import DELETED_AT, OPERATION, Column
from hygge.core.store import Deletes, LoadRequest, Mode

MARK = Column(DELETED_AT, pl.Datetime("us", "UTC"))


def marks(request: LoadRequest) -> tuple[Column, ...]:
    """The columns that the table has beside those of the load."""
    return (MARK,) if request.deletes is Deletes.SOFT else ()


def manner(request: LoadRequest) -> Deletes:
    """How this load deletes. A full one makes the table what the source has: no row is kept."""
    return request.deletes if request.mode is Mode.MERGE else Deletes.HARD


def refuse_many(gone: int, living: int, request: LoadRequest) -> None:
    """Raise StoreError where more rows are gone than one may believe."""
    if request.most_gone is None or not gone or gone / living <= request.most_gone:
        return
    raise StoreError(
        f"{gone:,} of {living:,} rows are gone from the source, "
        f"more than max_delete_fraction: {request.most_gone:g}",
        hint="see whether the source is complete; if it is, `max_delete_fraction: 1` lets them go",
    )


def refuse_deletes_without_keys(request: LoadRequest) -> None:
    """Raise Unsupported for deletes that would name no row."""
    keyed = request.mode is not Mode.APPEND and request.keys
    if OPERATION in request.schema and not keyed:
        raise Unsupported("deletes need `keys`, and a mode other than append")
