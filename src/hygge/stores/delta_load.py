"""One load into a Delta table: its files are written where they stay, and one commit names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from hygge.core.blocking_store import BlockingPart
from hygge.core.errors import HyggeError, LoadLost, StoreError
from hygge.core.partition import Partition
from hygge.core.store import LoadRequest, Mode, Receipt, StagedPart
from hygge.formats.delta_snapshot import Snapshot
from hygge.stores.commit_log import Record
from hygge.stores.deleting import refuse_deletes_without_keys
from hygge.stores.delta_actions import created, refuse_unwritable
from hygge.stores.delta_columns import Columns, staged_columns
from hygge.stores.delta_log import transaction
from hygge.stores.delta_publish import Publishing
from hygge.stores.delta_table import DeltaTable
from hygge.stores.file_load import FileLoad, FilePart

_TRIES = 20
"""So often others may commit while we make our files ready."""


class DeltaLoad(FileLoad):
    """Written to `<table>/<load_id>/`; published by the first version that names its files."""

    table: DeltaTable

    def __init__(self, table: DeltaTable, request: LoadRequest) -> None:
        super().__init__(table, request)
        self.asked = request

    def open(self) -> None:
        refuse_deletes_without_keys(self.asked)
        self.table.refuse_link()
        there = self.table.now()
        self.request = replace(self.asked, schema=staged_columns(self.asked, there))
        if self._fate() is not None:
            return  # published already: commit will say so
        if there is None and self.asked.base is not None:
            raise LoadLost("the table is gone", load_id=self.asked.load_id)
        if there is not None:
            self._refuse_lost(there)
            self._look(there)
            Columns.after(self.asked, there)
        self.fs.make_folder(self.table.marker(self.asked.load_id))
        self.fs.make_folder(self.staging)

    def part(self, partition: Partition) -> BlockingPart:
        return DeltaPart(self, partition)

    def corrections(self, parts: Sequence[StagedPart]) -> int:
        there = self.table.now()
        if self.asked.most_gone is None or there is None:
            return 0
        merging = Publishing(self.table, self, self.asked, there).merging(parts)
        return merging.corrections()

    def commit(self, parts: Sequence[StagedPart]) -> Receipt:
        for _ in range(_TRIES):
            record = self._fate() or self._ended(parts)
            if record is not None and record.receipt is not None:
                self.table.settle(record)
                self.table.checkpoint(record.number)
                return record.receipt
        raise LoadLost(
            f"{_TRIES} times, others wrote to the table while we were about to",
            load_id=self.asked.load_id,
        )

    def _ended(self, parts: Sequence[StagedPart]) -> Record | None:
        """As `_tried`; what fails may have failed because another hand has ended this load, and
        taken away what was staged."""
        try:
            return self._tried(parts)
        except HyggeError:
            if (record := self._fate()) is None:
                raise
            return record

    def _fate(self) -> Record | None:
        """The record of this load if it is published. Raises LoadLost if it never can be."""
        record = self.table.fate(self.asked.load_id)
        if record is not None and record.receipt is None:
            raise LoadLost("this load was erased", load_id=self.asked.load_id)
        return record

    def _refuse_lost(self, there: Snapshot) -> Record | None:
        newest = self.table.newest(self.asked.flow, there.version)
        if (newest.load_id if newest else None) != self.asked.base:
            raise LoadLost("another load came in between", load_id=self.asked.load_id)
        return newest

    def _look(self, there: Snapshot) -> None:
        """At the table as it is: whether we may, and can, write to it."""
        there.refuse_unreadable()
        refuse_unwritable(there, removing=self.asked.mode is not Mode.APPEND)
        if there.files and self.asked.base is None and not self.table.config.adopt:
            raise StoreError(
                "the table has rows that hygge did not put there",
                table=self.table.url,
                hint="choose another folder, or set `adopt: true`: a full_drop replaces them, "
                "other loads leave them there",
            )

    def _tried(self, parts: Sequence[StagedPart]) -> Record | None:
        """The record, if nobody committed since we looked. A table that is not there is made first,
        empty: from then on its own log tells what becomes of loads."""
        there = self.table.now()
        if there is None:
            if self.asked.base is not None:
                raise LoadLost("the table is gone", load_id=self.asked.load_id)
            columns = Columns.after(self.asked, None)
            self.table.versions.write(0, None, created(columns.fields))
            return None
        newest = self._refuse_lost(there)
        self._look(there)
        publishing = Publishing(self.table, self, self.asked, there)
        try:
            record, actions = publishing.commit(parts, newest)
        except BaseException:  # a Ctrl-C, too: nothing is committed yet, and no version names them
            publishing.discard(parts)
            raise
        told = [transaction(record), *actions]
        if self.table.versions.write(record.number, record, told):  # if it fails, nobody knows
            return record
        publishing.discard(parts)
        return None


class DeltaPart(FilePart):
    """One partition's files, with the types that the table has."""

    is_moved = False

    def __init__(self, load: DeltaLoad, partition: Partition) -> None:
        super().__init__(load, partition)
        self._asked, self._staged = load.asked.schema, load.request.schema
        self._table, self._load_id = load.table, load.asked.load_id

    def write(self, batch: pl.DataFrame) -> None:
        self._asked.check(batch)
        super().write(batch.cast(self._staged.polars()))

    def finish(self) -> StagedPart:
        done = super().finish()
        if not self._table.fs.is_folder(self._table.marker(self._load_id)):
            self._finished = False  # the load is done without us: what we wrote is nobody's
            raise LoadLost("this load was ended by another hand", load_id=self._load_id)
        return done
