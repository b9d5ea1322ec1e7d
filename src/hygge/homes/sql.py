"""Reads a table of a database, or a query's result."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import polars as pl
from pydantic import Field as Setting
from pydantic import model_validator

from hygge.core.config import Connections, Settings
from hygge.core.errors import SchemaMismatch, SourceMissing, Unsupported
from hygge.core.home import BlockingHome, Bound, HomeCapabilities, HomeConfig, ReadRequest
from hygge.core.partition import Partition
from hygge.core.schema import TableSchema
from hygge.core.watermark import Watermark, greatest, highest, literal
from hygge.databases.answering import answered, opened
from hygge.databases.database import Database, Field, Session, Table, arrived, schema_of
from hygge.databases.found import found, located_settings, named_table
from hygge.homes.sql_bound import settled
from hygge.homes.sql_catalog import stand_ins

T = TypeVar("T")


class SqlOptions(Settings):
    """How rows are fetched."""

    batch_size: int | None = Setting(
        default=None,
        ge=1,
        description="Rows in a batch, at most; what suits the driver if not given",
    )


class SqlHomeConfig(HomeConfig):
    """Settings of a table, or of a query, to be read."""

    table: str | None = Setting(
        default=None, description="`users` or `schema.users`; {entity} is filled in"
    )
    query: str | None = Setting(default=None, description="A select, instead of a table")
    database: str | None = Setting(default=None, description="Which kind, if the URL does not say")
    connection: str | None = Setting(
        default=None, description="Which of `connections:` to use, or a database's URL"
    )
    path: str | None = Setting(default=None, description="The file of a database that is a file")
    options: SqlOptions = Setting(default=SqlOptions(), description="How rows are fetched")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("give a `table` or a `query`, one of them")
        return self

    @classmethod
    def for_entity(
        cls, flow: Mapping[str, Any], entity: Mapping[str, Any], name: str
    ) -> dict[str, Any]:
        settings = super().for_entity(flow, entity, name)
        return settings if "query" in settings else named_table(settings, name)

    def located(self, root: Path) -> Self:
        return self.model_copy(update=located_settings(self, root))


class SqlHome(BlockingHome[SqlHomeConfig]):
    """A table of a database, read by one statement: all its rows as they were at one moment."""

    Config: ClassVar[type[HomeConfig]] = SqlHomeConfig
    capabilities = HomeCapabilities(incremental=True, columns=True, where=True, late_rows=True)

    def __init__(self, config: SqlHomeConfig, database: Database) -> None:
        self.config, self.database = config, database

    @classmethod
    def build(cls, config: SqlHomeConfig, connections: Connections) -> Self:
        return cls(config, found(config, connections))

    @property
    def identity(self) -> str:
        return f"{self.database.identity}#{self.config.table or self.config.query}"

    async def _on_thread(self, name: str, work: Callable[[], T], seconds: float | None = None) -> T:
        return await answered(name, work, seconds)

    def stand_ins(self) -> Mapping[str, str]:
        if self.config.table is None:
            raise Unsupported("a query stands for one table", hint="list the entities")
        return stand_ins(self.database, self.config.table)

    def table_schema(self) -> TableSchema:
        with closing(opened(self.database.connect())) as session:
            keys = session.keys(self._table) if self.config.table else ()
            return schema_of(self._fields(session), keys)

    @property
    def _table(self) -> Table:
        return Table.of(self.config.table or "")

    @property
    def _source(self) -> str:
        if self.config.query is not None:
            return f"({self.config.query}) q"
        return self.database.named(self._table)

    def _fields(self, session: Session) -> list[Field]:
        if self.config.query is not None:
            return session.described(self.config.query)
        if fields := session.fields(self._table):
            return fields
        raise SourceMissing("there is no such table", table=str(self._table), file=self.identity)

    def batches(self, request: ReadRequest, partition: Partition) -> Iterator[pl.DataFrame]:
        return Reading(self, request)

    def bound(self, column: str) -> Bound:
        with closing(opened(self.database.connect())) as session:
            field = _chosen(self._fields(session), (column,))[0]
            top = self._end(session, field, "max", "true")

            def least(condition: str) -> Watermark | None:
                found = self._end(session, field, "min", condition)
                return replace(found, closed=False) if found else None

            return settled(session, field, top, least if self.config.table else None)

    def _end(self, session: Session, field: Field, which: str, condition: str) -> Watermark | None:
        """The greatest or least position of the rows that fulfil a condition."""
        name = self.database.quoted(field.column.name)
        sql = f"select {field.read} from {self._source} where {name} is not null and {condition}"
        if compared := self.database.compared(name, field.column.type):
            end = f"select {which}({compared}) from {self._source} where {condition}"
            sql += f" and {compared} = ({end})"
        found: Watermark | None = None
        for rows in session.batches(sql, (), [field]):
            values = arrived(rows, [field])[field.column.name]
            found = highest(found, greatest(values)) if which == "max" else _least(found, values)
        return found

    def statement(self, request: ReadRequest, fields: Sequence[Field]) -> tuple[str, list[Any]]:
        """The select that reads these fields, and its values."""
        conditions, values = [], list[Any]()
        if request.where:
            conditions.append(f"({request.where}\n)")  # a comment ends with its line
        for mark, sign in ((request.low, ">"), (request.bound, "<")):
            if mark is not None:
                told = self._beyond(mark, sign, len(values) + 1)
                conditions += told[0]
                values += told[1]
        where = f" where {' and '.join(conditions)}" if conditions else ""
        reads = ", ".join(field.read for field in fields)
        return f"select {reads} from {self._source}{where}", values

    def _beyond(self, mark: Watermark, sign: str, number: int) -> tuple[list[str], list[Any]]:
        """Rows without a position reach the flow, too: it has a policy for them."""
        column = self.database.quoted(mark.column)
        narrowed = self.database.narrowed(mark, sign, column, self.database.mark(number))
        if narrowed is None:
            return [], []
        sql, value = narrowed
        return [f"({sql} or {column} is null)"], [] if value is None else [value]


class Reading:
    """One reading, on one connection; `interrupt` may be called from another thread."""

    def __init__(self, home: SqlHome, request: ReadRequest) -> None:
        self._home, self._request = home, request
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
        with closing(self._home.database.connect()) as self._session:
            there = self._home._fields(self._session)
            announced = self._request.schema  # a column that came since is not read
            wanted = _chosen(there, announced.names if announced else self._request.columns)
            marks = [m for m in (self._request.low, self._request.bound) if m is not None]
            needed = _chosen(
                there, dict.fromkeys([*(f.column.name for f in wanted), *(m.column for m in marks)])
            )
            sql, values = self._home.statement(self._request, needed)
            with closing(self._session.batches(sql, values, needed)) as batches:
                for batch in batches:
                    rows = _within(arrived(batch, needed), self._request)
                    chosen = rows.select(field.column.name for field in wanted)
                    yield from chosen.iter_slices(
                        self._home.config.options.batch_size or rows.height or 1
                    )


def _least(known: Watermark | None, values: pl.Series) -> Watermark | None:
    found = greatest(values.sort().head(1))
    return min(filter(None, (known, found)), key=lambda mark: mark.value, default=None)


def _within(rows: pl.DataFrame, request: ReadRequest) -> pl.DataFrame:
    """Only the rows of the window, whatever the database let through."""
    if (low := request.low) is not None:
        column = pl.col(low.column)
        above = column >= literal(low) if low.closed else column > literal(low)
        rows = rows.filter(above | column.is_null())
    if (bound := request.bound) is not None:
        column = pl.col(bound.column)
        below = column <= literal(bound) if bound.closed else column < literal(bound)
        rows = rows.filter(below | column.is_null())
    return rows


def _chosen(fields: Sequence[Field], names: Any) -> list[Field]:
    if names is None:
        return list(fields)
    known = {field.column.name: field for field in fields}
    for name in names:
        if name not in known:
            hint = schema_of(fields).hint()
            raise SchemaMismatch(f"there is no column {name!r}", column=name, hint=hint)
    return [known[name] for name in names]
