"""Loads into a landing zone, from which Microsoft Fabric mirrors tables into OneLake."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self

from hygge.core.config import Connections
from hygge.core.schema import OPERATION, TableSchema
from hygge.core.store import LoadRequest, Mode, Receipt, StoreCapabilities, StoreConfig
from hygge.filesystems.filesystem import FileSystem
from hygge.formats.format import BATCH_BYTES
from hygge.mirroring.fabric_types import refuse
from hygge.stores.file_load import FileLoad
from hygge.stores.mirror_config import OpenMirroringConfig as OpenMirroringConfig
from hygge.stores.mirror_config import RunsConfig
from hygge.stores.mirror_load import MANNER, MirrorLoad
from hygge.stores.mirror_place import placed
from hygge.stores.mirror_table import MirrorTable
from hygge.stores.recorded import RecordedStore


class OpenMirroringStore(RecordedStore[OpenMirroringConfig]):
    """A table of a mirrored database, which hygge alone publishes.

    Fabric applies a load's files one after the other: its readers may see a part of them.
    """

    Config: ClassVar[type[StoreConfig]] = OpenMirroringConfig
    capabilities = StoreCapabilities(
        frozenset(Mode), atomic=False, passes_deletes=True, shows_empty=True
    )
    buffer_bytes = BATCH_BYTES
    table: MirrorTable

    def __init__(self, config: OpenMirroringConfig, files: FileSystem, zone: str) -> None:
        self.config, self.table = config, MirrorTable(config, files, zone)

    @classmethod
    def build(cls, config: OpenMirroringConfig, connections: Connections) -> Self:
        return cls(config, *placed(config, connections))

    @property
    def table_key(self) -> str:
        schema, name = self.table.alike
        return f"{self.table.fs.url(self.table.zone)}/{schema}.schema/{name}"

    @property
    def manner(self) -> str:
        told = self.config
        parts = [MANNER, told.row_marker, told.loaded_at, told.allow_lossy]
        return " ".join(map(str, parts))

    def refuse(self, schema: TableSchema) -> None:
        refuse(schema.select(name for name in schema.names if name != OPERATION))

    def open_load(self, request: LoadRequest) -> FileLoad:
        return MirrorLoad(self.table, request)

    def newest(self, flow: str) -> Receipt | None:
        """Where several journals append to one table, each goes on from its own last load."""
        newest = super().newest(flow)
        if newest is None or newest.watermark is None or not isinstance(self.config, RunsConfig):
            return newest
        source, published = self.config.source(), self.table.log.published()
        own = next((r for r in published if r.source == source), None)
        nothing = replace(newest.watermark, value=0, ties=None)
        return replace(newest, source=source, watermark=own.watermark if own else nothing)

    def probe(self) -> None:
        self.table.fs.probe(self.table.zone)
