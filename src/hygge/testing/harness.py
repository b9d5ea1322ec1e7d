"""How a suite handles a connector it knows nothing of: makes its source, looks at what it left.

A rig looks with another reader than the connector's own, or a lie told on both sides would cancel
out. Write one for each Home and Store and hand it to the contract suites.
"""

from __future__ import annotations

import pickle
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from hygge.connections.pool import close_idle
from hygge.core.home import Home, ReadRequest
from hygge.core.names import new_load_id
from hygge.core.partition import WHOLE, Partition
from hygge.core.schema import TableSchema
from hygge.core.store import Load, LoadRequest, Mode, Receipt, StagedPart, Store

Row: TypeAlias = tuple[Any, ...]


class Harm(StrEnum):
    """What can happen to a staged part."""

    LOSE = "lose"
    TRUNCATE = "truncate"
    DOUBLE = "double"
    FLIP = "flip"


class HomeRig(ABC):
    """One source, and the pen to write it with. `tmp` is a folder of its own."""

    @abstractmethod
    def __init__(self, tmp: Path) -> None: ...

    secrets: Sequence[str] = ()
    """What must never be shown."""

    @abstractmethod
    def home(self) -> Home[Any]:
        """The Home of this source, built anew, as another run would."""

    @abstractmethod
    def give(self, *frames: pl.DataFrame) -> None:
        """Make these the source's rows; a Home that partitions finds a partition in each.

        Raises Unsupported for values that the system cannot hold.
        """

    @abstractmethod
    def missing(self) -> Home[Any]:
        """The Home of a source that does not exist."""


class StoreRig(ABC):
    """One destination, and another reader's eyes. `tmp` is a folder of its own."""

    @abstractmethod
    def __init__(self, tmp: Path) -> None: ...

    secrets: Sequence[str] = ()
    ordered: bool = True
    """Whether readers see rows in the order of the commit."""
    harms: frozenset[Harm] = frozenset(Harm)
    """What `verify` can notice here."""

    @abstractmethod
    def store(self) -> Store[Any]:
        """The Store of this destination, built anew, as another run would."""

    @abstractmethod
    def look(self) -> list[Row] | None:
        """The rows there are, read by another reader; None: there is no table."""

    @abstractmethod
    def leftovers(self) -> Sequence[str]:
        """What loads left in staging."""

    @abstractmethod
    def spoil(self, harm: Harm, part: StagedPart) -> None:
        """Do this harm to the first piece of a staged part."""


_PEOPLE = pl.Schema(
    {
        "id": pl.Int64(),
        "word": pl.String(),
        "born": pl.Date(),
        "seen": pl.Datetime("us", "UTC"),
    }
)
PEOPLE = TableSchema.of(_PEOPLE)


def people(start: int = 0, count: int = 3, word: str = "old") -> pl.DataFrame:
    """Rows with a key, a text that may be NULL, a day and a moment."""
    ids = list(range(start, start + count))
    return pl.DataFrame(
        {
            "id": ids,
            "word": [None if i % 7 == 5 else f"{word} {i}" for i in ids],
            "born": [date(2000, 1, 1 + i % 28) for i in ids],
            "seen": [datetime(2024, 1, 1, i // 60, i % 60, tzinfo=UTC) for i in ids],
        },
        schema=_PEOPLE,
    )


def request(mode: Mode = Mode.REPLACE, base: Receipt | None = None, **more: Any) -> LoadRequest:
    """A load of people, on top of a receipt."""
    known: dict[str, Any] = {"flow": "people", "schema": PEOPLE, "source": "test"}
    if mode is Mode.MERGE:
        known["keys"] = ("id",)
    if base is not None:
        known["base"] = base.load_id
    return LoadRequest(load_id=new_load_id(), mode=mode, **{**known, **more})


async def staged(load: Load, name: str, *batches: pl.DataFrame) -> StagedPart:
    """A part staged under this partition's name."""
    async with load.part(Partition(name)) as part:
        for batch in batches:
            await part.write(batch)
        return await part.finish()


async def settled(store: Store[Any], what: LoadRequest, *frames: pl.DataFrame) -> Receipt:
    """A whole load: a part for each frame, verified and committed."""
    async with store.load(what) as load:
        parts = [await staged(load, f"part {n}", frame) for n, frame in enumerate(frames)]
        found = await load.verify(parts)
        assert [found[part.partition.name] for part in parts] == [f.height for f in frames]
        return await load.commit(parts)


async def gathered(
    home: Home[Any], request: ReadRequest | None = None, partition: Partition = WHOLE
) -> list[pl.DataFrame]:
    """All batches of one reading; without a request, of everything."""
    async with aclosing(home.read(request or ReadRequest(), partition)) as batches:
        return [batch async for batch in batches]


def rows_of(frames: Sequence[pl.DataFrame]) -> list[Row]:
    return [row for frame in frames for row in frame.rows()]


def unordered(rows: Sequence[Row] | None) -> list[Row]:
    """Rows to be compared whatever their order; no table is no rows."""
    return sorted(rows or (), key=repr)


def shown(thing: Home[Any] | Store[Any]) -> str:
    """All that a Home or Store lets people see of itself, pickles included."""
    pickled = pickle.dumps(thing).decode("latin-1")
    return " ".join((repr(thing), str(thing), thing.identity, pickled))


@contextmanager
def no_thread_left() -> Iterator[None]:
    """Threads started inside are gone at the end; those of connections that wait for the next
    use end with them."""
    before = set(threading.enumerate())
    yield
    close_idle()
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert not left, f"threads left behind: {left}"
