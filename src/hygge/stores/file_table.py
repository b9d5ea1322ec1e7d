"""One table's folder, and what lies beside it.

<parent>/<table>/                             the data; versioned: v=<load_id>/, _current.json
<parent>/_hygge/staging/<table>/<load_id>/    what is not published yet
<parent>/_hygge/commits/<table>/<n>.json      what was published or erased, in order
<parent>/_hygge/leases/<table>.<n>.json       who writes now
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hygge import registry
from hygge.core.errors import ConfigError, StoreError
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.locating import locate
from hygge.formats.format import BATCH_BYTES, Format
from hygge.stores.commit_log import CommitLog, Fate, Record
from hygge.stores.file_config import FileStoreConfig
from hygge.stores.file_lease import FileLease

_MB = 2**20
_BEYOND = 4 * BATCH_BYTES
"""A file ends when it has reached its target: a batch later, and what the writer held back."""


class FileTable:
    """Where a table of files lies, and what was ever done to it. No state of its own."""

    def __init__(
        self, config: FileStoreConfig, place: tuple[FileSystem, str] | None = None
    ) -> None:
        self.config = config
        self.fs, folder = place or locate(config.path, config.filesystem)
        self.folder = folder.rstrip("/")
        self.parent, _, self.name = self.folder.rpartition("/")
        self.ours = f"{self.parent}/_hygge".lstrip("/")
        form = registry.find("formats", config.format).load()
        self.format: Format[Any] = form.build(config.options)
        self.suffix = self.format.suffixes[0]
        self.pointer = f"{self.folder}/_current.json"
        self.versioned = config.layout == "versioned"
        self.log = CommitLog(self.fs, f"{self.ours}/commits/{self.name}")

    @property
    def url(self) -> str:
        return self.fs.url(self.folder)

    @property
    def lease(self) -> FileLease:
        return FileLease(self.fs, self.ours, self.name, self.url)

    def refuse_immovable(self) -> None:
        """Raise ConfigError where a file of the target size could be staged, and not published."""
        most = self.fs.capabilities.moves_at_most
        if most is None or self.config.target_file_mb * _MB + _BEYOND <= most:
            return
        raise ConfigError(
            f"target_file_mb: {self.config.target_file_mb} is too much: "
            f"{self.fs.name} moves no file of more than {most // _MB} MB",
            folder=self.url,
            hint=f"target_file_mb: {(most - _BEYOND) // _MB}, or less",
        )

    def refuse_link(self) -> None:
        refuse_link(self.fs, self.folder)

    def staging(self, load_id: str) -> str:
        """Where a load's files wait."""
        return f"{self.ours}/staging/{self.name}/{load_id}"

    def staged(self) -> list[str]:
        """The load_ids that have something in staging, the oldest first."""
        return list(self.fs.folders(f"{self.ours}/staging/{self.name}"))

    def data_files(self) -> list[str]:
        """Every file that a reader would take for data: names inside the table's folder."""
        cut = len(self.folder) + 1
        names = (info.path[cut:] for info in self.fs.list(self.folder))
        return [n for n in names if not any(part[0] in "._" for part in n.split("/"))]

    def strangers(self) -> list[str]:
        """The data files that no record of ours put here."""
        live, old = self.log.files()
        return sorted(set(self.data_files()) - live - old)

    def apply(self, record: Record) -> None:
        """Do what the record says, again if need be; staging goes last, so that it is seen."""
        staging = self.staging(record.load_id)
        if record.fate is Fate.PUBLISHED:
            if not self.fs.is_folder(staging):
                return  # done, by all that we are told; nothing is deleted on that word
            for name, target in record.moves:
                self.fs.move(f"{staging}/{name}", f"{self.folder}/{target}")
            self.fs.sync(self._folders_of(record.targets))
            self._point_to(record)
            for name in record.deletes:
                self.fs.delete(f"{self.folder}/{name}")
            self._drop_versions(record)
            if record.deletes:
                self.fs.sync([self.folder])
        self.fs.delete_folder(staging)

    def _folders_of(self, names: Iterable[str]) -> list[str]:
        inside = {name.rpartition("/")[0] for name in names}
        return [f"{self.folder}/{name}".rstrip("/") for name in sorted({"", *inside})]

    def _point_to(self, record: Record) -> None:
        """Readers of a versioned table follow this; a late replay must not lead them back."""
        ends = not record.current and any(name.startswith("v=") for name in record.deletes)
        if not (record.current or ends) or self.log.newest() != record:
            return
        if ends:  # versioned no more
            self.fs.delete(self.pointer)
            return
        pointer = {"folders": record.current, "load_id": record.load_id}
        self.fs.replace(self.pointer, json.dumps(pointer).encode())

    def _drop_versions(self, record: Record) -> None:
        gone = {name.partition("/")[0] for name in record.deletes if name.startswith("v=")}
        for version in sorted(gone - {name.partition("/")[0] for name in record.targets}):
            self.fs.delete_folder(f"{self.folder}/{version}")


def refuse_link(files: FileSystem, folder: str) -> None:
    """Raise StoreError for a link to the folder: what was done to it is told where it lies."""
    where = files.local(folder)
    if where is not None and where.is_symlink():
        raise StoreError(
            f"this folder is a link to {where.resolve()}",
            folder=files.url(folder),
            hint=f"path: {where.resolve()}",
        )
