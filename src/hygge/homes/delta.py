"""Reads a Delta table as of one of its versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import reduce
from itertools import chain
from typing import Any, ClassVar, Self
from urllib.parse import unquote

import polars as pl
from pydantic import Field, model_validator

from hygge.core.config import Connections
from hygge.core.errors import ConfigError, HomeError, SourceMissing, Unsupported
from hygge.core.home import BlockingHome, Bound, HomeCapabilities, HomeConfig, ReadRequest
from hygge.core.partition import WHOLE, Partition
from hygge.core.schema import Column, TableSchema
from hygge.core.watermark import Watermark, greatest, highest
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.found import PlacedConfig, found
from hygge.filesystems.locating import locate
from hygge.formats.delta_rows import delta_rows
from hygge.formats.delta_snapshot import DataFile, Place, Snapshot, require_library, snapshot
from hygge.formats.format import Ends, Span
from hygge.formats.parquet import Parquet
from hygge.homes.asked import announced, asked, column_of, worthwhile
from hygge.homes.delta_files import Share, constants, in_window, shares, told
from hygge.homes.file_window import column_of_window, ends_of, greatest_told, within

MB = 1_000_000


class DeltaHomeConfig(PlacedConfig, HomeConfig):
    """Settings of a Delta table to be read."""

    path: str = Field(
        min_length=1, description="The table's folder: a path or URL; {entity} is filled in"
    )
    version: int | None = Field(default=None, ge=0, description="As it was at this version")
    timestamp: datetime | None = Field(default=None, description="As it was at this moment")
    partition_mb: float = Field(
        default=256, gt=0, description="Small files are packed and big ones cut to about this, MB"
    )

    @model_validator(mode="after")
    def _one_moment(self) -> Self:
        if self.version is not None and self.timestamp is not None:
            raise ValueError("`version` and `timestamp` both say when: one is enough")
        return self


class DeltaHome(BlockingHome[DeltaHomeConfig]):
    """A Delta table. A load reads the files of one version, whoever commits meanwhile."""

    Config: ClassVar[type[HomeConfig]] = DeltaHomeConfig
    capabilities = HomeCapabilities(incremental=True, partitions=True, columns=True, where=True)

    def __init__(self, config: DeltaHomeConfig, place: tuple[FileSystem, str] | None = None):
        self.config = config
        self.fs, folder = place or locate(config.path, config.filesystem)
        self.folder = folder.rstrip("/")
        self._format = Parquet.build({})

    @classmethod
    def build(cls, config: DeltaHomeConfig, connections: Connections) -> Self:
        require_library()
        return cls(config, found(config, connections))

    @property
    def identity(self) -> str:
        return self.fs.url(self.folder)

    def _now(self) -> Snapshot:
        options = self.fs.delta_options()
        if options is None:
            told = f"Delta tables cannot be read from {self.fs.name}"
            raise Unsupported(told, table=self.identity, hint="a local folder, or a bucket")
        moment = self.config.timestamp
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        place = Place(self.identity, options)
        if not self.fs.is_folder(f"{self.folder}/_delta_log"):  # it tells best what is wrong
            hint = "see the path: it is the folder in which _delta_log lies"
            raise SourceMissing("there is no Delta table here", table=self.identity, hint=hint)
        there = snapshot(place, moment if moment is not None else self.config.version)
        there.refuse_unreadable()
        return there

    def table_schema(self) -> TableSchema:
        return self._now().schema

    def split(self, request: ReadRequest) -> Sequence[Partition]:
        there = self._now()
        asked(request, there.schema)
        files = in_window(there.files, request)
        target = int(self.config.partition_mb * MB)
        large = (file for file in files if file.size > target)
        blocks = {file.name: self._blocks(file) for file in large}
        return [share.partition() for share in shares(files, blocks, target)]

    def _blocks(self, file: DataFile) -> Sequence[Any]:
        with self._as_of_then(file.name):
            return self._format.blocks(self.fs.source(self._path(file.name)))

    def batches(self, request: ReadRequest, partition: Partition) -> Iterator[pl.DataFrame]:
        if partition == WHOLE:
            there = self._now()
            schema, files = there.schema, tuple(map(told, in_window(there.files, request)))
            share = Share(files)
        else:
            share = Share.of(partition)
            schema = self._known(request)
        wish = asked(request, schema)
        schema = announced(schema, request.schema)
        worth = self._worth(request, schema, share.span)
        read = (self._read(name, words, wish.read, schema, worth) for name, words in share.files)
        yield from worthwhile(map(wish.of, chain.from_iterable(read)))

    def _known(self, request: ReadRequest) -> TableSchema:
        """The columns that were announced, if that is all it takes: the table may have moved on."""
        if request.schema is not None:
            with suppress(ConfigError):
                asked(request, request.schema)
                return request.schema
        return self._now().schema

    def _path(self, name: str) -> str:
        return f"{self.folder}/{unquote(name)}"

    def _ends(self, name: str, column: Column) -> Ends | None:
        """By its name, for a file of a Delta table never changes."""
        return ends_of(self.fs.source(self._path(name)), name, self._format, column)

    def _worth(
        self, request: ReadRequest, schema: TableSchema, span: Span | None
    ) -> Callable[[str], Sequence[Span | None]]:
        """Tells which row groups of a file can have rows of the window."""
        name = column_of_window(request)

        def worth(file: str) -> Sequence[Span | None]:
            if name is None:
                return [span]
            ends = self._ends(file, schema[name])
            return [span] if ends is None else within(ends, request, span)

        return worth

    def _read(
        self,
        name: str,
        words: str,
        wanted: TableSchema,
        schema: TableSchema,
        worth: Callable[[str], Sequence[Span | None]],
    ) -> Iterator[pl.DataFrame]:
        known, source = constants(words, schema), self.fs.source(self._path(name))
        with self._as_of_then(name):
            for span in worth(name):
                yield from delta_rows(source, self._format, wanted, span, known)

    def _as_of_then(self, name: str) -> _AsOfThen:
        return _AsOfThen(self.fs.url(self._path(name)))

    def bound(self, column: str) -> Bound:
        there = self._now()
        column_of(there.schema, column)
        if column in there.metadata.partition_columns:
            values = (constants(told(file)[1], there.schema)[column] for file in there.files)
            kind = there.schema[column].type
            return Bound(greatest(pl.Series(column, list(values), dtype=kind)))
        tops = (self._top(file, there.schema.select([column])) for file in there.files)
        return Bound(reduce(highest, tops, None))

    def _top(self, file: DataFile, schema: TableSchema) -> Watermark | None:
        """The greatest value of a file: as it tells, or as its rows have it."""
        with self._as_of_then(file.name):
            ends = self._ends(file.name, schema.columns[0])
            if ends is not None and ends.exact and not ends.greatest.has_nulls():
                return greatest_told(ends)
            source = self.fs.source(self._path(file.name))
            batches = delta_rows(source, self._format, schema)
            return reduce(highest, (greatest(b[schema.names[0]]) for b in batches), None)


class _AsOfThen:
    """A file of a version that is gone: what that means, and what to do."""

    def __init__(self, file: str) -> None:
        self._file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, failed: BaseException | None, trace: object) -> None:
        if isinstance(failed, SourceMissing | FileNotFoundError):
            raise HomeError(
                "a file of this version of the table is gone: VACUUM has deleted it",
                file=self._file,
                hint="read the newest version: run again, without `version` and `timestamp`",
            ) from failed
