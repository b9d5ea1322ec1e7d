"""Finding rows that are gone: the keys that the source has, read after its rows.

What is absent then is absent later than any row of the load was read: nothing that comes meanwhile
is taken for gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from hygge.core.errors import ConfigError, Unsupported
from hygge.core.home import Home, ReadRequest
from hygge.core.schema import DELETED_AT, TableSchema
from hygge.core.store import Deletes, Store
from hygge.flow.polish import Polisher
from hygge.flow.settings import FlowSettings

_TOLD = "a source that tells of deletes (`incremental: change_tracking`), or a full_drop at times"


def check_deletes(settings: FlowSettings, home: Home[Any], store: Store[Any]) -> None:
    """Raise Unsupported where the Home cannot tell of deletes as it should, or the Store cannot
    delete so."""
    name = type(store).__name__
    can = store.capabilities
    passes = can.passes_deletes and settings.deletes is Deletes.IGNORE
    if settings.deletes is not Deletes.HARD and not (can.deletes or passes):
        what = "mark deleted rows" if can.passes_deletes else "delete rows"
        raise Unsupported(f"{name} cannot {what}", hint="drop `deletes`")
    if settings.detect_deletes is None:
        return
    if can.passes_deletes and not can.deletes:
        told = f"{name} does not know its table's keys, and cannot compare them"
        raise Unsupported(told, hint=_TOLD)
    if not can.deletes:
        raise Unsupported(f"{name} cannot delete rows", hint="drop `detect_deletes`")
    if home.capabilities.deletes:
        raise Unsupported(
            f"{type(home).__name__} tells of deletes itself", hint="drop `detect_deletes`"
        )
    if not home.capabilities.columns:
        raise Unsupported(
            f"{type(home).__name__} cannot read keys alone", hint="drop `detect_deletes`"
        )


def tells_deletes(settings: FlowSettings, home: Home[Any]) -> bool:
    return home.capabilities.deletes or settings.detect_deletes is not None


def refuse_own(schema: TableSchema, settings: FlowSettings) -> None:
    """Raise ConfigError where the source has the column that the store would add."""
    if settings.deletes is Deletes.SOFT and DELETED_AT in schema:
        raise ConfigError(
            "`deletes: soft` adds this column, and the source has one of that name",
            column=DELETED_AT,
            hint="leave it out by `columns`, or drop `deletes`",
        )


def keys_only(
    source: TableSchema, schema: TableSchema, keys: Sequence[str], polish: Polisher | None
) -> tuple[TableSchema, Polisher]:
    """The columns to read, and what makes rows of them that have nothing but their key.

    Raises ConfigError for keys that are not made of what the source has.
    """
    made = polish.columns if polish else [pl.col(name) for name in source.names]
    of = dict(zip(schema.names, made, strict=True))
    needed = {name for key in keys for name in of[key].meta.root_names()}
    if not needed:
        raise ConfigError(
            "the keys are not made of the source's columns: they cannot be compared",
            column=keys[0],
            hint="choose other `keys`, or drop `detect_deletes`",
        )
    columns = (
        of[c.name] if c.name in keys else pl.lit(None, c.type).alias(c.name) for c in schema.columns
    )
    read = replace(source.select(name for name in source.names if name in needed), keys=())
    return read, Polisher(schema, tuple(columns))


def asked(read: TableSchema, settings: FlowSettings) -> ReadRequest:
    """All of these columns that the flow means, wherever their watermark is."""
    return ReadRequest(columns=read.names, where=settings.where, schema=read)
