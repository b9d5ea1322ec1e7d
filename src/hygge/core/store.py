"""Where data settles: the contract every destination keeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Generic, Self, TypeVar

import polars as pl

from hygge.core.config import Connections
from hygge.core.errors import Unsupported
from hygge.core.lease import Lease, Owner
from hygge.core.partition import Partition
from hygge.core.schema import SchemaChange, TableSchema
from hygge.core.store_config import StoreConfig as StoreConfig
from hygge.core.supply import Needs, Shares
from hygge.core.ties import Ties
from hygge.core.watermark import Watermark

C = TypeVar("C", bound=StoreConfig)


class Deletes(StrEnum):
    """What a merge does with rows that are gone from the source.

    SOFT leaves a row as it was, and writes when it was found gone into the column DELETED_AT; a key
    that comes again lives again. IGNORE leaves it as if nothing had been told.
    """

    HARD = "hard"
    SOFT = "soft"
    IGNORE = "ignore"


class Mode(StrEnum):
    """What a load does to the rows that are there already."""

    REPLACE = "replace"
    APPEND = "append"
    MERGE = "merge"


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """One load: its name for ever, and all a Store must know of it.

    `load_id` sorts by age and has one fate, written once. `base` is the load_id of the receipt that
    this load builds on: another load in between means LoadLost. `source` is the Home's identity,
    `where` the rows of it that are meant.
    `latest` is the column that tells which of several rows of a key is the latest; of those alike
    in it one is taken if `any_tie`, else they are refused. Without it, the last to come counts.
    `low` is the watermark already reached, `bound` the one not to be passed; `hold`: none is to be
    recorded beyond `low`. `beyond`: rows above the one to be recorded are read all the same.
    `most_gone`: all keys of the source are staged, too, in parts of their own. Rows of the table
    whose key is in no part are gone; more than this share of them are not believed. None: nothing
    is known of them.
    """

    load_id: str
    flow: str
    mode: Mode
    schema: TableSchema
    keys: tuple[str, ...] = ()
    base: str | None = None
    source: str = ""
    low: Watermark | None = None
    bound: Watermark | None = None
    hold: bool = False
    beyond: bool = False
    latest: str | None = None
    any_tie: bool = False
    where: str | None = None
    deletes: Deletes = Deletes.HARD
    most_gone: float | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing in staging: a file, or the rows under one tag of the staging table. `version` is
    what the place calls these very bytes, where it has a name for them."""

    name: str
    rows: int
    bytes: int
    digest: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class StagedPart:
    """What one Partition left in staging. JSON-able; all that commit needs to find it.

    `high` is the greatest watermark value among its rows; `seen` the rows left out because an
    earlier load has them. `keys`: its rows are nothing but keys that the source has, and are not
    loaded. `changed`: of which columns how many values could not be held as they were.
    """

    load_id: str
    partition: Partition
    rows: int
    pieces: tuple[Piece, ...]
    high: Watermark | None = None
    seen: Ties = field(default_factory=Ties)
    keys: bool = False
    changed: Mapping[str, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of a commit, kept with the data.

    `deleted` is how many rows it deleted, or marked so. `undoes` is the load that it took back: its
    rows and bytes are those that went. `changed`: of which columns how many values are not what the
    source gave, but the nearest that could be held.
    """

    load_id: str
    flow: str
    rows: int
    bytes: int
    watermark: Watermark | None
    digests: Mapping[str, str]
    at: datetime
    source: str = ""
    where: str | None = None
    keys: tuple[str, ...] = ()
    mode: Mode | None = None
    beyond: bool = False
    undoes: str | None = None
    deleted: int = 0
    changed: Mapping[str, int] = field(default_factory=dict)

    def taken_back(self, before: Receipt, by: str) -> Receipt:
        """The receipt of undoing this load: everything is as the one before it had left it."""
        was = replace(before, digests={}, deleted=0, changed={})
        return replace(was, load_id=by, rows=self.rows, bytes=self.bytes, undoes=self.load_id)


@dataclass(frozen=True, slots=True)
class StoreCapabilities:
    """What a Store can do; what it does not claim, it must refuse."""

    modes: frozenset[Mode]
    atomic: bool = True  # readers see old or new, nothing between
    deletes: bool = False  # understands `__op__`, and all of `deletes` and `most_gone`
    passes_deletes: bool = False  # hands `__op__` on, without knowing what it will meet
    shows_empty: bool = False  # a first load without rows is published, too
    undo: bool = False  # the last append can be taken back
    one_writer: bool = False  # parts of a load go one after the other, on one thread
    widens: bool = False  # columns that are there become wider with a load that needs it


class Part(AbstractAsyncContextManager["Part"]):
    """One partition on its way into staging. Every opening is a fresh, unseen try."""

    @abstractmethod
    async def write(self, batch: pl.DataFrame) -> None:
        """Stage these rows after those before. An empty batch is welcome."""

    @abstractmethod
    async def finish(self) -> StagedPart:
        """Durable from here on. Without it, what was written is nobody's and gets erased."""


class Load(AbstractAsyncContextManager["Load"]):
    """One all-or-nothing arrival. Entering raises LoadLost if it was erased, or if another load
    came after `base`. Leaving closes connections and erases nothing."""

    @abstractmethod
    def part(self, partition: Partition) -> Part:
        """A fresh try at staging this partition, under a name nobody used before."""

    @abstractmethod
    async def verify(self, parts: Sequence[StagedPart]) -> Mapping[str, int]:
        """Rows found in staging per partition name, counted now, by another path than the writer.

        A part that is lost, damaged or not what was staged counts 0.
        """

    async def corrections(self, parts: Sequence[StagedPart]) -> int:
        """How many rows the keys in these parts would put right: those that are gone, and those
        that are marked and are there again. 0 where `most_gone` is None."""
        return 0

    @abstractmethod
    async def commit(self, parts: Sequence[StagedPart]) -> Receipt:
        """Publish exactly these, in this order; all else under the load_id is erased.

        Committing twice is once. Raises LoadLost if the fate was written by another hand.
        """


class Store(ABC, Generic[C]):
    """Opens loads into one table. Frozen settings, no state between loads; pickles."""

    Config: ClassVar[type[StoreConfig]]
    capabilities: ClassVar[StoreCapabilities]
    buffer_bytes: int = 0
    """The most that one open part may hold in memory after `write` returned."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """Which destination this is, without secrets; another identity is another store."""

    @property
    def table_key(self) -> str:
        """Stores of which this is the same write one table, however they spell it."""
        return self.identity

    @property
    def manner(self) -> str:
        """How rows lie in staging: a part that was staged in another manner is not kept."""
        return ""

    @classmethod
    @abstractmethod
    def build(cls, config: C, connections: Connections) -> Self:
        """The Store of these settings. No I/O; ConfigError where they cannot be."""

    def needs(self, parallel: int) -> Needs:
        """What is in short supply, and how much of it is taken at once, where so many parts are
        open at a time. No I/O."""
        return {}

    def limited(self, shares: Shares, parallel: int) -> Self:
        """The same, and it never takes more than this at once, for so many parts; no less than the
        `least` it needs."""
        return self

    def refuse(self, schema: TableSchema) -> None:
        """Raise Unsupported, without I/O, where these columns cannot be held."""

    @abstractmethod
    def load(self, request: LoadRequest) -> Load: ...

    @abstractmethod
    async def recover(self, flow: str, load_id: str, *, keep: bool = False) -> Receipt | None:
        """Its Receipt if its commit began (finishing it); else erased for ever, unless `keep`.

        Asked again, it answers the same. A load that never came here is erased all the same.
        """

    @abstractmethod
    async def unfinished(self, flow: str) -> Sequence[str]:
        """The load_ids that left something here, the oldest first: seen, not remembered."""

    @abstractmethod
    async def last(self, flow: str) -> Receipt | None:
        """The newest Receipt here, as the destination remembers it. None: nothing was loaded."""

    @abstractmethod
    async def schema(self) -> TableSchema | None:
        """The columns that the last load left; None if there is no table yet."""

    async def standing(self, known: TableSchema) -> TableSchema | None:
        """The columns that the table has now, whoever changed them; None: nobody else can, or it is
        not there. Those that hold the `known` as they would be made have the known types."""
        return None

    async def evolve(self, changes: Sequence[SchemaChange]) -> None:
        """Make room for these changes, before staging; additive, repeatable."""

    async def fits(self, request: LoadRequest) -> None:
        """Raise, without effects, what opening this load would, as far as that can be told."""

    async def undo(self, flow: str, load_id: str, by: str) -> Receipt:
        """Take the rows of the last load back, if it was an append: all is as it was before it.

        `by` is the load_id under which that is published; twice is once. Raises LoadLost if another
        load came since, Unsupported if what was there before is gone.
        """
        raise Unsupported(f"{type(self).__name__} cannot take a load back")

    @abstractmethod
    async def check(self) -> None:
        """Connect, and see that the table may be written. Leaves nothing behind."""

    async def about(self) -> str | None:
        """Who we are there and what we may, for a person to read; None where nobody signs in."""
        return None

    # several workspaces may write to one destination: a Store that can tell overrides these
    async def lease(self, name: str, seconds: float) -> Lease:
        return Lease(name, Owner.me())

    async def renew(self, lease: Lease, seconds: float) -> None:
        return None

    async def release(self, lease: Lease) -> None:
        return None
