"""A landing zone as it is listed: its tables' folders, and what lies beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hygge.filesystems.filesystem import FileInfo, FileSystem
from hygge.mirroring.names import METADATA, SCHEMA_SUFFIX, MirroredTable, is_hidden


@dataclass(frozen=True, slots=True)
class TableFolder:
    """One table's folder. The paths of `files` are those below the folder, at any depth."""

    table: MirroredTable
    path: str
    files: tuple[FileInfo, ...]

    @property
    def data(self) -> tuple[FileInfo, ...]:
        """The files that the service would take for data."""
        return tuple(f for f in self.files if "/" not in f.path and not is_hidden(f.path))

    @property
    def has_metadata(self) -> bool:
        return any(info.path == METADATA for info in self.files)


@dataclass(frozen=True, slots=True)
class Zone:
    """A landing zone at one moment. The paths of `beside` are those below the zone: files in its
    root, or directly in a schema's folder, where no table's file belongs."""

    path: str
    tables: tuple[TableFolder, ...]
    beside: tuple[FileInfo, ...]

    def table(self, wanted: MirroredTable) -> TableFolder | None:
        return next((folder for folder in self.tables if folder.table == wanted), None)


def listed(files: FileSystem, path: str) -> Zone:
    """What is in the landing zone at this path. An absent one is empty. Blocks."""
    below = [_below(path, info) for info in files.list(path)]
    tables = tuple(sorted(_tables(files, path), key=lambda table: table.folder))
    inside = tuple(_folder(path, table, below) for table in tables)
    beside = tuple(info for info in below if info.path.count("/") <= _depth(info.path))
    return Zone(path, inside, beside)


def _tables(files: FileSystem, path: str) -> Iterator[MirroredTable]:
    for name in files.folders(path):
        if is_hidden(name):
            continue
        if not name.endswith(SCHEMA_SUFFIX):
            yield MirroredTable(None, name)
            continue
        for inner in files.folders(f"{path}/{name}".lstrip("/")):
            if not is_hidden(inner):
                yield MirroredTable(name.removesuffix(SCHEMA_SUFFIX), inner)


def _folder(path: str, table: MirroredTable, below: list[FileInfo]) -> TableFolder:
    top = f"{table.folder}/"
    inside = tuple(_below(table.folder, info) for info in below if info.path.startswith(top))
    return TableFolder(table, f"{path}/{table.folder}".lstrip("/"), inside)


def _below(folder: str, info: FileInfo) -> FileInfo:
    inside = info.path.removeprefix(f"{folder}/") if folder else info.path
    return FileInfo(inside, info.size, info.version, info.modified)


def _depth(path: str) -> int:
    """How deep a file lies in what is no table: in the root, or in a schema's folder."""
    return 1 if path.partition("/")[0].endswith(SCHEMA_SUFFIX) else 0
