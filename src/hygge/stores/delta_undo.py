"""Takes the last append out of a Delta table: one version more, without the files that it added."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hygge.core.errors import ANEW, LoadLost, StoreError
from hygge.core.store import Mode, Receipt
from hygge.core.undoing import last_and_before
from hygge.formats.delta_snapshot import DataFile, Snapshot
from hygge.stores.commit_log import Fate, Record
from hygge.stores.delta_actions import removed
from hygge.stores.delta_log import Commit, transaction
from hygge.stores.delta_table import DeltaTable


def take_back(table: DeltaTable, flow: str, load_id: str, by: str) -> Receipt:
    """As Store.undo."""
    known = table.fate(by) or _written(table, flow, load_id, by)
    if known.receipt is None:
        raise LoadLost("this undoing was given up", load_id=load_id)
    return known.receipt


def _written(table: DeltaTable, flow: str, load_id: str, by: str) -> Record:
    there = table.now()
    if there is None:
        raise LoadLost("the table is gone", load_id=load_id)
    ours = {
        record.load_id: commit
        for commit in table.versions.backwards(there.version)
        if (record := commit.record) is not None and record.fate is Fate.PUBLISHED
    }
    published = [commit.record for commit in ours.values() if commit.record]
    receipts = (record.receipt for record in published if record.receipt)
    last, before = last_and_before(receipts, load_id)
    receipt = replace(last.taken_back(before, by), at=datetime.now(UTC))
    stays = ours[before.load_id].record
    record = Record(
        number=there.version + 1,
        fate=Fate.PUBLISHED,
        load_id=by,
        flow=flow,
        mode=Mode.APPEND,
        schema=stays.schema if stays else None,
        receipt=receipt,
        manner=published[0].manner,
    )
    gone = _files_of(ours[last.load_id], there)
    if not table.versions.write(record.number, record, [transaction(record), *removed(gone)]):
        raise LoadLost("another hand was faster", load_id=load_id)
    return record


def _files_of(commit: Commit, there: Snapshot) -> list[DataFile]:
    """What the commit added. Raises StoreError where that is not all there any more, or where it
    had to write other rows anew."""
    known = {file.name: file for file in there.files}
    if any("remove" in action for action in commit.actions):
        told = "this load made a column wider, and wrote older rows anew with its own"
    elif not known.keys() >= {*commit.added}:
        told = "others have written this load's rows anew since (OPTIMIZE, say)"
    else:
        return [known[name] for name in commit.added]
    raise StoreError(
        f"{told}: they cannot be told apart",
        table=there.url,
        hint=f"take them out by hand, or load everything anew: {ANEW}",
    )
