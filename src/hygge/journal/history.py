"""The table that people read: one row for each run of each flow."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from hygge.core.journal import EntityRun, Status

COLUMNS = tuple(field.name for field in fields(EntityRun))
_TIMES = ("start_time", "finish_time")
_ALL = ", ".join(COLUMNS)


def add(db: sqlite3.Connection, run: EntityRun) -> None:
    """Write one row. Times become ISO text in UTC."""
    values = [_written(getattr(run, name)) for name in COLUMNS]
    marks = ", ".join("?" * len(values))
    db.execute(f"insert into runs ({_ALL}) values ({marks})", values)


def newest(db: sqlite3.Connection, limit: int, flow: str | None) -> list[EntityRun]:
    """The runs that began last, the last one first; of one flow, one entity of it, or all."""
    name, _, entity = (flow or "").partition(".")
    wanted = {"flow": name, "entity": entity}
    given = {column: value for column, value in wanted.items() if value}
    only = " and ".join(f"{column} = :{column}" for column in given) or "true"
    rows = db.execute(
        f"select {_ALL} from runs where {only} order by start_time desc, rowid desc limit :limit",
        {**given, "limit": limit},
    )
    return [run_of(row) for row in rows]


def all_runs(db: sqlite3.Connection, chunk: int) -> Iterator[list[EntityRun]]:
    """Every row, the oldest first, in lists of at most `chunk`."""
    rows = db.execute(f"select {_ALL} from runs order by start_time, rowid")
    while found := rows.fetchmany(chunk):
        yield [run_of(row) for row in found]


def matches(run: EntityRun, flow: str | None) -> bool:
    """Whether this row is of `flow`, which may name one entity: `flow.entity`."""
    name, _, entity = (flow or "").partition(".")
    return (not name or run.flow == name) and (not entity or run.entity == entity)


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value.value if isinstance(value, Status) else value


def run_of(row: Sequence[Any]) -> EntityRun:
    """A row of the table, its columns in order."""
    values = dict(zip(COLUMNS, row, strict=True))
    times = {name: datetime.fromisoformat(values[name]) for name in _TIMES}
    return EntityRun(**{**values, **times, "status": Status(values["status"])})
