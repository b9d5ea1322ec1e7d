"""Where data lives: the contract every source keeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, Self, TypeVar

import polars as pl

from hygge.core.config import Connections, EndConfig
from hygge.core.driver_thread import CHECK_SECONDS, DriverThread
from hygge.core.errors import Unsupported
from hygge.core.partition import WHOLE, Partition
from hygge.core.schema import TableSchema
from hygge.core.supply import Needs, Shares
from hygge.core.watermark import Watermark

T = TypeVar("T")


class HomeConfig(EndConfig):
    """What every Home's settings have. Subclass it beside the Home."""

    @classmethod
    def create(cls, settings: str | Mapping[str, Any]) -> HomeConfig:
        """From a path, or a mapping with `type`. ConfigError names every wrong key."""
        made = cls._create("homes", settings)
        assert isinstance(made, HomeConfig)
        return made


C = TypeVar("C", bound=HomeConfig)


@dataclass(frozen=True, slots=True)
class HomeCapabilities:
    """What a Home can do; what it does not claim, it must refuse."""

    incremental: bool = False  # upper_bound, and reading from `low` up to `bound`
    partitions: bool = False  # more than WHOLE
    columns: bool = False  # reads only the columns that are asked for
    where: bool = False  # reads only the rows that satisfy `where`
    late_rows: bool = False  # rows may appear below the greatest value: upper_bound knows
    positions: Collection[str] = ()  # what it can tell new rows by beside columns
    deletes: bool = False  # the reserved last column `__op__` (int8: 0 upsert, 1 delete)


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What one run asks of a Home.

    `columns` None: all. `where` is the user's own condition. Rows have `low ≤ cursor`, or
    `low < cursor` where low is open, up to `bound`, inclusive where it is closed. `schema` is what
    the Home announced for these columns, so that it need not look again: batches have exactly it.
    """

    columns: tuple[str, ...] | None = None
    where: str | None = None
    low: Watermark | None = None
    bound: Watermark | None = None
    schema: TableSchema | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """A safe upper position, frozen before reading; None if the table has no row to bound.

    An open position is less than the greatest value: above it, rows may still come. `held`: they
    may come below it, too, so no position is to be recorded beyond the one already reached. `exact`
    is False where a later run could miss a row that was not visible yet. `why` says so. `now` is
    the source's clock, by the column's own hands; None where it is as good as ours.
    """

    watermark: Watermark | None
    exact: bool = True
    why: str = ""
    held: bool = False
    now: datetime | None = None


class Home(ABC, Generic[C]):
    """Yields one table in batches. Frozen settings, no state between calls; pickles."""

    Config: ClassVar[type[HomeConfig]]
    capabilities: ClassVar[HomeCapabilities] = HomeCapabilities()

    @property
    @abstractmethod
    def identity(self) -> str:
        """Which source this is, without secrets; another identity is another source."""

    @classmethod
    @abstractmethod
    def build(cls, config: C, connections: Connections) -> Self:
        """The Home of these settings. No I/O; ConfigError where they cannot be."""

    @abstractmethod
    async def schema(self) -> TableSchema:
        """Exact types, nullability, keys where known, before a row is read.

        Its `notes` tell a person what was found (files that differ, say). Raises SourceMissing if
        there is no such table, SchemaMismatch if its parts disagree.
        """

    def needs(self, parallel: int) -> Needs:
        """What is in short supply of which it takes several at once, where so many partitions are
        read at a time. No I/O."""
        return {}

    def following(self, position: str | None) -> Self:
        """The same, read by one of its own `positions`; it may tell of deletes then."""
        return self

    def limited(self, shares: Shares) -> Self:
        """The same, and it never takes more than this at once; no less than the `least` it needs,
        for as many partitions at a time."""
        return self

    async def entities(self) -> Mapping[str, str]:
        """What could stand for the `*` that `{entity}` was filled with; and the whole name that
        each comes to."""
        raise Unsupported(
            f"{type(self).__name__} cannot say what tables there are", hint="list the entities"
        )

    async def upper_bound(self, column: str) -> Bound:
        """The highest position that is safe to read up to, taken now. Incremental Homes only.

        Of one of its own `positions`, it is the last one whose rows are all there to be read.
        """
        raise Unsupported(f"{type(self).__name__} cannot be read incrementally", column=column)

    async def own_bound(self, position: str, low: Watermark | None) -> Bound:
        """As `upper_bound`, of one of its own positions; what is up to `low` was loaded before."""
        return await self.upper_bound(position)

    async def partitions(self, request: ReadRequest) -> Sequence[Partition]:
        """Disjoint, together the whole request, in source order, with stable names.

        An empty table may give none, or one that yields nothing.
        """
        return [WHOLE]

    @asynccontextmanager
    async def reading(self, request: ReadRequest) -> AsyncIterator[Sequence[Partition]]:
        """The partitions of one load, to be read within the block: what flows ask for.

        Where rows may move while they are read, a Home holds one state of them for all of these
        until the block ends, or gives one partition.
        """
        yield await self.partitions(request)

    @abstractmethod
    def read(
        self, request: ReadRequest, partition: Partition = WHOLE
    ) -> AsyncGenerator[pl.DataFrame, None]:
        """Yield batches in source order, each with the schema of the request.

        Empty: yields nothing, or empty batches. Repeated: reads again. Cancelled: leaves no thread
        and no connection. Failed: HomeError; SourceChanged where a versioned partition is not what
        it was.
        """

    @abstractmethod
    async def check(self) -> None:
        """Connect, see that the table is there and may be read. Raises what reading would raise."""

    async def about(self) -> str | None:
        """Who we are there and what we may, for a person to read; None where nobody signs in."""
        return None


class BlockingHome(Home[C]):
    """A Home written as plain methods and a generator; each call gets a thread of its own."""

    async def _on_thread(self, name: str, work: Callable[[], T], seconds: float | None = None) -> T:
        async with DriverThread(name, timeout=seconds) as thread:
            return await thread.run(work)

    async def read(
        self, request: ReadRequest, partition: Partition = WHOLE
    ) -> AsyncGenerator[pl.DataFrame, None]:
        async with (
            DriverThread("home") as thread,
            aclosing(thread.iterate(lambda: self.batches(request, partition))) as batches,
        ):
            async for batch in batches:
                yield batch

    async def schema(self) -> TableSchema:
        return await self._on_thread("schema", self.table_schema)

    async def partitions(self, request: ReadRequest) -> Sequence[Partition]:
        return await self._on_thread("partitions", lambda: self.split(request))

    async def upper_bound(self, column: str) -> Bound:
        return await self._on_thread("bound", lambda: self.bound(column))

    async def own_bound(self, position: str, low: Watermark | None) -> Bound:
        return await self._on_thread("bound", lambda: self.bound_after(position, low))

    async def entities(self) -> Mapping[str, str]:
        return await self._on_thread("entities", self.stand_ins, CHECK_SECONDS)

    async def check(self) -> None:
        await self._on_thread("check", self.probe, CHECK_SECONDS)

    @abstractmethod
    def batches(self, request: ReadRequest, partition: Partition) -> Iterator[pl.DataFrame]:
        """As Home.read. If the iterator has `interrupt()`, cancelling calls it."""

    @abstractmethod
    def table_schema(self) -> TableSchema:
        """As Home.schema."""

    def stand_ins(self) -> Mapping[str, str]:
        """As Home.entities."""
        raise Unsupported(
            f"{type(self).__name__} cannot say what tables there are", hint="list the entities"
        )

    def split(self, request: ReadRequest) -> Sequence[Partition]:
        """As Home.partitions."""
        return [WHOLE]

    def bound(self, column: str) -> Bound:
        """As Home.upper_bound."""
        raise Unsupported(f"{type(self).__name__} cannot be read incrementally", column=column)

    def bound_after(self, position: str, low: Watermark | None) -> Bound:
        """As Home.own_bound."""
        return self.bound(position)

    def probe(self) -> None:
        """As Home.check."""
        self.table_schema()
