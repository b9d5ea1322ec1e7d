"""One load into a landing zone: staged as the files that Fabric will read, then given numbers."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import polars as pl

from hygge.core.blocking_store import BlockingPart
from hygge.core.errors import LoadLost
from hygge.core.partition import Partition
from hygge.core.schema import OPERATION, TableSchema
from hygge.core.store import Deletes, LoadRequest, Mode, Piece, Receipt, StagedPart
from hygge.filesystems.filesystem import FileInfo, Sink
from hygge.mirroring.fabric_types import manifest
from hygge.mirroring.metadata import TableMetadata
from hygge.mirroring.names import FIRST, Detection, Marker, file_name
from hygge.stores.commit_log import Fate, Record
from hygge.stores.deleting import manner
from hygge.stores.file_additions import widened
from hygge.stores.file_load import FileLoad, FilePart, FileWriter
from hygge.stores.latest import refuse_null_keys
from hygge.stores.mirror_checking import refuse_bad
from hygge.stores.mirror_columns import Columns
from hygge.stores.mirror_keys import one_row_a_key
from hygge.stores.mirror_refusals import adopted, refuse, refuse_others
from hygge.stores.mirror_table import Found, MirrorTable, sha256

MANNER: Final = "fabric 1"
"""How rows lie in the files; another number where that is changed."""
IGNORED: Final = "-ignored"
_MARKERS: Final = {True: Marker.UPSERT, False: Marker.INSERT}


class MirrorLoad(FileLoad):
    """Staged in `_hygge/staging/<table>/<load_id>/`; published by record `number`."""

    table: MirrorTable  # type: ignore[assignment]

    def __init__(self, table: MirrorTable, request: LoadRequest) -> None:
        super().__init__(table, request)  # type: ignore[arg-type]
        self.before: Record | None = None
        """What was published last; of a table that others have put there, what it is by itself."""

    @property
    def adopted(self) -> bool:
        """Whether others have put rows there, and nobody of us."""
        return self.before is not None and not self.before.load_id

    @property
    def seeds(self) -> bool:
        """Whether these are the table's first rows."""
        return self.before is None or self.request.mode is Mode.REPLACE

    @property
    def columns(self) -> Columns:
        return Columns.of(self.request, None if self.seeds else self.before, self.table.config)

    @property
    def marker(self) -> Marker:
        """What a row is marked as that is there in the source."""
        told = self.table.config.row_marker
        merges = self.request.mode is Mode.MERGE
        return Marker(told) if told is not None and merges else _MARKERS[merges]

    def look(self, newest: Record | None) -> None:
        found = self.table.found()
        self.before = newest
        adopts = newest is None and bool(found.names) and self.table.config.adopt
        if adopts and self.request.mode is not Mode.REPLACE:
            self.before = adopted(self, found)
        refuse(self, found)

    def create(self, path: str) -> Sink:
        return Hashing(self.fs.create(path))

    def _same(self, piece: Piece, there: FileInfo) -> bool:
        if self.fs.capabilities.versions and piece.version is not None:
            return there.version == piece.version
        return sha256(self.fs, f"{self.staging}/{piece.name}") == piece.digest

    def part(self, partition: Partition) -> BlockingPart:
        return MirrorPart(self, partition)

    def commit(self, parts: Sequence[StagedPart]) -> Receipt:
        ours: Record | None = None
        if (known := self.table.log.find(self.number)) is None:
            ours = self._record(parts, self._pieces(parts))
            known = self.table.log.write(ours)
        if known.load_id != self.request.load_id or known.receipt is None:
            raise LoadLost("another hand wrote this load's fate", load_id=self.request.load_id)
        self.table.apply(known, fresh=known is ours)
        return known.receipt

    def _pieces(self, parts: Sequence[StagedPart]) -> Sequence[Piece]:
        """The files to publish. A table's first is there even if it has no rows: without any,
        Fabric fails the table after some days."""
        staged = [piece for part in parts for piece in part.pieces]
        own = [p for p in staged if f"{IGNORED}." not in p.name]
        pieces = one_row_a_key(self, own)
        pieces = pieces or ([self._empty()] if self.seeds else [])
        if pieces is not own:
            self.fs.sync([self.staging])  # as a part does: its names outlive the record
        return pieces

    def written(self, batches: Iterable[pl.DataFrame], schema: TableSchema) -> Iterator[Piece]:
        """New files in staging with these rows, each up to the target size."""
        file: FileWriter | None = None
        try:
            for batch in batches:
                file = file or FileWriter(self, secrets.token_hex(8), schema)
                file.write(batch.select(schema.names))
                if file.size >= self.table.config.target_file_mb * 2**20:
                    done, file = file, None
                    yield done.finish()
            if file is not None:
                done, file = file, None
                yield done.finish()
        finally:
            if file is not None:
                file.abort()

    def _empty(self) -> Piece:
        (piece,) = self.written([self.columns.nothing], self.columns.written(marked=False))
        return piece

    def _record(self, parts: Sequence[StagedPart], pieces: Sequence[Piece]) -> Record:
        request, table = self.request, self.table
        replaces = request.mode is Mode.REPLACE
        found = table.found()
        if table.log.find(self.number) is None:  # else it is lost, whatever is there
            refuse_others(self, found)  # again: much time has gone
        drops = table.witness(found) if replaces else None
        waits = drops is not None or (replaces and self.before is not None)
        first = FIRST if replaces else self._next(found)
        names = [self._file_name(first + n) for n in range(len(pieces))]
        refuse_bad(self, pieces, names, self.about)
        return Record(
            number=self.number,
            fate=Fate.PUBLISHED,
            load_id=request.load_id,
            flow=request.flow,
            mode=request.mode,
            schema=widened(replace(request, schema=self.columns.rows), self.before),
            receipt=replace(self.receipt(parts, pieces, names), keys=self.columns.keys),
            moves=tuple((p.name, name) for p, name in zip(pieces, names, strict=True)),
            next=first + len(pieces),
            manner=MANNER,
            drops=drops,
            waits=waits,
            about=self.about.to_bytes().decode(),
            own=self._own(found, waits=waits),
            required=self.columns.required,
            loose=self._loose,
        )

    @property
    def _loose(self) -> bool:
        """Whether a key may have several rows then: nobody looks for one where rows are appended,
        nor without keys."""
        if self.seeds or self.request.mode is Mode.APPEND:
            return self.request.mode is Mode.APPEND or not self.columns.keys
        return self.before is not None and self.before.loose

    def _own(self, found: Found, *, waits: bool) -> str:
        """What the folder is to say of itself is staged, too, unless it says it already."""
        config, about = self.table.config, self.about.to_bytes().decode()
        said = not self.seeds and found.described and self.table.about() == self.about
        columns = self.columns.written(marked=False)
        told = manifest(columns, self.columns.keys) if config.schema_manifest else None
        return self.table.own.stage(self.staging, None if said else about, told, waits=waits)

    def _next(self, found: Found) -> int:
        """A number that was never given, by us or by anybody."""
        known = self.before.next if self.before is not None else FIRST
        return max(known, found.last + 1)

    def _file_name(self, number: int) -> str:
        if self.table.config.file_detection == "timestamp":
            return f"{self.request.load_id}-{number:05}.parquet"
        return file_name(number)

    @property
    def about(self) -> TableMetadata:
        """What the table's folder is to say of itself."""
        timed = self.table.config.file_detection == "timestamp"
        detection = Detection.LAST_UPDATE if timed else Detection.SEQUENTIAL
        return TableMetadata(self.columns.keys, detection)


