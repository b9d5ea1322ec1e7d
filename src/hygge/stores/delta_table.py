"""One Delta table's folder, and what lies beside it.

<parent>/<table>/_delta_log/<n>.json          the table's versions, of which ours tell their load
<parent>/<table>/<load_id>/                   the files of one load, which a version names or not
<parent>/_hygge/staging/<table>/<load_id>/    there while a load is not done
<parent>/_hygge/commits/<table>/<n>.json      loads that were erased before there was a table
<parent>/_hygge/leases/<table>.<n>.json       who writes now
"""

from __future__ import annotations

from contextlib import suppress

from hygge.core.errors import ANEW, HyggeError, SourceMissing, StoreError, Unsupported
from hygge.core.store import Receipt
from hygge.filesystems.filesystem import FileSystem
from hygge.formats.delta_snapshot import Place, Snapshot, require_library, snapshot
from hygge.formats.parquet import Parquet
from hygge.stores.commit_log import Fate, Record
from hygge.stores.delta_config import DeltaStoreConfig
from hygge.stores.delta_log import DeltaLog, application
from hygge.stores.file_config import FileStoreConfig
from hygge.stores.file_table import FileTable

_CHECKPOINT = 10
"""After so many versions their sum is written down, unless the table says otherwise."""


class DeltaTable(FileTable):
    """Where a Delta table lies, and what was ever done to it. No state of its own."""

    format: Parquet

    def __init__(
        self, config: DeltaStoreConfig, place: tuple[FileSystem, str] | None = None
    ) -> None:
        told = config.model_dump(exclude={"type"})
        super().__init__(FileStoreConfig(type="parquet", format="parquet", **told), place)
        self.versions = DeltaLog(self.fs, f"{self.folder}/_delta_log")

    def staging(self, load_id: str) -> str:
        """Where a load's files wait, and stay: nothing but the log makes them the table's."""
        return f"{self.folder}/{load_id}"

    def marker(self, load_id: str) -> str:
        """What is there as long as a load is not done."""
        return super().staging(load_id)

    def place(self) -> Place:
        """Raises Unsupported where the library of Delta tables cannot come."""
        require_library()
        options = self.fs.delta_options()
        if options is None:
            raise Unsupported(
                f"Delta tables cannot lie in {self.fs.name}",
                table=self.url,
                hint="a local folder, or a bucket",
            )
        return Place(self.url, options)

    def now(self) -> Snapshot | None:
        """The newest version; None if there is no table yet."""
        place = self.place()
        if not self.versions.versions() and not self._is_checkpointed():
            return None
        try:
            return snapshot(place)
        except SourceMissing:
            return None

    def _is_checkpointed(self) -> bool:
        return self.fs.info(f"{self.versions.folder}/_last_checkpoint") is not None

    def last_version(self) -> int | None:
        """The number of the newest version; None if there is no table yet."""
        known = self.versions.versions()
        if known:
            return known[0]
        found = self.now()
        return found.version if found else None

    def newest(self, flow: str, version: int | None = None) -> Record | None:
        """The newest load that was published. Raises StoreError where the log was cut before it."""
        if (found := self.versions.newest(version)) is not None:
            return found
        known = self.versions.versions()
        there = self.now() if known and known[-1] > 0 else None
        if there is not None and there.table.transaction_version(application(flow)) is not None:
            raise StoreError(
                "the log of this table was cut: nobody knows any more how far it was loaded",
                table=self.url,
                hint=f"load everything anew: {ANEW}; and keep the log longer "
                "(delta.logRetentionDuration)",
            )
        return None

    def fate(self, load_id: str) -> Record | None:
        """The record that tells what became of a load, if it is written. The table's own log
        counts; beside it, a load is erased while there is no table."""
        return self.versions.of(load_id) or self.log.of(load_id)

    def erase(self, load_id: str, flow: str) -> Record:
        """Write that this load is erased, unless its fate is written; the fate that holds.

        Where there is no table, it is written beside it, and we look again: whoever makes the table
        then looks there before it publishes anything.
        """
        while (found := self.versions.of(load_id)) is None:
            version = self.last_version()
            if version is None:
                return self.log.of(load_id) or self._erased_beside(load_id, flow)
            record = Record(version + 1, Fate.ERASED, load_id, flow)
            self.versions.write(version + 1, record, [])
        return found

    def _erased_beside(self, load_id: str, flow: str) -> Record:
        while (found := self.log.of(load_id)) is None:
            self.log.write(Record(self.log.next_number(), Fate.ERASED, load_id, flow))
        return self.erase(load_id, flow) if self.last_version() is not None else found

    def settle(self, record: Record) -> Receipt | None:
        """What is left of a load whose fate is written goes; the marker last."""
        folder = self.staging(record.load_id)
        if record.fate is Fate.ERASED:
            self.fs.delete_folder(folder)
        elif self.fs.is_folder(self.marker(record.load_id)):
            kept = {f"{self.folder}/{name}" for name in self.versions.read(record.number).added}
            for info in list(self.fs.list(folder)):
                if info.path not in kept:
                    self.fs.delete(info.path)
            self.fs.prune(folder, folder)
        self.fs.delete_folder(self.marker(record.load_id))
        self.versions.sweep()
        return record.receipt

    def checkpoint(self, version: int) -> None:
        """Write the sum of all versions down, now and then; without it reading takes longer."""
        with suppress(HyggeError, ValueError, OSError, RuntimeError):
            there = self.now()
            every = there.metadata.configuration.get("delta.checkpointInterval") if there else None
            if there is not None and version % max(1, int(every or _CHECKPOINT)) == 0 < version:
                self._summed_up(there)

    def _summed_up(self, there: Snapshot) -> None:
        from deltalake.exceptions import DeltaError

        with suppress(DeltaError):
            there.table.create_checkpoint()
            self._make_durable(there.version)

    def _make_durable(self, version: int) -> None:
        """On this machine's disk the library leaves that to chance, and readers trust what it
        wrote."""
        names = (f"{version:020}.checkpoint.parquet", "_last_checkpoint")
        for path in (f"{self.versions.folder}/{name}" for name in names):
            if self.fs.local(path) is not None and (found := self.fs.get(path)) is not None:
                self.fs.replace(path, found)
