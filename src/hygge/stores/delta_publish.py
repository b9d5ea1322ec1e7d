"""What the one commit of a load says: which files come, which go, and how the columns are then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from hygge.core.errors import HyggeError
from hygge.core.reaching import reached
from hygge.core.schema import OPERATION, TableSchema
from hygge.core.store import LoadRequest, Mode, Receipt, StagedPart
from hygge.formats.delta_snapshot import Snapshot
from hygge.stores.commit_log import Fate, Record
from hygge.stores.delta_actions import NewFile, added, metadata, protocol, removed
from hygge.stores.delta_columns import Columns
from hygge.stores.delta_log import Action
from hygge.stores.delta_merge import Merging
from hygge.stores.delta_rewrite import Files
from hygge.stores.delta_table import DeltaTable
from hygge.stores.file_load import FileLoad
from hygge.stores.staged_rows import StagedFile, staged_files


class Publishing:
    """One try at it, on top of a version of the table."""

    def __init__(
        self, table: DeltaTable, load: FileLoad, request: LoadRequest, there: Snapshot
    ) -> None:
        """`request` is the load as it was asked for: its rows may be staged as wider ones."""
        self._table, self._load, self._request, self._there = table, load, request, there
        self._columns = Columns.after(request, there)
        self._files, self._new = Files(table, load), list[NewFile]()

    def merging(self, parts: Sequence[StagedPart]) -> Merging:
        rows = staged_files(self._load.staging, (part for part in parts if not part.keys))
        keys = staged_files(self._load.staging, (part for part in parts if part.keys))
        anew = self._request.mode is Mode.REPLACE
        there = [] if anew else self._there.files
        return Merging(self._files, there, self._columns, self._request, (rows, keys))

    def commit(
        self, parts: Sequence[StagedPart], newest: Record | None
    ) -> tuple[Record, list[Action]]:
        """The record of the load, and what else its version says."""
        there, deleted = self._there, 0
        gone = list(there.files) if self._request.mode is Mode.REPLACE else []
        if self._request.mode is Mode.MERGE or OPERATION in self._request.schema:
            merging = self.merging(parts)
            merging.look()
            gone, deleted = gone or merging.changed(), merging.deleted
            self._new.extend(merging.written())
        else:
            self._new.extend(self._plain(parts))
            if self._columns.retyped:
                gone = list(there.files)
        self._table.fs.sync([self._load.staging])  # names are durable before a version has them
        receipt = self._receipt(parts, deleted)
        record = self._record(receipt, newest)
        return record, [*self._told(), *removed(gone), *map(self._added, self._new)]

    def discard(self, parts: Sequence[StagedPart]) -> None:
        """Delete what was written for a commit that did not come about; what is staged stays."""
        staged = {file.path for file in staged_files(self._load.staging, parts)}
        for path in (f"{self._table.folder}/{file.path}" for file in self._new):
            if path not in staged:
                with suppress(HyggeError):  # it goes with the rest of the load, or by VACUUM
                    self._table.fs.delete(path)

    def _told(self) -> Iterator[Action]:
        yield from protocol(self._there, self._columns.fields)
        if self._columns.changed:
            yield metadata(self._there, self._columns.fields)

    def _added(self, file: NewFile) -> Action:
        source = self._table.fs.source(f"{self._table.folder}/{file.path}")
        return added(file, source, self._table.format, self._columns.schema)

    def _plain(self, parts: Sequence[StagedPart]) -> Iterator[NewFile]:
        """What is staged, as it lies there where it can; and older rows, if they must change."""
        schema, folder = self._columns.schema, self._table.folder
        if self._columns.retyped:
            for old in self._there.files:
                rows = self._files.read(f"{folder}/{old.path}", schema)
                yield from self._files.write(rows, schema)
        for file in staged_files(self._load.staging, parts):
            if self._fits(file):
                yield NewFile(file.path.removeprefix(f"{folder}/"), file.rows, file.bytes)
            else:
                yield from self._files.write(self._files.read(file.path, schema), schema)

    def _fits(self, file: StagedFile) -> bool:
        found = self._table.format.schema(self._table.fs.source(file.path))
        known: Mapping[str, object] = self._columns.schema.polars()
        return all(known.get(column.name) == column.type for column in found.columns)

    def _record(self, receipt: Receipt, newest: Record | None) -> Record:
        return Record(
            number=self._there.version + 1,
            fate=Fate.PUBLISHED,
            load_id=receipt.load_id,
            flow=receipt.flow,
            mode=receipt.mode,
            schema=self._known(newest),
            receipt=receipt,
            manner=self._table.format.manner,
        )

    def _known(self, newest: Record | None) -> TableSchema:
        """The table's columns as the source has them."""
        request = self._request
        arriving = request.schema.select(n for n in request.schema.names if n != OPERATION)
        if request.mode is Mode.REPLACE or newest is None or newest.schema is None:
            return arriving
        return newest.schema.and_then(arriving)

    def _receipt(self, parts: Sequence[StagedPart], deleted: int) -> Receipt:
        request, rows = self._request, [part for part in parts if not part.keys]
        pieces = [piece for part in rows for piece in part.pieces]
        return Receipt(
            load_id=request.load_id,
            flow=request.flow,
            rows=sum(part.rows for part in rows),
            bytes=sum(piece.bytes for piece in pieces),
            watermark=reached(request, parts),
            digests={piece.name: piece.digest or "" for piece in pieces},
            at=datetime.now(UTC),
            source=request.source,
            where=request.where,
            keys=request.keys,
            beyond=request.beyond,
            mode=request.mode,
            deleted=deleted,
        )
