"""Reads a table of a database, or a query's result."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from typing import Any, ClassVar, Self, TypeVar

import polars as pl

from hygge.core.config import Connections
from hygge.core.driver_thread import CHECK_SECONDS, DriverThread, finish
from hygge.core.errors import SourceMissing, Unsupported
from hygge.core.home import BlockingHome, Bound, HomeCapabilities, HomeConfig, ReadRequest
from hygge.core.partition import WHOLE, Partition
from hygge.core.schema import OPERATION, Column, TableSchema
from hygge.core.supply import Need, Needs, Shares
from hygge.core.types import type_name
from hygge.core.watermark import Watermark
from hygge.databases.accounts import Changes, account_of
from hygge.databases.answering import about, answered, opened
from hygge.databases.arriving import schema_of
from hygge.databases.database import Database, Field, Session, Table
from hygge.databases.found import found
from hygge.databases.ranges import Ranges
from hygge.homes.sql_bound import accounted, end_of, settled
from hygge.homes.sql_catalog import near, stand_ins
from hygge.homes.sql_config import SqlHomeConfig
from hygge.homes.sql_parts import Parts
from hygge.homes.sql_reading import Reading, chosen
from hygge.homes.sql_slices import readers_for_one, slice_notes

T = TypeVar("T")
GONE = "whether the row is gone"
"""In place of the type of a column that the database does not have."""


class SqlHome(BlockingHome[SqlHomeConfig]):
    """A table of a database: all its rows as they were at one moment.

    One statement reads them, or several, each a range of its key, while one state is held.
    """

    Config: ClassVar[type[HomeConfig]] = SqlHomeConfig
    capabilities: HomeCapabilities = HomeCapabilities(  # type: ignore[misc]
        incremental=True, partitions=True, columns=True, where=True, late_rows=True
    )

    def __init__(
        self,
        config: SqlHomeConfig,
        database: Database,
        sessions: int | None = None,
        changes: Changes | None = None,
    ) -> None:
        self.config, self.database, self.changes = config, database, changes
        own = () if config.table is None else tuple(database.accounts)
        can, deletes = type(self).capabilities, changes is not None
        self.capabilities = replace(can, positions=own, deletes=deletes)
        pool = database.pool
        self.sessions = sessions or (pool.size if pool else None)
        """How many it may have at once; None: as many as it likes."""

    @classmethod
    def build(cls, config: SqlHomeConfig, connections: Connections) -> Self:
        return cls(config, found(config, connections))

    @property
    def identity(self) -> str:
        return f"{self.database.identity}#{self.config.table or self.config.query}"

    def needs(self, parallel: int) -> Needs:
        """One for each partition, and one that holds the state which all of them show."""
        if (pool := self.database.pool) is None:
            return {}
        most = self._most(parallel)
        least = parallel + 1 if parallel > 1 else readers_for_one(self)
        return {pool.supply: Need(min(most, least), most)}

    def _most(self, parallel: int) -> int:
        ranges = self._ranges
        if ranges is None:
            return readers_for_one(self)
        return 1 + (self.config.partitions or ranges.most if ranges.together else parallel)

    def limited(self, shares: Shares) -> Self:
        pool = self.database.pool
        if pool is None:
            return self
        return type(self)(self.config, self.database, shares[pool.supply], self.changes)

    def following(self, position: str | None) -> Self:
        if position is None or position not in self.capabilities.positions:
            return self
        account = account_of(self.database, position)
        changes = account if isinstance(account, Changes) else None
        return type(self)(self.config, self.database, self.sessions, changes)

    @property
    def _ranges(self) -> Ranges | None:
        """What divides the table, where it is to be divided."""
        ranges = self.database.ranges()
        wanted = self.asks_for_parts or (ranges is not None and ranges.unasked)
        if self.config.table is None or self.config.partitions == 1 or self.changes or not wanted:
            return None
        if ranges is None:
            raise Unsupported(f"{self.database.name} cannot be read in partitions")
        return ranges

    async def _on_thread(self, name: str, work: Callable[[], T], seconds: float | None = None) -> T:
        return await answered(name, work, seconds)

    async def about(self) -> str | None:
        return await self._on_thread("about", lambda: about(self.database), CHECK_SECONDS)

    def stand_ins(self) -> Mapping[str, str]:
        if self.config.table is None:
            raise Unsupported("a query stands for one table", hint="list the entities")
        return stand_ins(self.database, self.config.table)

    def table_schema(self) -> TableSchema:
        with closing(opened(self.database.connect())) as session:
            keys = session.keys(self.table) if self.config.table else ()
            schema = schema_of(self.fields(session), keys)
            notes = (*schema.notes, *session.notes(), *slice_notes(self, session))
            schema = replace(schema, notes=notes)
        if self.changes is not None:  # of a row that is gone, only the key is told
            schema = replace(schema, columns=tuple(map(schema.loosened, schema.columns)))
        wanted, most = self.config.partitions or 1, self.most_parts
        if most is not None and most < wanted:
            note = f"read in {most} partitions, not {wanted}: there are too few connections for it"
            return replace(schema, notes=(*schema.notes, f"{note} (pool_size)"))
        return schema

    @property
    def most_parts(self) -> int | None:
        """In how many partitions it can be read, by its sessions; None: any number."""
        if self.sessions is None or (ranges := self._ranges) is None:
            return None
        return max(self.sessions - 1, 1) if ranges.together or self.sessions == 1 else None

    @property
    def table(self) -> Table:
        return Table.of(self.config.table or "")

    @property
    def source(self) -> str:
        if self.config.query is not None:
            return f"({self.config.query}) q"
        return self.database.named(self.table)

    def fields(self, session: Session) -> list[Field]:
        if self.config.query is not None:
            return session.described(self.config.query)
        if fields := session.fields(self.table):
            return [*fields, self._operation] if self.changes else fields
        hint = near(session, self.database, self.table)
        where = {"table": str(self.table), "file": self.identity}
        raise SourceMissing("there is no such table", hint=hint, **where)

    @property
    def _operation(self) -> Field:
        name = self.database.quoted(OPERATION)
        number = Column(OPERATION, pl.UInt8(), nullable=False)
        return Field(number, GONE, name, lambda values: values.cast(pl.UInt8))

    @property
    def asks_for_parts(self) -> bool:
        return self.config.partitions is not None or self.config.partition_by is not None

    @asynccontextmanager
    async def reading(self, request: ReadRequest) -> AsyncIterator[Sequence[Partition]]:
        ranges = self._ranges
        if ranges is None or self.sessions == 1:
            yield [WHOLE]
            return
        parts = Parts(self, ranges, request)
        async with DriverThread("partitions", interrupt=parts.interrupt) as thread:
            try:
                yield await thread.run(parts.open)
            finally:
                await finish(thread.run(parts.close))

    def batches(self, request: ReadRequest, partition: Partition) -> Iterator[pl.DataFrame]:
        return Reading(self, request, partition)

    def session(self, partition: Partition) -> Session:
        """A connection that sees the state to which the partition belongs."""
        ranges = self.database.ranges()
        if partition == WHOLE or ranges is None:
            return self.database.connect()
        return ranges.join(str(partition.where[0]))

    def bound(self, column: str) -> Bound:
        with closing(opened(self.database.connect())) as session:
            if column in self.capabilities.positions:
                return accounted(session, self.table, column, account_of(self.database, column))
            field = chosen(self.fields(session), (column,))[0]
            if (cap := session.cap(field)) is not None:
                return Bound(Watermark(column, type_name(field.column.type), cap))
            top = end_of(self, session, field, "max", "1 = 1")

            def least(condition: str) -> Watermark | None:
                found = end_of(self, session, field, "min", condition)
                return replace(found, closed=False) if found else None

            found = settled(session, field, top, least if self.config.table else None)
            notes = session.notes()
            return replace(found, exact=False, why=found.why or notes[0]) if notes else found

    def statement(
        self,
        session: Session,
        request: ReadRequest,
        fields: Sequence[Field],
        partition: Partition = WHOLE,
    ) -> tuple[str, list[Any]]:
        """The select that reads these fields, and its values."""
        conditions, values = self.conditions(session, request)
        conditions += [str(condition) for condition in partition.where[1:]]
        where = f" where {' and '.join(conditions)}" if conditions else ""
        reads = ", ".join(self._told(field, request) for field in fields)
        return f"select {reads} from {self._asked(session, request)}{where}", values

    def _tells_who_left(self, request: ReadRequest) -> bool:
        """A row that changed and is not meant any more is gone, to whoever reads what is."""
        return self.changes is not None and request.low is not None

    def _told(self, field: Field, request: ReadRequest) -> str:
        if not request.where or field.native != GONE or not self._tells_who_left(request):
            return field.read
        return f"case when {field.read} = 0 and ({request.where}\n) then 0 else 1 end"

    def _asked(self, session: Session, request: ReadRequest) -> str:
        if self.changes is None:
            return self.source
        low, bound = request.low, request.bound
        last = bound.value if bound else self.changes.now(session, self.table).finished
        return self.changes.source(session, self.table, low.value if low else None, last)

    def conditions(self, session: Session, request: ReadRequest) -> tuple[list[str], list[Any]]:
        """What is asked of the rows, and the values in it."""
        conditions, values = list[str](), list[Any]()
        if request.where and not self._tells_who_left(request):
            conditions.append(f"({request.where}\n)")  # a comment ends with its line
        conditions += self._accounted(session, request)
        request = self.by_columns(request)
        marks = [(m, sign) for m, sign in ((request.low, ">"), (request.bound, "<")) if m]
        natives = {f.column.name: f.native for f in self.fields(session)} if marks else {}
        for mark, sign in marks:
            told = self._beyond(mark, sign, len(values) + 1, natives)
            conditions += told[0]
            values += told[1]
        return conditions, values

    def by_columns(self, request: ReadRequest) -> ReadRequest:
        """The request without a window that no column tells of."""
        own = request.bound is not None and request.bound.column in self.capabilities.positions
        return replace(request, low=None, bound=None) if own else request

    def _accounted(self, session: Session, request: ReadRequest) -> list[str]:
        """The window by the database's own account; none where there was no load before, for rows
        that come again do no harm."""
        low, bound = request.low, request.bound
        if self.changes or low is None or bound is None or self.by_columns(request) is request:
            return []
        account = account_of(self.database, low.column)
        condition = account.between(session, self.table, low.value, bound.value)
        return [] if condition is None else [condition]

    def _beyond(
        self, mark: Watermark, sign: str, number: int, natives: Mapping[str, str]
    ) -> tuple[list[str], list[Any]]:
        """Rows without a position reach the flow, too: it has a policy for them."""
        column, place = self.database.quoted(mark.column), self.database.mark(number)
        narrowed = self.database.narrowed(mark, sign, column, place, natives[mark.column])
        if narrowed is None:
            return [], []
        sql, value = narrowed
        return [f"({sql} or {column} is null)"], [] if value is None else [value]
