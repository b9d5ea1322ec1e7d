"""One schema for many files: what all of them say, and where they differ."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from hygge.core.config import nearest
from hygge.core.errors import ConfigError, HomeError, SchemaMismatch, SourceChanged
from hygge.core.schema import Column, TableSchema
from hygge.core.types import type_name
from hygge.filesystems.filesystem import FileInfo, FileSystem
from hygge.formats.format import Format

_KNOWN_AT_MOST = 20_000
_AT_ONCE = 16


@dataclass(frozen=True)
class Union:
    """The schema that holds for every file, and what a person should know of it."""

    schema: TableSchema
    notes: tuple[str, ...] = ()


class _Known:
    """The schemas of files looked at before, by their version: a CSV is read to its end for it."""

    def __init__(self) -> None:
        self._schemas = dict[tuple[str, ...], TableSchema]()
        self._lock = threading.Lock()

    def schema(self, fs: FileSystem, file: FileInfo, form: Format[Any]) -> TableSchema:
        key = (fs.url(file.path), file.version, form.name, form.options.model_dump_json())
        with self._lock:
            if (found := self._schemas.get(key)) is not None:
                return found
        found = form.schema(fs.source(file.path, file))
        with self._lock:
            while len(self._schemas) >= _KNOWN_AT_MOST:
                del self._schemas[next(iter(self._schemas))]
            self._schemas[key] = found
        return found


_KNOWN = _Known()


@dataclass
class _Seen:
    """One column over all files so far: its type, and the files that have it or made it so."""

    column: Column
    file: str
    files: int = 1
    types: dict[str, str] = field(default_factory=dict)


def union(fs: FileSystem, files: Mapping[str, FileInfo], form: Format[Any]) -> Union:
    """The schema of these files, by the names they go by. Raises SchemaMismatch naming two."""
    columns = dict[str, _Seen]()
    keys = set[tuple[str, ...]]()
    doubts = dict[str, None]()
    for name, schema in zip(files, _schemas(fs, files.values(), form), strict=True):
        keys.add(schema.keys)
        doubts.update(dict.fromkeys(schema.notes))
        for column in schema.columns:
            _meet(columns, column, name, form)
    _refuse_unknown(form, columns)
    everywhere = {name: seen.files == len(files) for name, seen in columns.items()}
    told = tuple(
        Column(
            name,
            form.settled(seen.column.type),
            seen.column.nullable or not everywhere[name],
        )
        for name, seen in columns.items()
    )
    common = keys.pop() if len(keys) == 1 else ()
    return Union(TableSchema(told, common), (*doubts, *_notes(columns, len(files))))


def _refuse_unknown(form: Format[Any], columns: Collection[str]) -> None:
    for name in form.named:
        if name not in columns:
            near = nearest(name, columns)
            told = f"the columns are {', '.join(list(columns)[:12])}"
            raise ConfigError(
                f"`schema` speaks of a column that no file has: {name!r}",
                column=name,
                hint=f"did you mean {near!r}?" if near else told,
            )


def _schemas(
    fs: FileSystem, files: Collection[FileInfo], form: Format[Any]
) -> Iterator[TableSchema]:
    """Of each file, in order. Where each look is a wait, several are looked at at once."""
    if fs.local("") is not None or len(files) < 2:
        yield from (_schema(fs, file, form) for file in files)
        return
    with ThreadPoolExecutor(_AT_ONCE, "schema") as pool:
        yield from pool.map(lambda file: _schema(fs, file, form), files)


def _schema(fs: FileSystem, file: FileInfo, form: Format[Any]) -> TableSchema:
    try:
        return _KNOWN.schema(fs, file, form)
    except (OSError, HomeError) as failed:
        url = fs.url(file.path)
        if fs.info(file.path) != file:
            raise SourceChanged("the file changed while it was looked at", file=url) from failed
        if isinstance(failed, HomeError):
            raise
        raise HomeError(f"cannot be read: {failed}", file=url) from failed


def _meet(columns: dict[str, _Seen], column: Column, file: str, form: Format[Any]) -> None:
    kind = type_name(column.type)
    if (seen := columns.get(column.name)) is None:
        columns[column.name] = _Seen(column, file, types={kind: file})
        return
    wider = form.widened(seen.column.type, column.type)
    if wider is None:
        was = type_name(seen.column.type)
        first = seen.types.get(was, seen.file)
        raise SchemaMismatch(
            f"two files disagree: {column.name!r} is {was} in {first} and {kind} in {file}",
            column=column.name,
            hint="read them as two flows, or write one of them anew with the other's type",
        )
    seen.files += 1
    seen.types.setdefault(kind, file)
    seen.column = Column(column.name, wider, seen.column.nullable or column.nullable)


def _notes(columns: dict[str, _Seen], files: int) -> list[str]:
    told = list[str]()
    for name, seen in columns.items():
        if (missing := files - seen.files) > 0:
            told.append(f"column {name!r} is NULL for {missing} of {files} files that lack it")
        kinds = {kind: file for kind, file in seen.types.items() if kind != "null"}
        if len(kinds) > 1:
            types = ", ".join(f"{kind} in {file}" for kind, file in kinds.items())
            told.append(f"column {name!r} is {types}; read as {type_name(seen.column.type)}")
    return told
