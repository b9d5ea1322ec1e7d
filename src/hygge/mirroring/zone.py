"""A landing zone as it is listed: its tables' folders, and what lies beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hygge.filesystems.filesystem import FileInfo, FileSystem
from hygge.mirroring.names import (
    DELETABLE,
    METADATA,
    PROCESSED,
    SCHEMA_SUFFIX,
    MirroredTable,
    is_hidden,
)


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
    def processed(self) -> tuple[FileInfo, ...]:
        """The files that the service has taken and moved aside."""
        return tuple(f for f in self.files if f.path.partition("/")[0] in (PROCESSED, DELETABLE))

    @property
    def has_metadata(self) -> bool:
        return any(info.path == METADATA for info in self.files)


@dataclass(frozen=True, slots=True)
class Zone:
    """A landing zone at one moment. The paths of `beside` are those below the zone: files in its
    root, or directly in a schema's folder, where no table's file belongs. `hidden` are those in
    its folders that begin with `_`. `schemas` are the folders of schemas, as they are called."""

    path: str
    tables: tuple[TableFolder, ...]
    beside: tuple[FileInfo, ...]
    hidden: tuple[FileInfo, ...] = ()
    schemas: tuple[str, ...] = ()

    def table(self, wanted: MirroredTable) -> TableFolder | None:
        return next((folder for folder in self.tables if folder.table == wanted), None)


def listed(files: FileSystem, path: str) -> Zone:
    """What is in the landing zone at this path. An absent one is empty. Blocks."""
    below = [_below(path, info) for info in files.list(path)]
    schemas = tuple(name for name in files.folders(path) if _is_schema(name))
    tables = sorted(tables_in(files, path), key=lambda table: table.folder)
    inside = dict[str, list[FileInfo]]()
    for info in below:
        inside.setdefault(_home(info.path), []).append(info)
    return Zone(
        path,
        tuple(_folder(path, table, inside.get(table.folder, [])) for table in tables),
        tuple(info for info in below if _is_beside(info.path)),
        tuple(info for info in below if _is_hidden(info.path)),
        schemas,
    )


def tables_in(files: FileSystem, path: str) -> Iterator[MirroredTable]:
    """The tables by the folders that are there, no matter what is in them. Blocks."""
    for name in files.folders(path):
        if is_hidden(name):
            continue
        if not name.endswith(SCHEMA_SUFFIX):
            yield MirroredTable(None, name)
        elif schema := name.removesuffix(SCHEMA_SUFFIX):
            for inner in files.folders(f"{path}/{name}".lstrip("/")):
                if not is_hidden(inner):
                    yield MirroredTable(schema, inner)


def _folder(path: str, table: MirroredTable, inside: list[FileInfo]) -> TableFolder:
    own = tuple(_below(table.folder, info) for info in inside)
    return TableFolder(table, f"{path}/{table.folder}".lstrip("/"), own)


def _home(path: str) -> str:
    """The folder of the table that a file lies in; "" for one that lies in none."""
    words = path.split("/")
    deep = 2 if _is_schema(words[0]) else 1
    return "/".join(words[:deep]) if len(words) > deep else ""


def _below(folder: str, info: FileInfo) -> FileInfo:
    inside = info.path.removeprefix(f"{folder}/") if folder else info.path
    return FileInfo(inside, info.size, info.version, info.modified)


def _is_beside(path: str) -> bool:
    folder, inside, rest = path.partition("/")
    return not inside or (_is_schema(folder) and "/" not in rest)


def _is_hidden(path: str) -> bool:
    folder, inside, rest = path.partition("/")
    return bool(inside) and (is_hidden(folder) or (_is_schema(folder) and _below_hidden(rest)))


def _below_hidden(rest: str) -> bool:
    folder, inside, _ = rest.partition("/")
    return bool(inside) and is_hidden(folder)


def _is_schema(folder: str) -> bool:
    return folder.endswith(SCHEMA_SUFFIX) and not is_hidden(folder)
