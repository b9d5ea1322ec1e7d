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
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from hygge.core.errors import NotYet, StoreError
from hygge.filesystems.filesystem import FileInfo, FileSystem
from hygge.formats.parquet import Parquet
from hygge.mirroring.fabric_types import manifest
from hygge.mirroring.names import (
    DELETABLE,
    METADATA,
    PARTNER,
    PROCESSED,
    MirroredTable,
    is_hidden,
    number_of,
)
from hygge.stores.commit_log import CommitLog, Fate, Record
from hygge.stores.file_lease import FileLease
from hygge.stores.file_table import refuse_link
from hygge.stores.mirror_config import OpenMirroringConfig
from hygge.stores.mirror_place import service_of
from hygge.stores.mirror_waiting import Waiting

MANIFEST = "_schema.json"
_READ = (PROCESSED, DELETABLE)
_CHUNK = 2**20


@dataclass(frozen=True)
class Found:
    """The files of the table's folder: those the service has before it, and those it has read."""

    pending: tuple[str, ...]
    read: tuple[str, ...]

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

    @cached_property
    def waiting(self) -> Waiting:
        service = service_of(self.config, self.fs)
        knows = (lambda: service.knows(self.table)) if service is not None else None
        return Waiting(self.fs, self.config.folder_deletion_wait_seconds, knows)

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
        pending, read = list[str](), list[str]()
        for name in self._below():
            folder, _, last = name.rpartition("/")
            if not folder and not is_hidden(last):
                pending.append(last)
            elif folder in _READ and not is_hidden(last):
                read.append(last)
        return Found(tuple(pending), tuple(read))

    def _below(self) -> Iterator[str]:
        cut = len(self.folder) + 1
        return (info.path[cut:] for info in self.fs.list(self.folder))

    def witness(self) -> FileInfo | None:
        """A file by which the folder that is there now is told from a later one."""
        if (about := self.fs.info(f"{self.folder}/{METADATA}")) is not None:
            return about
        inside = (i for i in self.fs.list(self.folder) if "/" not in i.path[len(self.folder) + 1 :])
        return next(iter(inside), None)

    # what a record says, done

    def apply(self, record: Record) -> None:
        """Do what the record says, again if need be; staging goes last, so that it is seen.

        Raises NotYet while the service has to forget the table that was dropped, and StoreError
        for a number that another writer took: it is never written over, nor another one taken.
        """
        staging = self.staging(record.load_id)
        if record.fate is Fate.PUBLISHED and self.fs.is_folder(staging):
            if record == self.log.newest():  # else all of it was done before the next one came
                self._make_way(record, staging)
                self._describe(record)
            self._land(record, staging)
        self.fs.delete_folder(staging)

    def _make_way(self, record: Record, staging: str) -> None:
        if record.drops is None:
            return
        if (since := self.waiting.since(staging)) is None:
            self.fs.drop_folder(self.folder, record.drops)
            since = self.waiting.begin(staging)
        if seconds := self.waiting.left(since):
            longest = self.config.folder_deletion_wait_seconds
            told = f"{self.table} was dropped, and Fabric is given up to {longest} s to forget it"
            raise NotYet(told, seconds=seconds)

    def _describe(self, record: Record) -> None:
        """The folder's own files come before any row: without them it is no table."""
        path, about = f"{self.folder}/{METADATA}", record.about.encode()
        if not self.fs.put_once(path, about) and self.fs.get(path) != about:
            self.fs.replace(path, about)
        if self.config.schema_manifest and record.schema is not None and record.receipt is not None:
            told = manifest(record.schema, record.receipt.keys)
            self.fs.replace(f"{self.folder}/{MANIFEST}", told)
        if self.fs.info(partner := f"{self.zone}/{PARTNER}") is None:
            self.fs.put_once(partner, self._partner())

    def _partner(self) -> bytes:
        told = self.config.partner
        source = {"sourceType": told.source_type}
        if told.source_version:
            source["sourceVersion"] = told.source_version
        return json.dumps({"partnerName": told.name, "sourceInfo": source}, indent=2).encode()

    def _land(self, record: Record, staging: str) -> None:
        """Each file in one step, in their order; what is there already was looked at."""
        digests = record.receipt.digests if record.receipt else {}
        for name, target in record.moves:
            source, final = f"{staging}/{name}", f"{self.folder}/{target}"
            if not self.fs.move_once(source, final):
                self._settle(source, final, digests.get(target, ""))
        if record.moves:
            self.fs.sync([self.folder])
            self._check(record)

    def _settle(self, source: str, final: str, digest: str) -> None:
        """The name is taken: by our own file, as an answer was lost; or by somebody's."""
        if sha256(self.fs, final) != digest:
            raise StoreError(
                "another writer has put a file where ours belongs; ours waits in staging",
                file=self.fs.url(final),
                hint="stop the other writer, take its file away if Fabric has not read it, "
                "and run again",
            )
        self.fs.delete(source)

    def _check(self, record: Record) -> None:
        """Raise StoreError for a file that is neither there nor was read."""
        found = self.found()
        for target in record.targets:
            number = number_of(target)
            passed = number is not None and number <= found.last
            if target not in found.names and not passed:
                raise StoreError(
                    "a file of this load is neither in staging nor in the table's folder",
                    file=self.fs.url(f"{self.folder}/{target}"),
                    hint="somebody took it away; a full_drop makes the table anew",
                )

    def strangers(self, newest: Record | None) -> Sequence[str]:
        """Files that no record of ours put there."""
        if newest is not None and self.config.file_detection == "timestamp":
            return []  # names tell nothing
        known = newest.next if newest is not None else 0
        return [name for name in self.found().pending if (number_of(name) or known) >= known]


def sha256(files: FileSystem, path: str) -> str:
    """Of a file's bytes as they are there now, in hex. Raises SourceMissing."""
    total = hashlib.sha256()
    with files.open(path) as file:
        while data := file.read(_CHUNK):
            total.update(data)
    return total.hexdigest()
