"""Looks at the demo's result with PyArrow's own readers, so that hygge does not judge itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

Table: TypeAlias = Any
NUMBERS = {"planes": "speed", "weather": "wind_gust", "flights": "dep_delay", "airports": "lat"}


def read(folder: Path) -> Table:
    """All rows of a folder of parquet files, in the order of their names."""
    return pa.concat_tables(
        pyarrow.parquet.ParquetFile(file).read() for file in sorted(folder.glob("*.parquet"))
    )


def check_values(file: Path, found: Table) -> None:
    """Raise SystemExit unless every value is the one in the CSV file, read as the same type."""
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    schema = pa.schema(
        (field.name, pa.string() if any(is_(field.type) for is_ in texts) else field.type)
        for field in found.schema
    )
    options = pyarrow.csv.ConvertOptions(
        column_types=schema, null_values=["", "NA"], strings_can_be_null=True
    )
    expected = pyarrow.csv.read_csv(file, convert_options=options)
    for name in expected.column_names:
        if not found[name].cast(schema.field(name).type).equals(expected[name]):
            sys.exit(f"{file.name}: the column {name} is not what the CSV holds")


def check_types(tables: Mapping[str, Table]) -> Iterator[str]:
    """Raise SystemExit unless columns that hold numbers and `NA` became numbers; say so."""
    for table, name in NUMBERS.items():
        kind = tables[table].schema.field(name).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            sys.exit(f"{table}.{name} should be a number and is {kind}")
        nulls = tables[table][name].null_count
        yield f"{table}.{name} is {kind}" + (f", {nulls:,} times nothing" if nulls else "")
