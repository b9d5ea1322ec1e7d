"""A mirrored table's folder: what it says of itself, and how it gives way to the next one.

All that a load does to it is staged before the load is recorded, and then moved; and a folder is
dropped by a file that was in it. So one who comes late finds nothing to move, and does nothing.
"""

from __future__ import annotations

import json
import secrets

from hygge.core.errors import NotYet, StoreError
from hygge.filesystems.filesystem import FileInfo, FileSystem
from hygge.mirroring.names import METADATA, PARTNER
from hygge.stores.commit_log import Record
from hygge.stores.mirror_config import Partner
from hygge.stores.mirror_waiting import Waiting

MANIFEST = "_schema.json"
_TRIES = 5


class MirrorFolder:
    """The folder of one table in a landing zone."""

    def __init__(self, files: FileSystem, zone: str, folder: str, waiting: Waiting) -> None:
        self._fs, self._zone, self._folder, self._waiting = files, zone, folder, waiting

    def stage(self, staging: str, about: str | None, told: bytes | None, *, waits: bool) -> str:
        """Make ready what the folder is to say, and the mark of the drop; by what they are found.

        None: it says so already, or not at all. Each try has names of its own.
        """
        own = f"_{secrets.token_hex(8)}"
        if about is not None:
            self._fs.put_once(f"{staging}/{own}{METADATA}", about.encode())
        if told is not None:
            self._fs.put_once(f"{staging}/{own}{MANIFEST}", told)
        if waits:
            self._fs.put_once(f"{staging}/{own}", self._waiting.mark)
        return own

    def make_way(self, record: Record, staging: str) -> None:
        """Drop the folder that the load replaces. Raises NotYet while it has to be forgotten."""
        if not record.waits and record.drops is None:
            return
        mark = f"{staging}/{record.own}"
        since = self._waiting.since(mark)
        if since is None and self._waiting.is_due(mark):
            if record.drops is not None:  # else somebody else has done it, whenever that was
                self._drop(record.drops, mark)
            since = self._waiting.begin(mark)
        if since is not None and (seconds := self._waiting.left(mark, since)):
            told = f"the table is gone until this is done: for up to {self._waiting.longest:g} s "
            told += "Fabric is left to forget it"
            raise NotYet(told, seconds=seconds)

    def _drop(self, witness: FileInfo, mark: str) -> None:
        """What is there before the mark was moved is the old folder, whoever has put something into
        it since: the service may move a file there while it goes."""
        self._fs.drop_folder(self._folder, witness)
        for _ in range(_TRIES):
            there = next(iter(self._fs.list(self._folder)), None)
            found = self._fs.info(there.path) if there is not None else None
            if not self._waiting.is_due(mark):
                return
            if found is not None:
                self._fs.drop_folder(self._folder, found)
            elif there is None:
                return
        raise StoreError(
            "another hand writes into the table's folder while it is dropped",
            folder=self._fs.url(self._folder),
            hint="stop who else writes to it, and run again",
        )

    def describe(self, record: Record, staging: str, partner: Partner) -> None:
        """The folder's own files come before any row: without them it is no table."""
        for name in (METADATA, MANIFEST):
            self._fs.move(f"{staging}/{record.own}{name}", f"{self._folder}/{name}")
        if self._fs.info(path := f"{self._zone}/{PARTNER}") is None:
            self._fs.put_once(path, _told(partner))


def _told(partner: Partner) -> bytes:
    source = {"sourceType": partner.source_type}
    if partner.source_version:
        source["sourceVersion"] = partner.source_version
    return json.dumps({"partnerName": partner.name, "sourceInfo": source}, indent=2).encode()
