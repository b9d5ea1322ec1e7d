"""Takes the last append out of a folder of files: a record more, and files less."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hygge.core.errors import LoadLost
from hygge.core.store import Mode, Receipt
from hygge.core.undoing import last_and_before
from hygge.stores.commit_log import Fate, Record
from hygge.stores.file_table import FileTable


def take_back(table: FileTable, flow: str, load_id: str, by: str) -> Receipt:
    """As Store.undo."""
    known = table.log.of(by) or _written(table, flow, load_id, by)
    if known.receipt is None:
        raise LoadLost("this undoing was given up", load_id=load_id)
    table.apply(known)
    return known.receipt


def _written(table: FileTable, flow: str, load_id: str, by: str) -> Record:
    number = table.log.next_number()
    published = [r for r in table.log.backwards() if r.fate is Fate.PUBLISHED]
    last, before = last_and_before((r.receipt for r in published if r.receipt), load_id)
    records = {record.load_id: record for record in published}
    gone, stays = records[last.load_id], records[before.load_id]
    receipt = replace(last.taken_back(before, by), at=datetime.now(UTC))
    record = Record(
        number=number,
        fate=Fate.PUBLISHED,
        load_id=by,
        flow=flow,
        mode=Mode.APPEND,
        schema=stays.schema,
        receipt=receipt,
        deletes=tuple(gone.targets),
        current=stays.current,
        next=published[0].next,
        manner=published[0].manner,
    )
    table.fs.make_folder(table.staging(by))  # until it is gone, this is not done
    told = table.log.write(record)
    if told.load_id != by:
        raise LoadLost("another hand was faster", load_id=load_id)
    return told
