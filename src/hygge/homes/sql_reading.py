"""One statement's rows, as they are asked for."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import polars as pl

from hygge.core.errors import SchemaMismatch
from hygge.core.home import ReadRequest
from hygge.core.partition import Partition
from hygge.databases.arriving import arrived, schema_of
from hygge.databases.database import Field, Session
from hygge.homes.asked import in_window

if TYPE_CHECKING:
    from hygge.homes.sql import SqlHome


class Reading:
    """One reading, on one connection; `interrupt` may be called from another thread."""

    def __init__(self, home: SqlHome, request: ReadRequest, partition: Partition) -> None:
        self._home, self._request, self._partition = home, request, partition
        self._session: Session | None = None
        self._rows = self._read()

    def __iter__(self) -> Iterator[pl.DataFrame]:
        return self

    def __next__(self) -> pl.DataFrame:
        return next(self._rows)

    def close(self) -> None:
        self._rows.close()

    def interrupt(self) -> None:
        if self._session is not None:
            self._session.interrupt()

    def _read(self) -> Generator[pl.DataFrame, None, None]:
        with closing(self._home.session(self._partition)) as self._session:
            there = self._home.fields(self._session)
            announced = self._request.schema  # a column that came since is not read
            wanted = chosen(there, announced.names if announced else self._request.columns)
            window = self._home.by_columns(self._request)
            marks = [m for m in (window.low, window.bound) if m is not None]
            needed = chosen(
                there, dict.fromkeys([*(f.column.name for f in wanted), *(m.column for m in marks)])
            )
            sql, values = self._home.statement(
                self._session, self._request, needed, self._partition
            )
            with closing(self._session.batches(sql, values, needed)) as batches:
                for batch in batches:
                    rows = _within(arrived(batch, needed), window)
                    asked = rows.select(field.column.name for field in wanted)
                    yield from asked.iter_slices(
                        self._home.config.options.batch_size or rows.height or 1
                    )
            if self._home.changes is not None and self._request.low is not None:
                low = self._request.low.value
                self._home.changes.refuse_forgotten(self._session, self._home.table, low)


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
