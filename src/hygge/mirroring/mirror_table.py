"""The rows of a mirrored table: how a file's effects become one version of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import polars as pl

from hygge.core.errors import HomeError, HyggeError, StoreError
from hygge.core.schema import TableSchema
from hygge.formats.delta_rows import delta_rows
from hygge.mirroring.effects import Effects
from hygge.mirroring.landed import FORM, LANDED, Landed, schema_of
from hygge.mirroring.mirror_log import Action, DataFile, MirrorLog, Remembered, added, removed

BYTES, ROWS = 64 * 2**20, 500_000
"""Of a file, at most and about: what must be written anew where one row of it goes."""
SMALL, MANY = 100_000, 16
"""Files of fewer rows than this become one where there are so many."""


def publish(log: MirrorLog, landed: Landed, effects: Effects, newer: Remembered) -> None:
    """One version with the file's rows in, and with those out that go. Raises what reading the
    file raises; nothing is changed then."""
    change = _Change(log, landed, effects, schema_of(newer.state.columns))
    try:
        actions = change.made()
        log.write(newer, actions, "MERGE" if landed.marked else "WRITE")
    except BaseException:  # a Ctrl-C, too, leaves no files that no version names
        change.discard()
        raise


class _Change:
    def __init__(
        self, log: MirrorLog, landed: Landed, effects: Effects, schema: TableSchema
    ) -> None:
        self._log, self._landed, self._effects, self._schema = log, landed, effects, schema
        self._new = list[DataFile]()

    def made(self) -> list[Action]:
        """The files written, durably, and what the version says of them."""
        hits = self._hits()
        leave = list(hits)
        small = [file for file in self._log.live.values() if file.rows < SMALL]
        if len(small) >= MANY:
            leave = [*{file.path: file for file in (*leave, *small)}.values()]
        self._write(self._rows(leave, hits))
        self._log.files.sync([self._log.folder])
        return [*map(removed, leave), *map(added, self._new)]

    def discard(self) -> None:
        """What was written for a version that did not come about."""
        for file in self._new:
            with suppress(HyggeError):  # or `sweep` does it, later
                self._log.files.delete(self._path(file))

    def _path(self, file: DataFile) -> str:
        return f"{self._log.folder}/{file.path}"

    def _hits(self) -> dict[DataFile, pl.Series]:
        """The table's files that have rows which go, and which those are."""
        if self._effects.appends:
            return {}
        found = dict[DataFile, pl.Series]()
        keys = self._schema.select(self._effects.keys)
        for file in self._log.live.values():
            if not _may_have(file, self._effects.ends()):
                continue
            rows = pl.concat([pl.DataFrame(schema=keys.polars()), *self._own(file, keys)])
            hit = self._effects.hit(rows)
            if hit.any():
                found[file] = hit
        return found

    def _own(self, file: DataFile, schema: TableSchema) -> Iterator[pl.DataFrame]:
        """The rows of one of the table's files; that it is damaged is no fault of the one that
        is applied."""
        try:
            yield from delta_rows(self._log.files.source(self._path(file)), FORM, schema)
        except HomeError as failed:
            hint = "delete the mirror's folder: the landing zone is applied anew"
            raise StoreError(failed.what, file=self._path(file), hint=hint) from failed

    def _rows(
        self, leave: Sequence[DataFile], hits: dict[DataFile, pl.Series]
    ) -> Iterator[pl.DataFrame]:
        for file in leave:
            start, hit = 0, hits.get(file)
            if hit is not None and hit.all():
                continue
            for batch in self._own(file, self._schema):
                stays = batch if hit is None else batch.filter(~hit.slice(start, batch.height))
                start += batch.height
                yield stays
        start = 0
        for batch in delta_rows(self._landed.source, LANDED, self._schema):
            yield self._effects.new(batch, start)
            start += batch.height

    def _write(self, batches: Iterator[pl.DataFrame]) -> None:
        file: _NewFile | None = None
        try:
            for batch in batches:
                if batch.height:
                    file = file or _NewFile(self._log, self._schema, self._effects.keys)
                    file.write(batch)
                if file is not None and file.is_full:
                    done, file = file, None
                    self._new.append(done.finish())
            if file is not None:
                self._new.append(file.finish())
                file = None
        finally:
            if file is not None:
                file.abort()


class _NewFile:
    """A file of the table, from its first batch to its durable end."""

    def __init__(self, log: MirrorLog, schema: TableSchema, keys: Sequence[str]) -> None:
        self._log, self._key = log, keys[0] if keys else None
        self._name, self._rows = f"{secrets.token_hex(12)}.parquet", 0
        self._ends: tuple[Any, Any] | None = None
        self._nulls, self._raw = False, 0.0
        log.files.make_folder(log.folder)
        self._sink = log.files.create(f"{log.folder}/{self._name}")
        self._writer = FORM.writer(self._sink, schema)

    @property
    def is_full(self) -> bool:
        """By its bytes, or a guess at them: a writer may be some batches behind."""
        return self._rows >= ROWS or max(self._sink.size, int(self._raw // 8)) >= BYTES

    def write(self, batch: pl.DataFrame) -> None:
        if self._key is not None:
            self._widen(batch[self._key])
        self._writer.write(batch)
        self._rows += batch.height
        self._raw += batch.estimated_size()

    def _widen(self, values: pl.Series) -> None:
        self._nulls |= values.has_nulls()
        found = values.min(), values.max()
        if found[0] is not None and self._ends is not None:
            found = min(found[0], self._ends[0]), max(found[1], self._ends[1])
        self._ends = self._ends if found[0] is None else found

    def finish(self) -> DataFile:
        try:
            self._writer.close()
            self._sink.close()
        except BaseException:  # a Ctrl-C, too, leaves no open file
            self.abort()
            raise
        ends = None if self._nulls or self._ends is None else tuple(map(_told, self._ends))
        sure = ends if ends is not None and None not in ends else None
        return DataFile(self._name, self._sink.size, self._rows, sure)

    def abort(self) -> None:
        """Stop; what is there is nobody's."""
        try:
            self._writer.abort()
        finally:
            self._sink.abort()
        with suppress(HyggeError):
            self._log.files.delete(f"{self._log.folder}/{self._name}")


def _told(value: Any) -> Any:
    """A value as JSON has it, in the same order as the values themselves; None: not to be told."""
    match value:
        case bool():
            return None
        case int():
            return value
        case str():
            return value if len(value) < 64 else None
        case datetime():
            return None
        case date():
            return value.isoformat()
    return None


def _may_have(file: DataFile, wanted: tuple[Any, Any] | None) -> bool:
    """Whether the file can have a key between these."""
    if file.ends is None or wanted is None:
        return True
    low, high = map(_told, wanted)
    if low is None or high is None or type(low) is not type(file.ends[0]):
        return True
    return bool(low <= file.ends[1] and high >= file.ends[0])
