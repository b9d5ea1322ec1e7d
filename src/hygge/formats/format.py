"""How rows lie in a file: the contract every format keeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Generic, Protocol, Self, TypeVar, runtime_checkable

import polars as pl

from hygge.core.config import Settings, validated
from hygge.core.errors import Unsupported
from hygge.core.schema import Column, TableSchema
from hygge.core.types import type_name
from hygge.core.widening import widened

BATCH_ROWS = 262_144
BATCH_BYTES = 64 * 2**20


class Source(Protocol):
    """One file to read: by handle, or by its path on this machine's disk where it has one."""

    @property
    def name(self) -> str:
        """The full name, for errors."""

    @property
    def local(self) -> Path | None: ...

    @property
    def size(self) -> int: ...

    def open(self) -> BinaryIO: ...


@runtime_checkable
class ReadsAhead(Protocol):
    """A handle for which it pays to know what will be read."""

    def expect(self, spans: Sequence[tuple[int, int]]) -> None:
        """These pieces (bytes from, to), in this order."""


class Sink(Protocol):
    """Where a file's bytes go. The format writes; whoever opened it closes it."""

    def write(self, data: bytes, /) -> int: ...
    def tell(self) -> int: ...
    def flush(self) -> None: ...


class FormatOptions(Settings):
    """What can be set about reading and writing one format."""


O = TypeVar("O", bound=FormatOptions)  # noqa: E741


@dataclass(frozen=True, slots=True)
class Span:
    """A run of blocks (row groups, record batches) of one file: [start, stop)."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Block:
    """One block that can be read alone: its rows, and its bytes in the file."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Ends:
    """What a file tells of one column, block by block, without its rows being read.

    No value is below `least` or above `greatest`, which are NULL where nothing is told; `nulls` is
    how many rows have no value, None where that is not told. `exact`: the ends are values of rows.
    """

    least: pl.Series
    greatest: pl.Series
    nulls: tuple[int | None, ...]
    exact: bool


class Writer(Protocol):
    """Writes one file. What it holds back stays below BATCH_BYTES."""

    def write(self, batch: pl.DataFrame) -> None: ...
    def close(self) -> None:
        """Write the rest and the end of the file. Does not close the sink."""

    def abort(self) -> None:
        """Stop and let go of everything, threads too. After `close`, or twice: nothing."""


@dataclass(frozen=True, slots=True)
class FormatCapabilities:
    """What a file of this format can tell; what it does not claim is refused or told by rows."""

    types: bool = True  # the file says its types and what may be NULL, rows or none
    not_finite: bool = True  # holds NaN and infinities
    end: bool = True  # a reader sees that a file is cut short, wherever it is cut


class Format(ABC, Generic[O]):
    """Reads and writes files of one format. No state between calls; pickles.

    Errors: HomeError with file (and line, column where there are any) for a file that is not what
    it should be; never a row less than the file holds.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    Options: ClassVar[type[FormatOptions]]
    instead: ClassVar[str] = "leave the column out with `columns`, or write parquet"
    """What to try where a column cannot be held."""
    capabilities: ClassVar[FormatCapabilities] = FormatCapabilities()

    def __init__(self, options: O) -> None:
        self.options = options

    @classmethod
    def build(cls, options: Mapping[str, Any]) -> Self:
        """Raises ConfigError naming every wrong key."""
        return cls(validated(cls.Options, options))  # type: ignore[arg-type]

    def refuse(self, schema: TableSchema) -> None:
        """Raise Unsupported for a column of a type that this format does not hold."""
        for column in schema.columns:
            if self.held(column.type) is None:
                told = f"{self.name} cannot hold {type_name(column.type)}"
                raise Unsupported(told, column=column.name, hint=self.instead)

    def held(self, kind: pl.DataType) -> pl.DataType | None:
        """What a column of this type is held as: the same, a wider type, or None: it is refused."""
        return kind

    @property
    def manner(self) -> str:
        """What a reader has to be told of the files: those of two manners do not go together."""
        return self.name

    @property
    def named(self) -> Collection[str]:
        """Columns that the options speak of, and that some file must have."""
        return ()

    @abstractmethod
    def schema(self, source: Source) -> TableSchema:
        """The types that hold for ALL rows of this file. A file of no columns is an error."""

    def widened(self, one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
        """The type to read a column as that differs between files; None: they do not go together.

        `batches` must be able to read either file with it.
        """
        return widened(one, other)

    def settled(self, kind: pl.DataType) -> pl.DataType:
        """The type of a column when all files have been seen: null means that none had a value."""
        return kind

    @abstractmethod
    def blocks(self, source: Source) -> Sequence[Block] | None:
        """What can be read alone, in order; None if the file can only be read from its start."""

    def ends(self, source: Source, column: Column) -> Ends | None:
        """Between which values a column lies in each block, of the type that is asked for; None
        where the file does not surely tell."""
        return None

    @abstractmethod
    def batches(
        self, source: Source, schema: TableSchema, span: Span | None = None
    ) -> Iterator[pl.DataFrame]:
        """The rows of the file (or of some blocks), in order, in batches of bounded size.

        `schema` names the columns wanted, in order, with the types they are to have; columns that
        this file lacks are NULL, narrower ones are widened. Memory stays bounded whatever the size
        of file and blocks.
        """

    @abstractmethod
    def rows(self, source: Source) -> int:
        """How many rows a finished file has, found by another path than the writer's."""

    @abstractmethod
    def writer(self, sink: Sink, schema: TableSchema) -> Writer:
        """Begins a file. Raises Unsupported, before a byte, for a type the format cannot hold."""
