"""Loads into a Delta table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from hygge.core.blocking_store import BlockingLoad, BlockingStore
from hygge.core.config import Connections
from hygge.core.lease import Lease
from hygge.core.schema import OPERATION, TableSchema
from hygge.core.store import LoadRequest, Mode, Receipt, StoreCapabilities, StoreConfig
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.found import found
from hygge.formats.delta_snapshot import require_library
from hygge.formats.format import BATCH_BYTES
from hygge.stores.delta_actions import refuse_unwritable
from hygge.stores.delta_columns import refuse, standing
from hygge.stores.delta_config import DeltaStoreConfig
from hygge.stores.delta_load import DeltaLoad
from hygge.stores.delta_table import DeltaTable
from hygge.stores.delta_undo import take_back


class DeltaStore(BlockingStore[DeltaStoreConfig]):
    """A Delta table, which others may write to as well. Readers see the old rows or the new."""

    Config: ClassVar[type[StoreConfig]] = DeltaStoreConfig
    capabilities = StoreCapabilities(frozenset(Mode), deletes=True, undo=True, widens=True)
    buffer_bytes = BATCH_BYTES

    def __init__(
        self, config: DeltaStoreConfig, place: tuple[FileSystem, str] | None = None
    ) -> None:
        self.config, self.table = config, DeltaTable(config, place)

    @classmethod
    def build(cls, config: DeltaStoreConfig, connections: Connections) -> Self:
        require_library()
        return cls(config, found(config, connections))

    @property
    def identity(self) -> str:
        return self.table.url

    @property
    def manner(self) -> str:
        return "delta"

    def refuse(self, schema: TableSchema) -> None:
        refuse(schema.select(name for name in schema.names if name != OPERATION))

    def open_load(self, request: LoadRequest) -> BlockingLoad:
        self.refuse(request.schema)
        return DeltaLoad(self.table, request)

    def settle(self, flow: str, load_id: str, *, keep: bool) -> Receipt | None:
        record = self.table.fate(load_id)
        if record is None and not keep:
            record = self.table.erase(load_id, flow)
        return self.table.settle(record) if record is not None else None

    def strays(self, flow: str) -> Sequence[str]:
        return self.table.staged()

    def newest(self, flow: str) -> Receipt | None:
        record = self.table.newest(flow)
        return record.receipt if record else None

    def table_schema(self) -> TableSchema | None:
        record = self.table.versions.newest()
        return record.schema if record else None

    async def standing(self, known: TableSchema) -> TableSchema | None:
        return await self._on_thread("standing", lambda: self._standing(known))

    def _standing(self, known: TableSchema) -> TableSchema | None:
        there = self.table.now()
        return standing(there, known) if there is not None else None

    def take_back(self, flow: str, load_id: str, by: str) -> Receipt:
        return take_back(self.table, flow, load_id, by)

    def probe(self) -> None:
        self.table.refuse_link()
        if (there := self.table.now()) is not None:
            there.refuse_unreadable()
            refuse_unwritable(there, removing=False)
        self.table.fs.probe(self.table.folder)

    async def about(self) -> str | None:
        return await self._on_thread("about", self._about)

    def _about(self) -> str | None:
        there = self.table.now()
        if there is None:
            return None
        count = len(there.files)
        return f"Delta table at version {there.version}, {count} file{'s' * (count != 1)}"

    async def lease(self, name: str, seconds: float) -> Lease:
        return await self._on_thread("lease", lambda: self.table.lease.take(name, seconds))

    async def renew(self, lease: Lease, seconds: float) -> None:
        await self._on_thread("lease", lambda: self.table.lease.renew(lease, seconds))

    async def release(self, lease: Lease) -> None:
        await self._on_thread("lease", lambda: self.table.lease.release(lease))
