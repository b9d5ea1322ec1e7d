"""The files of a Delta table that a Partition reads, told in words: it needs no log to be read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from hygge.core.errors import HomeError
from hygge.core.home import ReadRequest
from hygge.core.partition import Partition, Word
from hygge.core.schema import Column, TableSchema
from hygge.core.watermark import Watermark, literal
from hygge.formats.delta_snapshot import DataFile
from hygge.formats.format import Block, Span

_COARSE = timedelta(milliseconds=1)
"""Some writers tell a file's last moment without what is less than this."""


@dataclass(frozen=True)
class Share:
    """These files, or some row groups of one; each with the values that its path stands for."""

    files: tuple[tuple[str, str], ...]
    span: Span | None = None

    def partition(self) -> Partition:
        """Its Partition. A file of a table is never changed, so its name is its content."""
        words: list[Word] = [word for file in self.files for word in file]
        if self.span is not None:
            words += [self.span.start, self.span.stop]
        version = hashlib.sha256(json.dumps(words).encode()).hexdigest()[:32]
        first, more = self.files[0][0], len(self.files) - 1
        cut = f"[{self.span.start}:{self.span.stop}]" if self.span else ""
        return Partition(f"{first}{cut}{f' +{more}' if more else ''}", version, tuple(words))

    @classmethod
    def of(cls, partition: Partition) -> Share:
        words = [word for word in partition.where if isinstance(word, str)]
        ends = [word for word in partition.where if isinstance(word, int)]
        files = tuple(zip(words[::2], words[1::2], strict=True))
        return cls(files, Span(*ends) if ends else None)


def shares(
    files: Sequence[DataFile], blocks: Mapping[str, Sequence[Block]], target: int
) -> Iterator[Share]:
    """Everything once, in order, each about `target` bytes. `blocks`: of files that can be cut."""
    pack, size = list[DataFile](), 0
    for file in files:
        if pack and size + file.size > target:
            yield Share(tuple(map(told, pack)))
            pack, size = [], 0
        if cuts := list(_spans(blocks.get(file.name, ()), target)):
            yield from (Share((told(file),), span) for span in cuts)
        else:
            pack.append(file)
            size += file.size
    if pack:
        yield Share(tuple(map(told, pack)))


def _spans(blocks: Sequence[Block], target: int) -> Iterator[Span]:
    start = size = 0
    for at, block in enumerate(blocks):
        if size and size + block.bytes > target:
            yield Span(start, at)
            start, size = at, 0
        size += block.bytes
    if start:
        yield Span(start, len(blocks))


def told(file: DataFile) -> tuple[str, str]:
    """A file by its name, and the values that its path stands for."""
    values = {name: _text(value) for name, value in file.partition.items()}
    return file.name, json.dumps(values)


def _text(value: Any) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return str(value).lower()
        case bytes():
            return value.decode("latin-1")
        case date() | datetime():
            return value.isoformat()
    return str(value)


def constants(words: str, schema: TableSchema) -> Mapping[str, Any]:
    """The values that a file's path stands for, of the types that the columns have."""
    values: Mapping[str, str | None] = json.loads(words)
    return {name: _value(values[name], schema[name]) for name in values if name in schema}


def _value(text: str | None, column: Column) -> Any:
    if text is None:
        return None
    match column.type:
        case pl.Boolean():
            return text == "true"
        case pl.Binary():
            return text.encode("latin-1")
        case pl.Date():
            return date.fromisoformat(text[:10])
        case pl.Datetime():
            return datetime.fromisoformat(text)
    try:
        return pl.Series([text]).cast(column.type).item()
    except pl.exceptions.PolarsError as failed:
        raise HomeError(f"{text!r} is no {column}", column=column.name) from failed


def in_window(files: Sequence[DataFile], request: ReadRequest) -> list[DataFile]:
    """Those that can have rows of the window, by what is told of their ends. A file that has a
    NULL, or may have one, is among them."""
    return [file for file in files if not _is_outside(file, request)]


def _is_outside(file: DataFile, request: ReadRequest) -> bool:
    for mark, is_low in ((request.low, True), (request.bound, False)):
        if mark is None or file.told.get(f"null_count.{mark.column}") != 0:
            continue
        least, greatest = file.ends(mark.column)
        if is_low and greatest is not None and _beyond(_reached(greatest), mark, below=True):
            return True
        if not is_low and least is not None and _beyond(least, mark, below=False):
            return True
    return False


def _reached(greatest: Any) -> Any:
    return greatest + _COARSE if isinstance(greatest, datetime) else greatest


def _beyond(value: Any, mark: Watermark, *, below: bool) -> bool:
    """Whether a value is surely outside. A text may have been cut, and what is not a number is told
    of by nobody."""
    if isinstance(value, str | float):
        return False
    try:
        found, position = pl.select(value=pl.lit(value), mark=literal(mark)).row(0)
        return bool(found < position if below else found > position)
    except (TypeError, pl.exceptions.PolarsError):
        return False