class MirrorPart(FilePart):
    """One partition's files. A seed's have no marker, up to the first delete.

    Deletes that are to be ignored are staged as well, to be counted, and never published.
    """

    _load: MirrorLoad

    def __init__(self, load: MirrorLoad, partition: Partition) -> None:
        super().__init__(load, partition)
        self._columns, self._marked = load.columns, not load.seeds
        self._changed = Counter[str]()
        self._ignored = Ignored(load, partition)

    def begun(self, stem: str) -> FileWriter:
        return FileWriter(self._load, stem, self._columns.written(marked=self._marked))

    def write(self, batch: pl.DataFrame) -> None:
        request = self._load.request
        request.schema.check(batch)
        keys = self._columns.keys
        refuse_null_keys(keys, [batch[key].null_count() for key in keys])
        gone = batch[OPERATION] == 1 if OPERATION in batch.columns else None
        if gone is not None and manner(request) is Deletes.IGNORE:
            self._ignored.write(self._made(batch.filter(gone), None))
            batch, gone = batch.filter(~gone), None
        if gone is not None and gone.any() and not self._marked:
            self._end_file()
            self._marked = True
        super().write(self._made(batch, gone))

    def _made(self, batch: pl.DataFrame, gone: pl.Series | None) -> pl.DataFrame:
        made, changed = self._columns.made(batch)
        self._changed += changed
        if not self._marked:
            return made
        if gone is not None:
            made = self._columns.deletable(made, gone)
        here, away = pl.lit(int(self._load.marker)), pl.lit(int(Marker.DELETE))
        mark: Any = here if gone is None else pl.when(gone).then(away).otherwise(here)
        return self._columns.marked(made, mark)

    def finish(self) -> StagedPart:
        done, ignored = super().finish(), self._ignored.finish()
        rows, pieces = done.rows + ignored.rows, (*done.pieces, *ignored.pieces)
        return replace(done, rows=rows, pieces=pieces, changed=dict(self._changed))

    def close(self) -> None:
        self._ignored.close()
        super().close()


class Ignored(FilePart):
    """Rows that count, and are not published."""

    _load: MirrorLoad

    def begun(self, stem: str) -> FileWriter:
        schema = self._load.columns.written(marked=not self._load.seeds)
        return FileWriter(self._load, f"{stem}{IGNORED}", schema)


class Hashing:
    """A new file that sums up its bytes as Fabric's tools do: by SHA-256."""

    def __init__(self, inner: Sink) -> None:
        self._inner, self._sum = inner, hashlib.sha256()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write(self, data: bytes, /) -> int:
        self._sum.update(data)
        return self._inner.write(data)

    @property
    def digest(self) -> str:
        return self._sum.hexdigest()
