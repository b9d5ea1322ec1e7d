"""What a parquet file says of itself, and what its markers and keys are: in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hygge.filesystems.filesystem import FileSystem
from hygge.formats.parquet_footer import Footer, footer_of
from hygge.mirroring.facts import ColumnFacts, FileFacts
from hygge.mirroring.names import ROW_MARKER

BATCH_ROWS: Final = 2**16
_DIGITS: Final = 38
"""So many has the widest decimal that parquet's readers agree on; `decimal256` has more."""
_ILLEGAL: Final = ("can only annotate", "can not be applied", "cannot be applied")
"""Of Arrow's words where a type is written in a form that it cannot have."""

Rows = Mapping[str, list[Any]]


def parquet_facts(
    files: FileSystem, path: str, name: str, size: int, keys: Sequence[str] = ()
) -> FileFacts:
    """The facts of the parquet file at this path; `name` is its path below the table's folder.

    Reads the footer, the marker, and those keys whose NULLs the footer does not count. Raises
    HyggeError only where the filesystem fails; a file that is broken says so.
    """
    if size == 0:
        return FileFacts(name, 0, broken="it has no bytes")
    try:
        with files.open(path) as handle:
            footer = footer_of(handle, size)
        with _opened(files, path) as file:
            if (lie := _lie(footer, file)) is not None:
                return FileFacts(name, size, broken=lie)
            codecs = dict.fromkeys(c.codec for _, chunks in footer.groups for c in chunks)
            columns = tuple(_columns(file, footer))
            facts = FileFacts(name, size, rows=footer.rows, columns=columns, codecs=tuple(codecs))
            return _with_rows(file, facts, keys)
    except (pa.ArrowException, OSError, ValueError) as failed:
        told = str(failed).splitlines()[0] if str(failed) else type(failed).__name__
        if any(words in told for words in _ILLEGAL):
            return FileFacts(name, size, illegal=told)
        return FileFacts(name, size, broken=f"it is no readable parquet file: {told}")


def parquet_rows(files: FileSystem, path: str, columns: Sequence[str]) -> Iterator[Rows]:
    """The values of these columns, some rows at a time. Raises ValueError or OSError for a file
    that is broken."""
    with _opened(files, path) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=list(columns)):
            yield {name: _values(batch.column(name)) for name in columns}


@contextmanager
def _opened(files: FileSystem, path: str) -> Iterator[pq.ParquetFile]:
    with (
        files.open(path) as handle,
        pq.ParquetFile(handle, pre_buffer=False, buffer_size=2**20) as file,
    ):
        yield file


def _lie(footer: Footer, file: pq.ParquetFile) -> str | None:
    """Why the footer cannot be true. Arrow believes it, and might end the process."""
    leaves = [str(file.schema.column(n).physical_type) for n in range(len(file.schema))]
    for _, chunks in footer.groups:
        if [chunk.physical for chunk in chunks] != leaves:
            return "its footer contradicts itself about a column's type"
        if any(not 4 <= chunk.first <= chunk.end <= footer.start for chunk in chunks):
            return "it is cut short: a column lies beyond its end"
    if sum(count for count, _ in footer.groups) != footer.rows:
        return "its footer counts other rows than its row groups have"
    return None


def _columns(file: pq.ParquetFile, footer: Footer) -> Iterator[ColumnFacts]:
    """The columns of the table; one that has others within it takes up several of the file's."""
    at = 0
    for field in file.schema_arrow:
        count = _leaves(field.type)
        kind = plain(field.type)
        if pa.types.is_nested(kind):
            yield ColumnFacts(field.name, str(kind), field.nullable, nested=True)
        else:
            leaf = file.schema.column(at)
            nulls = footer.rows if kind == pa.null() else _nulls(footer, at)
            yield ColumnFacts(
                field.name,
                str(kind),
                field.nullable,
                physical=str(leaf.physical_type),
                logical=str(leaf.logical_type.type),
                nulls=nulls,
            )
        at += count


def _leaves(kind: Any) -> int:
    kind = plain(kind)
    if pa.types.is_nested(kind):
        return sum(_leaves(kind.field(n).type) for n in range(kind.num_fields)) or 1
    return 1


def plain(kind: Any) -> Any:
    """A type as any reader of parquet sees it: what only Arrow tells apart is one."""
    if isinstance(kind, pa.BaseExtensionType):
        return plain(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return plain(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp(kind.unit, "UTC")
    if pa.types.is_decimal(kind) and kind.precision <= _DIGITS:
        return pa.decimal128(kind.precision, kind.scale)
    return pa.int64() if pa.types.is_duration(kind) else kind


def _nulls(footer: Footer, at: int) -> int | None:
    """From the footer, where every row group counts them."""
    told = [chunks[at].nulls for count, chunks in footer.groups if count]
    return None if None in told else sum(count or 0 for count in told)


def _with_rows(file: pq.ParquetFile, facts: FileFacts, keys: Sequence[str]) -> FileFacts:
    """With the markers counted, and the NULLs of keys."""
    names = Counter(column.name for column in facts.columns)
    # of two columns with one name, nobody can say which is meant
    uncounted = [
        c.name for c in facts.columns if c.name in keys and c.nulls is None and names[c.name] == 1
    ]
    marked = names[ROW_MARKER] == 1
    wanted = [*uncounted, *([ROW_MARKER] if marked else [])]
    if not wanted:
        return facts
    nulls, markers = dict.fromkeys(uncounted, 0), dict[int | str | None, int]()
    for batch in file.iter_batches(BATCH_ROWS, columns=wanted):
        for name in uncounted:
            nulls[name] += batch.column(name).null_count
        if marked:
            _count(batch.column(ROW_MARKER), markers)
    columns = tuple(
        ColumnFacts(c.name, c.type, c.nullable, c.nested, c.physical, c.logical, nulls[c.name])
        if c.name in nulls
        else c
        for c in facts.columns
    )
    counted = markers if marked else None
    return FileFacts(
        facts.path, facts.size, rows=facts.rows, columns=columns, codecs=facts.codecs,
        markers=counted,
    )  # fmt: skip


def _count(values: Any, markers: dict[int | str | None, int]) -> None:
    whole = pa.types.is_integer(values.type)
    for pair in pc.value_counts(values).to_pylist():
        value = pair["values"]
        known = value if whole or value is None else str(value)
        markers[known] = markers.get(known, 0) + pair["counts"]


def _values(column: Any) -> list[Any]:
    """Times as numbers: Python's own cut them; moments by one measure, whatever their file's."""
    kind = plain(column.type)
    if pa.types.is_timestamp(kind):
        finer = pa.timestamp("us" if kind.unit == "ms" else kind.unit, kind.tz)
        column = column.cast(kind).cast(finer).cast(pa.int64())
    elif pa.types.is_time64(kind) or pa.types.is_duration(column.type):
        column = column.cast(kind).cast(pa.int64())
    found: list[Any] = column.to_pylist()
    return found
