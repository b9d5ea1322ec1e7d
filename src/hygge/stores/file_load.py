"""One load into a folder of files: stage beside it, verify, record, move."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import ClassVar

import polars as pl

from hygge.core.blocking_store import BlockingLoad, BlockingPart
from hygge.core.errors import ConnectionFailed, HyggeError, LoadLost, StoreError
from hygge.core.partition import Partition
from hygge.core.reaching import reached
from hygge.core.schema import TableSchema
from hygge.core.store import LoadRequest, Mode, Piece, Receipt, StagedPart
from hygge.filesystems.filesystem import FileInfo, Sink
from hygge.formats.format import Writer
from hygge.stores.commit_log import Fate, Record
from hygge.stores.file_additions import even, refuse_unlike, widened
from hygge.stores.file_names import check_name, file_name, sequence_of
from hygge.stores.file_table import FileTable

_FAR = 10**9
"""A number that no table is likely to reach: names with it are as long as any."""

PACKED = 4
"""Rows in memory are rarely more times larger than in a file."""


class FileLoad(BlockingLoad):
    """Staged in `_hygge/staging/<table>/<load_id>/`; published by record `number`."""

    def __init__(self, table: FileTable, request: LoadRequest) -> None:
        self.table, self.fs, self.request = table, table.fs, request
        self.staging = table.staging(request.load_id)
        self.number = 0

    def open(self) -> None:
        self.table.refuse_link()
        newest: Record | None = None
        for record in self.table.log.backwards():
            self.number = self.number or record.number + 1
            if record.load_id == self.request.load_id and record.fate is Fate.ERASED:
                raise LoadLost("this load was erased", load_id=self.request.load_id)
            if record.fate is Fate.PUBLISHED:
                newest = record
                break
        self.number = self.number or 1
        if newest is not None and newest.load_id == self.request.load_id:
            self.number = newest.number  # published already: commit will say so
            return
        if (newest.load_id if newest else None) != self.request.base:
            raise LoadLost("another load came in between", load_id=self.request.load_id)
        self.look(newest)
        self.fs.make_folder(self.staging)

    def look(self, newest: Record | None) -> None:
        """Before anything is staged: whether this load can come after the newest one."""
        check_name(self._name(_FAR).rpartition("/")[2])
        if self.request.mode is Mode.APPEND:
            refuse_unlike(self.table, newest)
        self._refuse_strangers(newest)

    def _refuse_strangers(self, newest: Record | None) -> None:
        if self.table.config.adopt or (newest is not None and self.request.mode is Mode.APPEND):
            return
        if strangers := self.table.strangers():
            raise StoreError(
                f"there are files here that hygge did not put ({len(strangers)}): "
                f"{', '.join(strangers[:3])}",
                folder=self.table.url,
                hint="choose another folder, or set `adopt: true`: then they count as old content",
            )

    def create(self, path: str) -> Sink:
        """A new file in staging; what it sums up is the digest of its piece."""
        return self.fs.create(path)

    def close(self) -> None:
        return None

    def part(self, partition: Partition) -> BlockingPart:
        return FilePart(self, partition)

    def verify(self, parts: Sequence[StagedPart]) -> Mapping[str, int]:
        return {p.partition.name: sum(map(self._rows, p.pieces)) for p in parts}

    def _rows(self, piece: Piece) -> int:
        """The rows of one staged file: 0 unless its bytes are those that were written."""
        path = f"{self.staging}/{piece.name}"
        info = self.fs.info(path)
        if info is None or info.size != piece.bytes or not self._same(piece, info):
            return 0
        try:
            return self.table.format.rows(self.fs.source(path))
        except ConnectionFailed:
            raise
        except HyggeError:  # not a file of this format: as good as lost
            return 0

    def _same(self, piece: Piece, there: FileInfo) -> bool:
        """Whether the bytes are those that were written: told by their version, or read again."""
        if self.fs.capabilities.versions and piece.version is not None:
            return there.version == piece.version
        return self.fs.digest(f"{self.staging}/{piece.name}") == piece.digest

    def commit(self, parts: Sequence[StagedPart]) -> Receipt:
        if (known := self.table.log.find(self.number)) is None:
            pieces = [piece for part in parts for piece in part.pieces] or [self._empty()]
            known = self.table.log.write(self._record(parts, pieces))
        if known.load_id != self.request.load_id or known.receipt is None:
            raise LoadLost("another hand wrote this load's fate", load_id=self.request.load_id)
        self.table.apply(known)
        return known.receipt

    def _empty(self) -> Piece:
        """An empty table keeps its types: a file without rows."""
        with FileWriter(self, f"{secrets.token_hex(8)}-empty") as file:
            piece = file.finish()
        self.fs.sync([self.staging])  # as a part does: a name is durable before a record names it
        return piece

    def _record(self, parts: Sequence[StagedPart], pieces: Sequence[Piece]) -> Record:
        request, newest = self.request, self.table.log.newest()
        first = self._next_sequence(newest, len(pieces))
        names = [self._name(first + i) for i in range(len(pieces))]
        return Record(
            number=self.number,
            fate=Fate.PUBLISHED,
            load_id=request.load_id,
            flow=request.flow,
            mode=request.mode,
            schema=widened(request, newest),
            receipt=self.receipt(parts, pieces, names),
            moves=tuple((p.name, name) for p, name in zip(pieces, names, strict=True)),
            deletes=tuple(self._deletes()) if request.mode is Mode.REPLACE else (),
            current=self._current(names) if self.table.versioned else (),
            next=first + len(pieces),
            manner=self.table.format.manner,
        )

    def receipt(
        self, parts: Sequence[StagedPart], pieces: Sequence[Piece], names: Sequence[str]
    ) -> Receipt:
        """Of these parts, whose pieces get these names."""
        request = self.request
        return Receipt(
            load_id=request.load_id,
            flow=request.flow,
            rows=sum(part.rows for part in parts),
            bytes=sum(piece.bytes for piece in pieces),
            watermark=reached(request, parts),
            digests={n: p.digest or "" for n, p in zip(names, pieces, strict=True)},
            at=datetime.now(UTC),
            source=request.source,
            where=request.where,
            keys=request.keys,
            beyond=request.beyond,
            mode=request.mode,
            changed=dict(sum((Counter(part.changed) for part in parts), Counter[str]())),
        )

    def _deletes(self) -> list[str]:
        """What a full load removes. Versioned: the version now read stays for its readers."""
        live, old = self.table.log.files()
        strangers = set(self.table.strangers()) if self.table.config.adopt else set()
        return sorted((old if self.table.versioned else live | old) | strangers)

    def _current(self, names: Sequence[str]) -> tuple[str, ...]:
        """The folders that readers of a versioned table are to look at."""
        kept = set() if self.request.mode is Mode.REPLACE else self.table.log.files()[0]
        return tuple(sorted({name.partition("/")[0] for name in [*kept, *names]}))

    def _next_sequence(self, newest: Record | None, count: int) -> int:
        """A number never used before; nor is there a file, whosever, by the names that follow."""
        there = self.table.data_files()
        first = max(newest.next if newest else 1, max(map(sequence_of, there), default=0) + 1)
        taken = set(map(even, there))
        while clash := [n for n in range(first, first + count) if even(self._name(n)) in taken]:
            first = clash[-1] + 1
        return first

    def _name(self, number: int) -> str:
        table, request = self.table, self.request
        name = file_name(
            table.config.file_pattern, table.suffix, number, request.flow, request.load_id
        )
        return f"v={request.load_id}/{name}" if table.versioned else name


class FileWriter:
    """One staged file, from its first batch to its durable end."""

    def __init__(self, load: FileLoad, stem: str, schema: TableSchema | None = None) -> None:
        self.name, self._rows, self._raw = f"{stem}{load.table.suffix}", 0, 0
        self._sink = load.create(f"{load.staging}/{self.name}")
        try:
            schema = schema or load.request.schema
            self._writer: Writer = load.table.format.writer(self._sink, schema)
        except BaseException:  # nobody else knows of the open file yet
            self._sink.abort()
            raise

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.abort()

    @property
    def size(self) -> int:
        """Bytes in the file; or a guess, for a writer may be some batches behind."""
        return max(self._sink.size, self._raw // PACKED)

    def write(self, batch: pl.DataFrame) -> None:
        self._writer.write(batch)
        self._rows += batch.height
        self._raw += int(batch.estimated_size())

    def finish(self) -> Piece:
        self._writer.close()
        self._sink.close()
        sink = self._sink
        return Piece(self.name, self._rows, sink.size, sink.digest, sink.version)

    def abort(self) -> None:
        """Stop, durable or not; after `finish` nothing."""
        try:
            self._writer.abort()
        finally:
            self._sink.abort()


class FilePart(BlockingPart):
    """One partition's files, each up to the target size, under names nobody used before."""

    is_moved: ClassVar[bool] = True  # once the load is published

    def __init__(self, load: FileLoad, partition: Partition) -> None:
        self._load, self._partition = load, partition
        self._try = secrets.token_hex(8)
        self._pieces = list[Piece]()
        self._file: FileWriter | None = None
        self._finished = False

    def open(self) -> None:
        return None

    def write(self, batch: pl.DataFrame) -> None:
        if not batch.height:
            return
        if self._file is None:
            self._file = self.begun(f"{self._try}-{len(self._pieces):05}")
        self._file.write(batch)
        if self._file.size >= self._load.table.config.target_file_mb * 2**20:
            self._end_file()

    def begun(self, stem: str) -> FileWriter:
        """The next file of this part."""
        return FileWriter(self._load, stem)

    def _end_file(self) -> None:
        if self._file is not None:
            self._pieces.append(self._file.finish())
            self._file = None
            self._refuse_immovable(self._pieces[-1])

    def _refuse_immovable(self, piece: Piece) -> None:
        """Once a record names it, it would be too late."""
        most = self._load.fs.capabilities.moves_at_most
        if self.is_moved and most is not None and piece.bytes > most:
            raise StoreError(
                f"a file became larger ({piece.bytes} bytes) than can be moved here ({most})",
                folder=self._load.table.url,
                hint="a smaller `target_file_mb`",
            )

    def finish(self) -> StagedPart:
        self._end_file()
        self._load.fs.sync([self._load.staging])
        self._finished = True
        rows = sum(piece.rows for piece in self._pieces)
        pieces = tuple(self._pieces)
        return StagedPart(self._load.request.load_id, self._partition, rows, pieces)

    def close(self) -> None:
        names = [piece.name for piece in self._pieces]
        if self._file is not None:
            names.append(self._file.name)
            self._file.abort()
        if self._finished:
            return
        # nobody will ever name these: a full disk needs their room for the word that ends the load
        for name in names:
            with suppress(HyggeError):  # it goes with the rest of the staging, then
                self._load.fs.delete(f"{self._load.staging}/{name}")
