"""What cannot be loaded into a mirrored table: found out before anything is staged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hygge.core.errors import ANEW, LoadLost, StoreError, Unsupported
from hygge.core.store import Mode
from hygge.mirroring.metadata import TableMetadata
from hygge.mirroring.names import METADATA, Detection
from hygge.stores.commit_log import Record
from hygge.stores.deleting import refuse_deletes_without_keys
from hygge.stores.mirror_table import Found

if TYPE_CHECKING:
    from hygge.stores.mirror_load import MirrorLoad

_HINT = f"load everything anew, {ANEW}"


def refuse(load: MirrorLoad, found: Found) -> None:
    """Raise StoreError where this load cannot be one of this table's; LoadLost where the one before
    it is not done."""
    request, table, before = load.request, load.table, load.before
    refuse_deletes_without_keys(request)
    if request.mode is Mode.MERGE and not request.keys:
        raise StoreError("a merge needs keys", hint="set `keys`")
    if request.mode is Mode.MERGE and table.config.file_detection == "timestamp":
        told = "Fabric takes files in the order of their time here, which changes cannot rely on"
        raise Unsupported(told, hint="`file_detection: sequential`, or `write: append`")
    if before is not None and load.fs.is_folder(table.staging(before.load_id)):
        raise LoadLost("the load before is not all there yet", load_id=request.load_id)
    refuse_strangers(load, found)
    if before is not None and request.mode is not Mode.REPLACE:
        _refuse_another_folder(load, before, found)
    if load.adopted and request.mode is not Mode.REPLACE:
        _refuse_other_keys(load)
    load.columns.refuse_change()


def refuse_strangers(load: MirrorLoad, found: Found) -> None:
    """Raise StoreError for files that others have put there."""
    strangers = () if load.table.config.adopt else load.table.strangers(load.before, found)
    if strangers:
        raise StoreError(
            f"there are files here that hygge did not put ({len(strangers)}): "
            f"{', '.join(strangers[:3])}",
            folder=load.table.url,
            hint="another table; or stop who else writes, and set `adopt: true`",
        )


def _refuse_another_folder(load: MirrorLoad, before: Record, found: Found) -> None:
    if before.next > 1 and not found.names:
        told = "the table's files are gone, and Fabric would wait for them"
        raise StoreError(told, folder=load.table.url, hint=_HINT)
    was = TableMetadata.of(before.about.encode()).detection
    if was is not load.about.detection:
        word = "timestamp" if was is Detection.LAST_UPDATE else "sequential"
        told = f"the table's files are found by another way: `file_detection: {word}`"
        raise StoreError(told, folder=load.table.url, hint=f"set it so, or {_HINT}")


def _refuse_other_keys(load: MirrorLoad) -> None:
    """Those that another writer has told once are the table's."""
    written = load.fs.get(f"{load.table.folder}/{METADATA}")
    keys = TableMetadata.of(written).keys if written is not None else ()
    if keys and keys != load.about.keys:
        told = f"the table's keys are {', '.join(keys)}, not {', '.join(load.about.keys) or 'none'}"
        raise StoreError(told, folder=load.table.url, hint=f"set `keys` so, or {_HINT}")
