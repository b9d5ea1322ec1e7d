"""The author's side of a Store: plain methods, each on a thread of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Self, TypeVar

import polars as pl

from hygge.core.driver_thread import CHECK_SECONDS, DriverThread, finish
from hygge.core.errors import Unsupported
from hygge.core.partition import Partition
from hygge.core.schema import TableSchema
from hygge.core.store import C, Load, LoadRequest, Part, Receipt, StagedPart, Store

T = TypeVar("T")


class BlockingPart(ABC):
    """The author's side of a Part: plain methods, all called on one thread."""

    @abstractmethod
    def open(self) -> None: ...
    @abstractmethod
    def write(self, batch: pl.DataFrame) -> None: ...
    @abstractmethod
    def finish(self) -> StagedPart: ...
    @abstractmethod
    def close(self) -> None:
        """Called once if `open` was, whatever happened, also when it failed."""

    def interrupt(self) -> None:  # noqa: B027 - optional
        """Ask the driver to stop the call it is in. From another thread."""


class BlockingLoad(ABC):
    """The author's side of a Load: plain methods, all called on one thread."""

    one_writer: bool = False
    """True: parts share the load's connection, and so its thread."""

    @abstractmethod
    def open(self) -> None: ...
    @abstractmethod
    def part(self, partition: Partition) -> BlockingPart: ...
    @abstractmethod
    def verify(self, parts: Sequence[StagedPart]) -> Mapping[str, int]: ...
    @abstractmethod
    def commit(self, parts: Sequence[StagedPart]) -> Receipt: ...
    @abstractmethod
    def close(self) -> None:
        """Called once, whatever happened, also when `open` failed."""

    def corrections(self, parts: Sequence[StagedPart]) -> int:
        """As Load.corrections."""
        return 0

    def interrupt(self) -> None:  # noqa: B027 - optional
        """Ask the driver to stop the call it is in. From another thread."""


class PartOnThread(Part):
    """A BlockingPart on a thread of its own, or on its load's.

    It is opened with its first call and closed with its last: each call costs the loop a wait.
    """

    def __init__(self, inner: BlockingPart, thread: DriverThread | None) -> None:
        self._inner, self._own = inner, thread is None
        self._thread = thread or DriverThread("part", interrupt=inner.interrupt)
        self._opened = self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        try:
            if self._opened and not self._closed:
                await finish(self._thread.run(self._close))
        finally:
            if self._own:
                await self._thread.aclose()

    async def write(self, batch: pl.DataFrame) -> None:
        await self._thread.run(self._write, batch)

    async def finish(self) -> StagedPart:
        return await self._thread.run(self._finish)

    # on the thread

    def _write(self, batch: pl.DataFrame) -> None:
        self._open()
        self._inner.write(batch)

    def _finish(self) -> StagedPart:
        self._open()
        staged = self._inner.finish()
        self._close()
        return staged

    def _open(self) -> None:
        if not self._opened:
            self._opened = True
            self._inner.open()

    def _close(self) -> None:
        self._closed = True
        self._inner.close()


class LoadOnThread(Load):
    """A BlockingLoad on a thread of its own."""

    def __init__(self, inner: BlockingLoad) -> None:
        self._inner = inner
        self._thread = DriverThread("load", interrupt=inner.interrupt)

    async def __aenter__(self) -> Self:
        try:
            await self._thread.run(self._inner.open)
        except BaseException:  # `async with` calls no __aexit__ for what could not be entered
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        try:
            await finish(self._thread.run(self._inner.close))
        finally:
            await self._thread.aclose()

    def part(self, partition: Partition) -> Part:
        shared = self._thread if self._inner.one_writer else None
        return PartOnThread(self._inner.part(partition), shared)

    async def verify(self, parts: Sequence[StagedPart]) -> Mapping[str, int]:
        return await self._thread.run(self._inner.verify, parts)

    async def corrections(self, parts: Sequence[StagedPart]) -> int:
        return await self._thread.run(self._inner.corrections, parts)

    async def commit(self, parts: Sequence[StagedPart]) -> Receipt:
        return await self._thread.run(self._inner.commit, parts)


class BlockingStore(Store[C]):
    """A Store written as plain methods; each call gets a thread of its own."""

    async def _on_thread(self, name: str, work: Callable[[], T], seconds: float | None = None) -> T:
        async with DriverThread(name, timeout=seconds) as thread:
            return await thread.run(work)

    def load(self, request: LoadRequest) -> Load:
        if request.mode not in self.capabilities.modes:
            raise Unsupported(f"{type(self).__name__} cannot {request.mode}")
        return LoadOnThread(self.open_load(request))

    async def recover(self, flow: str, load_id: str, *, keep: bool = False) -> Receipt | None:
        return await self._on_thread("recover", lambda: self.settle(flow, load_id, keep=keep))

    async def unfinished(self, flow: str) -> Sequence[str]:
        return await self._on_thread("unfinished", lambda: self.strays(flow))

    async def last(self, flow: str) -> Receipt | None:
        return await self._on_thread("last", lambda: self.newest(flow))

    async def schema(self) -> TableSchema | None:
        return await self._on_thread("schema", self.table_schema)

    async def undo(self, flow: str, load_id: str, by: str) -> Receipt:
        return await self._on_thread("undo", lambda: self.take_back(flow, load_id, by))

    async def check(self) -> None:
        await self._on_thread("check", self.probe, CHECK_SECONDS)

    @abstractmethod
    def open_load(self, request: LoadRequest) -> BlockingLoad: ...
    @abstractmethod
    def settle(self, flow: str, load_id: str, *, keep: bool) -> Receipt | None:
        """As Store.recover."""

    @abstractmethod
    def strays(self, flow: str) -> Sequence[str]:
        """As Store.unfinished."""

    @abstractmethod
    def newest(self, flow: str) -> Receipt | None:
        """As Store.last."""

    @abstractmethod
    def table_schema(self) -> TableSchema | None:
        """As Store.schema."""

    def take_back(self, flow: str, load_id: str, by: str) -> Receipt:
        """As Store.undo."""
        raise Unsupported(f"{type(self).__name__} cannot take a load back")

    @abstractmethod
    def probe(self) -> None:
        """As Store.check."""
