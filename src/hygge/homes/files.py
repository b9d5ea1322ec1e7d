"""Reads a table that lies in files: one, a folder of them, or all that match a pattern."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Self, TypeAlias

import polars as pl
from pydantic import Field, model_validator

from hygge import registry
from hygge.core.config import Connections
from hygge.core.errors import HomeError, LoadOutdated, SourceChanged
from hygge.core.home import BlockingHome, Bound, HomeCapabilities, HomeConfig, ReadRequest
from hygge.core.partition import WHOLE, Partition
from hygge.core.schema import Column, TableSchema
from hygge.core.types import type_name
from hygge.core.watermark import Watermark, greatest, highest
from hygge.filesystems.filesystem import FileInfo, FileSystem
from hygge.filesystems.found import PlacedConfig, found
from hygge.filesystems.locating import locate
from hygge.formats.format import Ends, Span
from hygge.formats.options import checked, gathered
from hygge.homes.asked import announced, asked, column_of, worthwhile
from hygge.homes.file_account import AGAIN, POSITION, asks_for_files, frozen, new
from hygge.homes.file_schema import Union, union
from hygge.homes.file_set import WILD, FileSet, Wanted
from hygge.homes.file_window import column_of_window, ends_of, greatest_told, not_told, within
from hygge.homes.packing import Share, shares

MB = 1_000_000
Worth: TypeAlias = Callable[[FileInfo], Sequence[Span | None]]
"""Which blocks of a file are to be read; None is the whole file."""


class FileHomeConfig(PlacedConfig, HomeConfig):
    """Settings of a table in files."""

    path: str = Field(
        min_length=1, description="A file, folder, glob or URL; {entity} is filled in"
    )
    format: str | None = Field(
        default=None, description="How rows lie in the files; by suffix if not given, else parquet"
    )
    options: Mapping[str, Any] = Field(default={}, description="The format's own options")
    partition_mb: float = Field(
        default=256, gt=0, description="Small files are packed and big ones cut to about this, MB"
    )

    @model_validator(mode="before")
    @classmethod
    def _inline_options(cls, data: Any) -> Any:
        return gathered(data, cls.model_fields, _format_told(data))

    @model_validator(mode="after")
    def _known_options(self) -> Self:
        checked(self.options, _format_told({"path": self.path, "format": self.format}))
        return self

    def places(self) -> tuple[str, ...]:
        path = self.place
        folder, _, name = path.rpartition("/")
        wild = WILD.search(path if "**" in name else folder)
        # a pattern in the last name alone reads nothing from the folders beside it
        return (path[: wild.start()].rpartition("/")[0] if wild else path,)


def _format_told(data: Mapping[str, Any]) -> str:
    """The format that the settings speak of, before any file was looked at."""
    if data.get("format"):
        return str(data["format"])
    return registry.format_of(str(data.get("path", ""))) or "parquet"


@dataclass(frozen=True)
class _Survey:
    """The files there are now, and the schema that holds for all of them."""

    found: FileSet
    union: Union
    frame: str  # what rows depend on beside the files they come from

    @property
    def files(self) -> Mapping[str, FileInfo]:
        return self.found.files


class FileHome(BlockingHome[FileHomeConfig]):
    """A table in files. Files are taken as they are now; one that changes meanwhile is told."""

    Config: ClassVar[type[HomeConfig]] = FileHomeConfig
    capabilities = HomeCapabilities(
        incremental=True, partitions=True, columns=True, where=True, positions=(POSITION, AGAIN)
    )
    _again = False

    def __init__(self, config: FileHomeConfig, place: tuple[FileSystem, str] | None = None) -> None:
        self.config = config
        self.fs, path = place or locate(config.path, config.filesystem)
        self._wanted = Wanted(self.fs, path.rstrip("/"), config.format, config.options)

    @classmethod
    def build(cls, config: FileHomeConfig, connections: Connections) -> Self:
        return cls(config, found(config, connections))

    @property
    def identity(self) -> str:
        return self._wanted.url

    def following(self, position: str | None) -> Self:
        made = copy(self)
        made._again = position == AGAIN
        return made

    def table_schema(self) -> TableSchema:
        survey = self._survey()
        return replace(survey.union.schema, notes=(*survey.found.notes, *survey.union.notes))

    def probe(self) -> None:
        super().probe()
        self.fs.probe_reading(next(iter(self._wanted.find().files.values())))

    def _survey(self) -> _Survey:
        found = self._wanted.find()
        common = union(self.fs, found.files, found.format)
        told = [found.format.name, found.format.options.model_dump_json()]
        told += [f"{column.name} {type_name(column.type)}" for column in common.schema.columns]
        return _Survey(found, common, "\n".join(told))

    def split(self, request: ReadRequest) -> Sequence[Partition]:
        survey, request = self._surveyed(request)
        asked(request, survey.union.schema)
        target = int(self.config.partition_mb * MB)
        blocks = {
            name: survey.found.format.blocks(self.fs.source(file.path, file)) or ()
            for name, file in survey.files.items()
            if file.size > target
        }
        cut = shares(survey.files, blocks, target)
        return [share.partition(survey.files, survey.frame) for share in cut]

    def _surveyed(self, request: ReadRequest) -> tuple[_Survey, ReadRequest]:
        """What to read, and the rest of the request. Raises LoadOutdated where a window of files
        cannot be read any more."""
        survey = self._survey()
        if not asks_for_files(request):
            return survey, request
        names = new(survey.files, request, self.identity)
        chosen = replace(survey.found, files={name: survey.files[name] for name in names})
        return replace(survey, found=chosen), replace(request, low=None, bound=None)

    def batches(self, request: ReadRequest, partition: Partition) -> Iterator[pl.DataFrame]:
        try:
            yield from self._batches(request, partition)
        except SourceChanged as changed:
            if not asks_for_files(request) or isinstance(changed, LoadOutdated):
                raise
            # the window has the file as it was, and will not find it again
            raise LoadOutdated(changed.what, hint=changed.hint, **changed.where) from changed

    def _batches(self, request: ReadRequest, partition: Partition) -> Iterator[pl.DataFrame]:
        survey, request = self._surveyed(request)
        wish = asked(request, survey.union.schema)
        share = Share(tuple(survey.files)) if partition == WHOLE else Share.of(partition)
        self._refuse_changed(survey, share, partition)
        worth = self._worth(survey, request, share.span)
        read = (self._read(survey, name, wish.read, worth) for name in share.files)
        yield from worthwhile(map(wish.of, chain.from_iterable(read)))

    def _worth(self, survey: _Survey, request: ReadRequest, span: Span | None) -> Worth:
        """Tells which blocks of a file can have rows of the window."""
        name = column_of_window(request)
        if name is None:
            return lambda file: [span]
        column = announced(survey.union.schema, request.schema)[name]

        def worth(file: FileInfo) -> Sequence[Span | None]:
            ends = self._ends(survey, file, column)
            return [span] if ends is None else within(ends, request, span)

        return worth

    def _ends(self, survey: _Survey, file: FileInfo, column: Column) -> Ends | None:
        source = self.fs.source(file.path, file)
        return ends_of(source, file.version, survey.found.format, column)

    def _refuse_changed(self, survey: _Survey, share: Share, partition: Partition) -> None:
        gone = [name for name in share.files if name not in survey.files]
        if not gone and (
            partition.version is None
            or share.partition(survey.files, survey.frame).version == partition.version
        ):
            return
        what = f"{gone[0]} is gone" if gone else "its files, or the columns of others, changed"
        raise SourceChanged(f"partition {partition.name}: {what}", file=self.identity)

    def _read(
        self, survey: _Survey, name: str, schema: TableSchema, worth: Worth
    ) -> Iterator[pl.DataFrame]:
        """The rows of one file as it was when it was listed. Raises SourceChanged if it is not."""
        file = survey.files[name]
        source = self.fs.source(file.path, file)
        try:
            for span in worth(file):
                yield from survey.found.format.batches(source, schema, span)
        except OSError as failed:
            self._refuse_other(file)
            raise HomeError(f"cannot be read: {failed}", file=source.name) from failed
        except HomeError:
            self._refuse_other(file)
            raise
        self._refuse_other(file)

    def _refuse_other(self, file: FileInfo) -> None:
        if self.fs.info(file.path) != file:
            raise SourceChanged("the file changed while it was read", file=self.fs.url(file.path))

    def bound_after(self, position: str, low: Watermark | None) -> Bound:
        return frozen(self._wanted.find().files, low, self._again, self.identity)

    def bound(self, column: str) -> Bound:
        survey = self._survey()
        column_of(survey.union.schema, column)
        schema, tops = survey.union.schema.select([column]), list[Watermark | None]()

        def unknown(file: FileInfo) -> Sequence[Span | None]:
            ends = self._ends(survey, file, schema[column])
            if ends is None:
                return [None]
            tops.append(greatest_told(ends))
            return not_told(ends)

        for name in survey.files:
            for batch in self._read(survey, name, schema, unknown):
                tops.append(greatest(batch[column]))
        return Bound(reduce(highest, tops, None))


class ParquetHome(FileHome):
    """A table in parquet files, for Python: `ParquetHome("data/users")`."""

    def __init__(self, path: str | FileHomeConfig, **options: Any) -> None:
        if not isinstance(path, FileHomeConfig):
            path = FileHomeConfig(type="parquet", path=path, format="parquet", options=options)
            path = path.located(Path.cwd())
        super().__init__(path)
