"""The rows of a partition, as they are asked for."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Protocol

import polars as pl

from hygge.core.errors import SchemaMismatch
from hygge.core.home import ReadRequest
from hygge.core.partition import Partition
from hygge.databases.arriving import arrived, schema_of
from hygge.databases.database import Field
from hygge.homes.asked import in_window
from hygge.homes.sql_slices import Slices

if TYPE_CHECKING:
    from hygge.homes.sql import SqlHome


class Source(Protocol):
    """Where rows come from; `interrupt` may be called from another thread."""

    def fields(self) -> list[Field]: ...
    def batches(self, fields: Sequence[Field]) -> Generator[pl.DataFrame, None, None]: ...
    def interrupt(self) -> None: ...
    def close(self) -> None: ...


class Statement:
    """One statement, on one connection."""

    def __init__(self, home: SqlHome, request: ReadRequest, partition: Partition) -> None:
        self._home, self._request, self._partition = home, request, partition
        self._session = home.session(partition)

    def fields(self) -> list[Field]:
        return self._home.fields(self._session)

    def batches(self, fields: Sequence[Field]) -> Generator[pl.DataFrame, None, None]:
        sql, values = self._home.statement(self._session, self._request, fields, self._partition)
        with closing(self._session.batches(sql, values, fields)) as batches:
            yield from batches
        low = self._request.low
        if self._home.changes is not None and low is not None:
            self._home.changes.refuse_forgotten(self._session, self._home.table, low.value)

    def interrupt(self) -> None:
        self._session.interrupt()

    def close(self) -> None:
        self._session.close()


class Reading:
    """One reading; `interrupt` may be called from another thread."""

    def __init__(self, home: SqlHome, request: ReadRequest, partition: Partition) -> None:
        self._home, self._request, self._partition = home, request, partition
        self._source: Source | None = None
        self._rows = self._read()

    def __iter__(self) -> Iterator[pl.DataFrame]:
        return self

    def __next__(self) -> pl.DataFrame:
        return next(self._rows)

    def close(self) -> None:
        self._rows.close()

    def interrupt(self) -> None:
        if self._source is not None:
            self._source.interrupt()

    def _read(self) -> Generator[pl.DataFrame, None, None]:
        sliced = self._home.config.max_statement_seconds is not None
        made = (Slices if sliced else Statement)(self._home, self._request, self._partition)
        with closing(made) as self._source:
            there = self._source.fields()
            announced = self._request.schema  # a column that came since is not read
            wanted = chosen(there, announced.names if announced else self._request.columns)
            window = self._home.by_columns(self._request)
            marks = [m for m in (window.low, window.bound) if m is not None]
            needed = chosen(
                there, dict.fromkeys([*(f.column.name for f in wanted), *(m.column for m in marks)])
            )
            with closing(self._source.batches(needed)) as batches:
                for batch in batches:
                    rows = _within(arrived(batch, needed), window)
                    asked = rows.select(field.column.name for field in wanted)
                    yield from asked.iter_slices(
                        self._home.config.options.batch_size or rows.height or 1
                    )


def _within(rows: pl.DataFrame, request: ReadRequest) -> pl.DataFrame:
    """Only the rows of the window, whatever the database let through."""
    return rows.filter(*(condition for condition, _ in in_window(request)))


def chosen(fields: Sequence[Field], names: Iterable[str] | None) -> list[Field]:
    if names is None:
        return list(fields)
    known = {field.column.name: field for field in fields}
    for name in names:
        if name not in known:
            hint = schema_of(fields).hint()
            raise SchemaMismatch(f"there is no column {name!r}", column=name, hint=hint)
    return [known[name] for name in names]
