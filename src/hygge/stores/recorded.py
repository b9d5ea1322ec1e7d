"""Stores whose loads are told by numbered records beside the table: their side of recovery."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from hygge.core.blocking_store import BlockingStore
from hygge.core.lease import Lease
from hygge.core.schema import TableSchema
from hygge.core.store import C, LoadRequest, Receipt
from hygge.stores.commit_log import CommitLog, Fate, Record
from hygge.stores.file_lease import FileLease
from hygge.stores.file_load import FileLoad


class Recorded(Protocol):
    """A table, and what was ever done to it."""

    @property
    def log(self) -> CommitLog: ...
    @property
    def lease(self) -> FileLease: ...
    @property
    def url(self) -> str: ...
    def staged(self) -> list[str]: ...
    def apply(self, record: Record) -> None: ...


class RecordedStore(BlockingStore[C]):
    """What stores of files and of mirrored tables have in common."""

    table: Recorded

    @property
    def identity(self) -> str:
        return self.table.url

    def settle(self, flow: str, load_id: str, *, keep: bool) -> Receipt | None:
        log = self.table.log
        found = log.of(load_id)
        while found is None and not keep:
            told = log.write(Record(log.next_number(), Fate.ERASED, load_id, flow))
            found = told if told.load_id == load_id else log.of(load_id)
        if found is None:
            return None
        self.table.apply(found)
        log.sweep()
        return found.receipt

    async def fits(self, request: LoadRequest) -> None:
        load = self.open_load(request)
        await self._on_thread("fits", lambda: load.look(self.table.log.newest()))

    @abstractmethod
    def open_load(self, request: LoadRequest) -> FileLoad: ...

    def strays(self, flow: str) -> Sequence[str]:
        return self.table.staged()

    def newest(self, flow: str) -> Receipt | None:
        record = self.table.log.newest()
        return record.receipt if record else None

    def table_schema(self) -> TableSchema | None:
        record = self.table.log.newest()
        return record.schema if record else None

    async def lease(self, name: str, seconds: float) -> Lease:
        return await self._on_thread("lease", lambda: self.table.lease.take(name, seconds))

    async def renew(self, lease: Lease, seconds: float) -> None:
        await self._on_thread("lease", lambda: self.table.lease.renew(lease, seconds))

    async def release(self, lease: Lease) -> None:
        await self._on_thread("lease", lambda: self.table.lease.release(lease))
