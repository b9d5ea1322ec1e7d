"""One load into a Delta table: its files are written where they stay, and one commit names them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl

from hygge.core.blocking_store import BlockingPart
from hygge.core.errors import LoadLost, StoreError
from hygge.core.partition import Partition
from hygge.core.reaching import reached
from hygge.core.schema import OPERATION, TableSchema
from hygge.core.store import LoadRequest, Mode, Receipt, StagedPart
from hygge.formats.delta_snapshot import Snapshot
from hygge.stores.commit_log import Fate, Record
from hygge.stores.deleting import refuse_deletes_without_keys
from hygge.stores.delta_actions import (
    added,
    created,
    metadata,
    protocol,
    refuse_unwritable,
    removed,
)
from hygge.stores.delta_columns import Columns, staged_columns
from hygge.stores.delta_log import Action, transaction
from hygge.stores.delta_merge import Merging
from hygge.stores.delta_rewrite import Rewriting, Staged
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
        if there is not None:
            self._refuse_lost(there)
            self._look(there)
        self.fs.make_folder(self.table.marker(self.asked.load_id))
        self.fs.make_folder(self.staging)

    def part(self, partition: Partition) -> BlockingPart:
        return DeltaPart(self, partition)

    def corrections(self, parts: Sequence[StagedPart]) -> int:
        there = self.table.now()
        if self.asked.most_gone is None or there is None:
            return 0
        return self._merging(there, [], parts).corrections()

    def commit(self, parts: Sequence[StagedPart]) -> Receipt:
        for _ in range(_TRIES):
            record = self._fate() or self._tried(parts)
            if record is not None and record.receipt is not None:
                self.table.settle(record)
                self.table.checkpoint(record.number)
                return record.receipt
        raise LoadLost(
            f"{_TRIES} times, others wrote to the table while we were about to",
            load_id=self.asked.load_id,
        )

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
            columns = staged_columns(replace(self.asked, most_gone=None), None)
            names = (name for name in columns.names if name != OPERATION)
            made = created(Columns.fresh(columns.select(names), self.asked))
            first = Record(0, Fate.OPENED, self.asked.load_id, self.asked.flow)
            self.table.versions.write(0, first, made)
            return None
        newest = self._refuse_lost(there)
        self._look(there)
        self.fs.make_folder(self.staging)
        record, actions = self._actions(there, newest, parts)
        told = self.table.versions.write(record.number, record, [transaction(record), *actions])
        return record if told else None
