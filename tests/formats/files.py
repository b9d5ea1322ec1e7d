"""Files of a few bytes, written by hand and read through a format."""

from __future__ import annotations

from typing import Any

import polars as pl

from hygge.core.schema import TableSchema
from hygge.core.types import type_name
from hygge.formats.format import Format
from hygge.testing.contracts.format import Written, read


def written(data: str | bytes) -> Written:
    """A file of exactly this content."""
    raw = data if isinstance(data, bytes) else data.encode()
    return Written("data", data=bytearray(raw))


def types(form: Format[Any], data: str | bytes) -> list[str]:
    """The types that the file's rows tell, in order."""
    return [type_name(column.type) for column in form.schema(written(data)).columns]


def rows(form: Format[Any], data: str | bytes) -> list[tuple[Any, ...]]:
    """The rows as the file's own schema tells them."""
    return table(form, data).rows()


def table(form: Format[Any], data: str | bytes) -> pl.DataFrame:
    source = written(data)
    schema: TableSchema = form.schema(source)
    found = read(form, source, schema)
    assert source.all_closed()
    return found
