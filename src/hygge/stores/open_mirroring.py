"""Loads into a landing zone, from which Microsoft Fabric mirrors tables into OneLake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from hygge.core.blocking_store import BlockingLoad, BlockingStore
from hygge.core.config import Connections
from hygge.core.lease import Lease
from hygge.core.schema import OPERATION, TableSchema
from hygge.core.store import LoadRequest, Mode, Receipt, StoreCapabilities, StoreConfig
from hygge.filesystems.filesystem import FileSystem
from hygge.formats.format import BATCH_BYTES
from hygge.mirroring.fabric_types import refuse
from hygge.stores.commit_log import Fate, Record
from hygge.stores.mirror_config import OpenMirroringConfig as OpenMirroringConfig
from hygge.stores.mirror_load import MANNER, MirrorLoad
from hygge.stores.mirror_place import placed
from hygge.stores.mirror_table import MirrorTable


class OpenMirroringStore(BlockingStore[OpenMirroringConfig]):
    """A table of a mirrored database, which hygge alone publishes.

    Fabric applies a load's files one after the other: its readers may see a part of them.
    """

    Config: ClassVar[type[StoreConfig]] = OpenMirroringConfig
    capabilities = StoreCapabilities(
        frozenset(Mode), atomic=False, passes_deletes=True, shows_empty=True
    )
    buffer_bytes = BATCH_BYTES

    def __init__(self, config: OpenMirroringConfig, files: FileSystem, zone: str) -> None:
        self.config, self.table = config, MirrorTable(config, files, zone)

    @classmethod
    def build(cls, config: OpenMirroringConfig, connections: Connections) -> Self:
        return cls(config, *placed(config, connections))

    @property
    def identity(self) -> str:
        return self.table.url

    @property
    def manner(self) -> str:
        told = self.config
        parts = [MANNER, told.row_marker, told.loaded_at, told.allow_lossy]
        return " ".join(map(str, parts))

    def refuse(self, schema: TableSchema) -> None:
        refuse(schema.select(name for name in schema.names if name != OPERATION))

    def open_load(self, request: LoadRequest) -> BlockingLoad:
        return MirrorLoad(self.table, request)

    def settle(self, flow: str, load_id: str, *, keep: bool) -> Receipt | None:
        """As Store.recover. Raises NotYet while a table that was dropped has to be forgotten."""
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

    def strays(self, flow: str) -> Sequence[str]:
        return self.table.staged()

    def newest(self, flow: str) -> Receipt | None:
        record = self.table.log.newest()
        return record.receipt if record else None

    def table_schema(self) -> TableSchema | None:
        record = self.table.log.newest()
        return record.schema if record else None

    def probe(self) -> None:
        self.table.fs.probe(self.table.zone)

    async def lease(self, name: str, seconds: float) -> Lease:
        return await self._on_thread("lease", lambda: self.table.lease.take(name, seconds))

    async def renew(self, lease: Lease, seconds: float) -> None:
        await self._on_thread("lease", lambda: self.table.lease.renew(lease, seconds))

    async def release(self, lease: Lease) -> None:
        await self._on_thread("lease", lambda: self.table.lease.release(lease))
