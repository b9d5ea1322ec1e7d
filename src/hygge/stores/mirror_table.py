"""One mirrored table's folder in a landing zone, and what lies beside it.

<zone>/[<schema>.schema/]<table>/             what Fabric reads: `_metadata.json`, numbered files
<zone>/_hygge/staging/<table>/<load_id>/      what is not published yet
<zone>/_hygge/commits/<table>/<n>.json        what was published or erased, in order
<zone>/_hygge/leases/<table>.<n>.json         who writes now
<zone>/_partnerEvents.json                    who publishes

A number is given once. It has landed if a file of ours is found by it, in the table's folder or
where the service puts what it has read; or if what we staged is gone, and a number as great is
known there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from hygge.core.errors import ANEW, SourceMissing, StoreError
from hygge.filesystems.filesystem import FileInfo, FileSystem
from hygge.formats.parquet import Parquet
from hygge.mirroring.metadata import TableMetadata
from hygge.mirroring.names import (
    DELETABLE,
    METADATA,
    PROCESSED,
    SCHEMA_SUFFIX,
    MirroredTable,
    is_hidden,
    number_of,
)
from hygge.stores.commit_log import CommitLog, Fate, Record
from hygge.stores.file_lease import FileLease
from hygge.stores.file_table import refuse_link
from hygge.stores.mirror_config import OpenMirroringConfig
from hygge.stores.mirror_folder import MirrorFolder
from hygge.stores.mirror_place import service_of
from hygge.stores.mirror_waiting import Waiting

_READ = (PROCESSED, DELETABLE)
_CHUNK = 2**20


@dataclass(frozen=True)
class Found:
    """What is in the table's folder: files that the service has before it, and where those are that
    it has read, by their names. `described`: there is metadata. `any`: some file, whatever it is.
    """

    pending: tuple[str, ...]
    read: Mapping[str, str]
    described: bool
    any: str | None

    @property
    def names(self) -> set[str]:
        return {*self.pending, *self.read}

    @property
    def last(self) -> int:
        """The greatest number there is; 0 without any."""
        return max((number_of(name) or 0 for name in self.names), default=0)


class MirrorTable:
    """Where a mirrored table lies, and what was ever done to it. No state of its own."""

    def __init__(self, config: OpenMirroringConfig, files: FileSystem, zone: str) -> None:
        self.config, self.fs, self.zone = config, files, zone
        self.table = MirroredTable(config.schema_name, config.table)
        self.folder, self.ours = f"{zone}/{self.table.folder}", f"{zone}/_hygge"
        self.log = CommitLog(files, f"{self.ours}/commits/{self.table.folder}")
        self.format, self.suffix = Parquet.build({"compression": "zstd"}), ".parquet"

    @property
    def url(self) -> str:
        return self.fs.url(self.folder)

    @property
    def default(self) -> str:
        """The schema of tables that have none."""
        return self.config.default_schema

    @property
    def alike(self) -> tuple[str, str]:
        """What it is to the service."""
        return self.table.alike(self.default)

    @cached_property
    def own(self) -> MirrorFolder:
        """The folder as such."""
        service = service_of(self.config, self.fs)
        knows = (lambda: service.knows(self.table)) if service is not None else None
        waiting = Waiting(self.fs, self.config.folder_deletion_wait_seconds, knows)
        return MirrorFolder(self.fs, self.zone, self.folder, waiting)

    @property
    def lease(self) -> FileLease:
        return FileLease(self.fs, self.ours, quote(self.table.folder, safe=""), self.url)

    def refuse_link(self) -> None:
        refuse_link(self.fs, self.folder)

    def staging(self, load_id: str) -> str:
        """Where a load's files wait."""
        return f"{self.ours}/staging/{self.table.folder}/{load_id}"

    def staged(self) -> list[str]:
        """The load_ids that have something in staging, the oldest first."""
        return list(self.fs.folders(f"{self.ours}/staging/{self.table.folder}"))

    def found(self) -> Found:
        """What is there now."""
        cut, names = len(self.folder) + 1, list[str]()
        names = [info.path[cut:] for info in self.fs.list(self.folder)]
        pending = [name for name in names if "/" not in name and not is_hidden(name)]
        read = {n.rpartition("/")[2]: n for n in names if n.rpartition("/")[0] in _READ}
        return Found(tuple(pending), read, METADATA in names, next(iter(names), None))

    def about(self) -> TableMetadata | None:
        """What the folder says of itself; None: nothing that anybody could take."""
        written = self.fs.get(f"{self.folder}/{METADATA}")
        with suppress(ValueError):
            return TableMetadata.of(written or b"")
        return None

    def witness(self, found: Found) -> FileInfo | None:
        """A file by which the folder that is there now is told from a later one; None: there is
        nothing in it."""
        name = METADATA if found.described else found.any
        return self.fs.info(f"{self.folder}/{name}") if name else None

    # what a record says, done

    def apply(self, record: Record, *, fresh: bool = False) -> None:
        """Do what the record says, again if need be; staging goes last, so that it is seen.
        `fresh`: nobody has begun to.

        Raises NotYet while the service has to forget the table that was dropped, and StoreError
        for a number that another writer took: it is never written over, nor another one taken.
        """
        staging = self.staging(record.load_id)
        if record.fate is Fate.PUBLISHED:
            if not (fresh or self.fs.is_folder(staging)):
                return  # done, by all that we are told; nothing is deleted on that word
            if self._is_newest(record):  # else all of it was done before the next one came
                self.own.make_way(record, staging)
                self.own.describe(record, staging, self.config.partner)
            self._land(record, staging, fresh)
        self.fs.delete_folder(staging)

    def _is_newest(self, record: Record) -> bool:
        newest = self.log.newest()
        return newest is not None and newest.number == record.number

    def _land(self, record: Record, staging: str, fresh: bool) -> None:
        """Each file in one step, in their order; what is there already was looked at."""
        digests = record.receipt.digests if record.receipt else {}
        read = {} if fresh else self.found().read
        for name, target in record.moves:
            source, final = f"{staging}/{name}", f"{self.folder}/{target}"
            if target in read or not self.fs.move_once(source, final):
                self._settle(source, target, digests.get(target, ""))
        if record.moves:
            self.fs.sync([self.folder])
            self._check(record, fresh)

    def _settle(self, source: str, target: str, digest: str) -> None:
        """The name is taken: by our own file, as an answer was lost; or by somebody's."""
        places = [f"{self.folder}/{name}" for name in (target, *(f"{p}/{target}" for p in _READ))]
        if self._digest(places) != digest and self.fs.info(source) is not None:
            raise StoreError(
                "another writer has put a file where ours belongs; ours waits in staging",
                file=self.fs.url(places[0]),
                hint="stop the other writer, take its file away if Fabric has not read it, and "
                f"run again; if it has, {self._give_up(source)}",
            )
        self.fs.delete(source)

    def _digest(self, places: Sequence[str]) -> str | None:
        """Of the file in the first of these places that has one."""
        for place in places:
            with suppress(SourceMissing):
                return sha256(self.fs, place)
        return None

    def _give_up(self, inside: str) -> str:
        return f"delete {self.fs.url(inside.rpartition('/')[0])} and load everything anew, {ANEW}"

    def _check(self, record: Record, fresh: bool) -> None:
        """Raise StoreError for a file that is neither there nor was read.

        Unless we have just moved it, that may be long ago, and the service deletes what it has
        read: but not as long as a file before it waits, nor where none after it is known.
        """
        found = self.found()
        waiting = [number for name in found.pending if (number := number_of(name)) is not None]
        for target in record.targets:
            number = number_of(target)
            passed = not fresh and (number is None or (number <= found.last))
            if passed and number is not None:
                passed = number <= min(waiting, default=number)
            if target not in found.names and not passed and self._is_newest(record):
                raise StoreError(
                    "a file of this load is neither in staging nor in the table's folder",
                    file=self.fs.url(f"{self.folder}/{target}"),
                    hint="somebody took it away: "
                    + self._give_up(f"{self.staging(record.load_id)}/{target}"),
                )

    def namesake(self) -> MirroredTable | None:
        """Another one, by its folder, that Fabric takes for this table."""
        others = (table for table in self._neighbours() if table != self.table)
        return next((table for table in others if table.alike(self.default) == self.alike), None)

    def _neighbours(self) -> Iterator[MirroredTable]:
        """The tables of this one's schema, however that is spelled, and those that have none."""
        for name in self.fs.folders(self.zone):
            if not name.endswith(SCHEMA_SUFFIX):
                yield MirroredTable(None, name)
            elif name.removesuffix(SCHEMA_SUFFIX).lower() == self.alike[0]:
                for inner in self.fs.folders(f"{self.zone}/{name}"):
                    yield MirroredTable(name.removesuffix(SCHEMA_SUFFIX), inner)

    def strangers(self, newest: Record | None, found: Found) -> Sequence[str]:
        """Files that no record of ours put there."""
        if newest is not None and self.config.file_detection == "timestamp":
            return []  # names tell nothing
        known = newest.next if newest is not None else 0
        return [name for name in found.pending if (number_of(name) or known) >= known]


def sha256(files: FileSystem, path: str) -> str:
    """Of a file's bytes as they are there now, in hex. Raises SourceMissing."""
    total = hashlib.sha256()
    with files.open(path) as file:
        while data := file.read(_CHUNK):
            total.update(data)
    return total.hexdigest()
