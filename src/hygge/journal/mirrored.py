"""The history as a table to be loaded: each run of each flow, in the order they were recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import astuple
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import polars as pl

from hygge.core.config import Connections
from hygge.core.home import BlockingHome, Bound, HomeCapabilities, HomeConfig, ReadRequest
from hygge.core.journal import EntityRun
from hygge.core.partition import Partition
from hygge.core.schema import Column, TableSchema
from hygge.core.types import type_name
from hygge.core.watermark import Watermark
from hygge.journal import history, journal_file

NUMBER: Final = "run_number"
"""The journal's own number of a run: they grow as runs are recorded."""
_CHUNK = 50_000
_MOMENT = pl.Datetime("us", "UTC")
_TYPES = {
    "start_time": _MOMENT,
    "finish_time": _MOMENT,
    "row_count": pl.Int64(),
    "duration": pl.Float64(),
    "schema_version": pl.Int64(),
}
_COLUMNS = [Column(name, _TYPES.get(name, pl.String())) for name in history.COLUMNS]
SCHEMA: Final = TableSchema((Column(NUMBER, pl.Int64(), nullable=False), *_COLUMNS))


class RunsHomeConfig(HomeConfig):
    """Settings of a journal that is read."""

    path: Path


class RunsHome(BlockingHome[RunsHomeConfig]):
    """The runs of one journal file. Its numbers are its own: another file is another source, which
    it is by its first run, wherever it lies."""

    Config: ClassVar[type[HomeConfig]] = RunsHomeConfig
    capabilities: ClassVar[HomeCapabilities] = HomeCapabilities(incremental=True)

    def __init__(self, path: Path) -> None:
        self.path, self._first = path.absolute(), ""

    @classmethod
    def build(cls, config: RunsHomeConfig, connections: Connections) -> Self:
        return cls(config.path)

    @property
    def identity(self) -> str:
        return f"journal {self._first or self.path}"

    def table_schema(self) -> TableSchema:
        first = self._rows("select entity_run_id from runs order by rowid limit 1")
        self._first = first[0][0] if first else ""
        return SCHEMA

    def bound(self, column: str) -> Bound:
        rows = self._rows("select max(rowid) from runs")
        last = rows[0][0] if rows else None
        if last is None:
            return Bound(None)
        return Bound(Watermark(NUMBER, type_name(pl.Int64()), last, closed=True))

    def batches(self, request: ReadRequest, partition: Partition) -> Iterator[pl.DataFrame]:
        low, bound = request.low, request.bound
        first = 0 if low is None else low.value + (not low.closed)
        last = 2**63 - 1 if bound is None else bound.value - (not bound.closed)
        columns = ", ".join(history.COLUMNS)
        for start in range(first, last + 1, _CHUNK) if bound is not None else [first]:
            end = min(start + _CHUNK - 1, last) if bound is not None else last
            rows = self._rows(
                f"select rowid, {columns} from runs where rowid between ? and ? order by rowid",
                start,
                end,
            )
            numbers = [row[0] for row in rows]
            yield _frame(numbers, [history.run_of(row[1:]) for row in rows])

    def _rows(self, sql: str, *values: int) -> Sequence[tuple[Any, ...]]:
        with journal_file.told(self.path):
            db = journal_file.look(self.path, journal_file.PATIENCE)
            if db is None:
                return []
            with closing(db):
                return db.execute(sql, values).fetchall()


def _frame(numbers: Sequence[int], runs: Sequence[EntityRun]) -> pl.DataFrame:
    rows = [(number, *astuple(run)) for number, run in zip(numbers, runs, strict=True)]
    return pl.DataFrame(rows, schema=SCHEMA.polars(), orient="row")
