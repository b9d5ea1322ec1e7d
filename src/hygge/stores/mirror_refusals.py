"""What cannot be loaded into a mirrored table: found out before anything is staged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hygge.core.errors import ANEW, HyggeError, LoadLost, StoreError, Unsupported
from hygge.core.schema import Column, TableSchema
from hygge.core.store import Mode
from hygge.mirroring.metadata import TableMetadata
from hygge.mirroring.names import METADATA, ROW_MARKER, Detection, number_of
from hygge.stores.commit_log import Fate, Record
from hygge.stores.deleting import refuse_deletes_without_keys
from hygge.stores.mirror_checking import refuse_foreign
from hygge.stores.mirror_table import Found

if TYPE_CHECKING:
    from hygge.stores.mirror_load import MirrorLoad

_HINT = f"load everything anew, {ANEW}"


def refuse(load: MirrorLoad, found: Found) -> None:
    """Raise StoreError where this load cannot be one of this table's; LoadLost where the one before
    it is not done."""
    request, table, before = load.request, load.table, load.before
    refuse_deletes_without_keys(request)
    if request.mode is Mode.MERGE:
        _refuse_merge(load)
    if (other := table.namesake()) is not None:
        told = (
            f"Fabric takes {other} for {table.table}: but for case and default schema, they are one"
        )
        there = load.fs.url(f"{table.zone}/{other.folder}")
        raise StoreError(told, folder=there, hint="another `table`; or delete that folder")
    if before is not None and not load.adopted and load.fs.is_folder(table.staging(before.load_id)):
        raise LoadLost("the load before is not all there yet", load_id=request.load_id)
    refuse_others(load, found)
    if before is not None and load.adopted:
        _refuse_adopting(load, before)
    load.columns.refuse_change()


def _refuse_merge(load: MirrorLoad) -> None:
    if not load.request.keys:
        raise StoreError("a merge needs keys", hint="set `keys`")
    if load.table.config.file_detection == "timestamp":
        told = "Fabric takes files in the order of their time here, which changes cannot rely on"
        raise Unsupported(told, hint="`file_detection: sequential`, or `write: append`")
    if load.table.config.row_marker == 0:
        told = "`row_marker: 0` looks for no row of the same key: merged rows would be there twice"
        raise Unsupported(told, hint="leave it out; for rows that never change, `write: append`")
    if load.before is not None and load.before.loose:
        told = "rows were appended, or had no keys: no page says what a merge does where several "
        raise StoreError(f"{told}rows have its key", folder=load.table.url, hint=_HINT)


def refuse_others(load: MirrorLoad, found: Found) -> None:
    """Raise StoreError for files that others have put there, or taken away."""
    strangers = load.table.strangers(load.before, found)
    if load.table.config.adopt:
        strangers = _beyond_a_gap(load, strangers, found)
    if load.before is not None and load.request.mode is not Mode.REPLACE:
        _refuse_another_folder(load, load.before, found)
    if strangers:
        told, hint = "", "take them away, or stop who writes them and set `adopt: true`"
        if load.table.config.adopt:
            told, hint = ", and numbers before them are missing", "take them away"
        raise StoreError(
            f"there are files here that hygge did not put ({len(strangers)}): "
            f"{', '.join(strangers[:3])}{told}",
            folder=load.table.url,
            hint=f"{hint}; or another table",
        )
    if load.table.config.adopt and load.request.mode is not Mode.REPLACE:
        refuse_foreign(load, load.table.strangers(load.before, found))


def _beyond_a_gap(load: MirrorLoad, strangers: Sequence[str], found: Found) -> Sequence[str]:
    """Those that Fabric would never come to: ours would come after them. What it has read stays as
    long as nothing after it is."""
    numbers = sorted(filter(None, map(number_of, found.pending)))
    if load.request.mode is Mode.REPLACE or not numbers:
        return ()
    return () if numbers == [*range(numbers[0], numbers[0] + len(numbers))] else strangers


def _refuse_another_folder(load: MirrorLoad, before: Record, found: Found) -> None:
    was = TableMetadata.of(before.about.encode()).detection
    timed = was is Detection.LAST_UPDATE
    if not timed and found.last < before.next - 1:  # the last one that was read stays (LZF)
        told = "the table's last files are gone, and Fabric would wait for them"
        raise StoreError(told, folder=load.table.url, hint=_HINT)
    if was is not load.about.detection:
        word = "timestamp" if was is Detection.LAST_UPDATE else "sequential"
        told = f"the table's files are found by another way: `file_detection: {word}`"
        raise StoreError(told, folder=load.table.url, hint=f"set it so, or {_HINT}")


def _refuse_adopting(load: MirrorLoad, before: Record) -> None:
    """What another writer has told once is the table's."""
    about, url = TableMetadata.of(before.about.encode()), load.table.url
    if load.request.mode is Mode.APPEND:
        told = "there are rows of another hand, and an append would put all of the source beside"
        raise StoreError(told, folder=url, hint=f"`keys`, which merge; or {_HINT}")
    if about.keys and about.keys != load.about.keys:
        own, keys = ", ".join(load.about.keys) or "none", ", ".join(about.keys)
        told = f"the table's keys are {keys}, not {own}"
        raise StoreError(told, folder=url, hint=f"set `keys` so, or {_HINT}")
    if about.upserts:
        told = "its rows without a marker are upserts (isUpsertDefaultRowMarker), and ours are not"
        hint = f"once Fabric has read all files, take that out of {METADATA}; or {_HINT}"
        raise StoreError(told, folder=url, hint=hint)


def adopted(load: MirrorLoad, found: Found) -> Record:
    """What we would have recorded of a table that others have put there: its files tell its
    columns, the first that has one its type. Raises StoreError where they cannot be read."""
    table, columns = load.table, dict[str, Column]()
    try:
        about = table.about() or TableMetadata()
        for name in sorted(found.names, key=lambda name: (number_of(name) or 0, name)):
            source = load.fs.source(f"{table.folder}/{found.read.get(name, name)}")
            for column in table.format.schema(source).columns:
                columns.setdefault(column.name, column)
    except HyggeError as failed:
        told = f"the table that is there cannot be read: {failed}"
        raise StoreError(told, folder=table.url, hint=_HINT) from failed
    columns.pop(ROW_MARKER, None)
    known = TableSchema(tuple(columns.values()))
    return Record(
        number=0,
        fate=Fate.PUBLISHED,
        load_id="",
        flow="",
        schema=known,
        about=about.to_bytes().decode(),
        required=tuple(c.name for c in known.columns if not c.nullable),
    )
