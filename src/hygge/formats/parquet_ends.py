"""What the footer of a parquet file tells of a column's values: where it may be relied on."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from hygge.core.schema import Column
from hygge.formats.columns import widens
from hygge.formats.format import Ends, Source
from hygge.formats.parquet_damage import may_tell, refuse_damaged

_UNITS = {"ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_MAY_BE_CUT = 64
"""Writers cut long texts, and Arrow does not tell which: those of so many bytes are not used."""
_NO_VALUES = (
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
    RuntimeError,  # Polars', of a decimal that is too large
    TypeError,
    ValueError,
    OverflowError,
)
"""What is raised for ends that no value of their type can be."""


def ends_of(source: Source, file: Any, there: pl.DataType, column: Column) -> Ends | None:
    """The ends in each row group, in the type that is asked for; None where nothing is told."""
    place = _place(file.metadata, column.name)
    if place is None or not _keeps_order(there, column.type):
        return None
    refuse_damaged(file, source.size)
    if not may_tell(source, file, place):
        return None
    groups = [file.metadata.row_group(n).column(place) for n in range(file.num_row_groups)]
    if any(group.physical_type == "INT96" for group in groups):
        return None
    try:
        told = [_told(group.statistics, there) for group in groups]
        least, greatest = (
            pl.Series(column.name, [one and one[end] for one in told], dtype=_wire(there))
            .cast(there)
            .cast(column.type, strict=True)
            for end in (0, 1)
        )
    except _NO_VALUES:
        return None
    nulls = tuple(_nulls(group.statistics) for group in groups)
    return Ends(least, greatest, nulls, exact=there != pl.String())


def _place(footer: Any, name: str) -> int | None:
    """Which of the file's columns it is; one inside another has a longer path."""
    found = [
        n
        for n in range(footer.num_columns)
        if footer.schema.column(n).path == name == footer.schema.column(n).name
    ]
    return found[0] if len(found) == 1 else None


def _keeps_order(there: pl.DataType, wanted: pl.DataType) -> bool:
    """Whether the greatest value is the greatest as it is read, too."""
    kinds: tuple[Any, ...] = (pl.Date, pl.Datetime, pl.Decimal, pl.String)
    alike = there.is_integer() and (wanted.is_integer() or isinstance(wanted, pl.Decimal))
    return (alike or any(there == kind == wanted for kind in kinds)) and widens(there, wanted)


def _wire(there: pl.DataType) -> pl.DataType:
    """As the ends come: times as whole numbers, for Python cuts nanoseconds."""
    return pl.Int64() if isinstance(there, pl.Datetime) else there


def _told(statistics: Any, there: pl.DataType) -> tuple[Any, Any] | None:
    if statistics is None or not statistics.has_min_max:
        return None
    if isinstance(there, pl.Datetime):
        unit = json.loads(statistics.logical_type.to_json()).get("timeUnit")
        alike = unit == _UNITS[there.time_unit]
        return (statistics.min_raw, statistics.max_raw) if alike else None
    ends = statistics.min, statistics.max
    if isinstance(there, pl.String):
        texts = [end for end in ends if isinstance(end, str) and len(end.encode()) < _MAY_BE_CUT]
        return ends if len(texts) == 2 else None
    return ends


def _nulls(statistics: Any) -> int | None:
    return int(statistics.null_count) if statistics and statistics.has_null_count else None
