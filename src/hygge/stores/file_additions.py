"""What a load that adds files must have in common with the files that are there."""

from __future__ import annotations

import unicodedata

from hygge.core.errors import ANEW, StoreError
from hygge.core.schema import TableSchema
from hygge.core.store import LoadRequest, Mode
from hygge.stores.commit_log import Record
from hygge.stores.file_table import FileTable

_ANEW = f"or load everything once: {ANEW}"


def refuse_unlike(table: FileTable, newest: Record | None) -> None:
    """Raise StoreError where readers would not find old and new rows together, or not alike."""
    if newest is not None and newest.manner and newest.manner != table.format.manner:
        raise StoreError(
            f"the files here are {newest.manner}, and new ones would be {table.format.manner}",
            folder=table.url,
            hint=f"set the store's options as they were, {_ANEW}",
        )
    if table.versioned:
        unlike = not newest.current if newest is not None else bool(table.strangers())
    else:
        unlike = table.fs.info(table.pointer) is not None
    if unlike:
        was = "folder" if table.versioned else "versioned"
        raise StoreError(
            f"the files here have the layout {was}: their readers would not see all rows",
            folder=table.url,
            hint=f"set `layout: {was}`, {_ANEW}",
        )


def widened(request: LoadRequest, newest: Record | None) -> TableSchema:
    """The table's columns after this load: those that it lacks stay in the older files."""
    arriving, before = request.schema, newest.schema if newest else None
    if request.mode is Mode.REPLACE or before is None:
        return arriving
    return before.and_then(arriving)


def even(name: str) -> str:
    """As disks compare names that ignore case."""
    return unicodedata.normalize("NFC", name).casefold()
