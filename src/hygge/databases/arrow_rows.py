"""Rows as a driver sends them, under the names that their columns have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from hygge.databases.database import Field


def named(batch: Any, fields: Sequence[Field]) -> pl.DataFrame:
    """The rows of a RecordBatch; in it, what is computed has any name, and two may have one."""
    names = [field.column.name for field in fields]
    return pl.DataFrame(pl.from_arrow(pa.RecordBatch.from_arrays(batch.columns, names=names)))
