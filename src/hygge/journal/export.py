"""The history as a parquet file, for people who would rather ask it with a query."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from hygge.core.errors import HyggeError, JournalError
from hygge.core.journal import EntityRun
from hygge.filesystems.filesystem import Sink
from hygge.filesystems.local import LocalFileSystem
from hygge.journal import history, journal_file

_CHUNK = 50_000
_TYPES: dict[str, pa.DataType] = {
    "start_time": pa.timestamp("us", "UTC"),
    "finish_time": pa.timestamp("us", "UTC"),
    "row_count": pa.int64(),
    "duration": pa.float64(),
    "schema_version": pa.int64(),
}
SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in history.COLUMNS])


def export(journal_path: Path, target: Path) -> int:
    """Write every run to `target`, the oldest first; how many there were. Blocks.

    Readers see the file that was there or the whole new one. A journal that does not exist has no
    runs, and is not made. Raises JournalError.
    """
    if target.is_dir():
        raise JournalError(
            "the history cannot be written over a folder",
            file=target,
            hint=f"name a file: {target / 'history.parquet'}",
        )
    if not target.absolute().parent.exists():
        raise JournalError(
            f"the history cannot be written: there is no folder {target.parent}",
            file=target,
            hint=f"mkdir -p {target.parent}",
        )
    try:
        with _in_place_of(target.absolute()) as out:
            return _write(journal_path, out)
    except JournalError:
        raise
    except HyggeError as failed:
        raise JournalError(
            f"the history cannot be written: {failed.what}", file=target, hint=failed.hint
        ) from failed


@contextmanager
def _in_place_of(target: Path) -> Iterator[Sink]:
    """A new file that takes the target's name when it is whole and durable."""
    disk, half = LocalFileSystem(str(target.parent)), f"_{target.name}.{secrets.token_hex(6)}"
    sink = disk.create(half)
    try:
        yield sink
        sink.close()
        disk.move(half, target.name)
        disk.sync([""])
    except BaseException:  # a Ctrl-C, too, leaves no half file
        sink.abort()
        disk.delete(half)
        raise


def _write(journal_path: Path, out: Sink) -> int:
    rows = 0
    with pq.ParquetWriter(cast(BinaryIO, out), SCHEMA, compression="zstd") as file:
        for runs in _runs(journal_path):
            file.write_table(_table(runs))
            rows += len(runs)
    return rows


def _runs(journal_path: Path) -> Iterator[list[EntityRun]]:
    with journal_file.told(journal_path):
        db = journal_file.look(journal_path, journal_file.PATIENCE)
        if db is not None:
            with closing(db):
                yield from history.all_runs(db, _CHUNK)


def _table(runs: list[EntityRun]) -> pa.Table:
    columns = zip(*map(astuple, runs), strict=True)
    return pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)],
        schema=SCHEMA,
    )
