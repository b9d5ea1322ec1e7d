"""Which files make up a table: a file, a folder, a glob, or a name without its suffix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hygge import registry
from hygge.core.config import nearest
from hygge.core.errors import ConfigError, HomeError, SourceChanged, SourceMissing
from hygge.filesystems.filesystem import FileInfo, FileSystem
from hygge.formats.format import Format
from hygge.homes.file_commits import Commits

WILD = re.compile(r"[*?\[]")
_PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip", ".lz4", ".sz", ".snappy")


@dataclass(frozen=True)
class FileSet:
    """The files of one table, sorted by path: name (within the path that was asked for) → file."""

    format: Format[Any]
    files: Mapping[str, FileInfo]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """What the settings say: where to look, and for what. Looks anew at each call."""

    fs: FileSystem
    path: str
    format: str | None
    options: Mapping[str, Any]

    @property
    def url(self) -> str:
        return self.fs.url(self.path)

    def find(self) -> FileSet:
        """Raises SourceMissing where there is nothing to read, ConfigError where it is unclear."""
        if "_hygge" in self.path.split("/"):
            raise ConfigError("this folder is hygge's own, not data", file=self.url)
        if file := self.fs.info(self.path):
            return self._one(file)
        if self.fs.is_folder(self.path):
            return self._quietly(self.path)
        if wild := WILD.search(self.path):
            return self._quietly(self.path[: wild.start()].rpartition("/")[0], _glob(self.path))
        return self._one(self._with_suffix())

    # one file

    def _one(self, file: FileInfo) -> FileSet:
        folder, _, name = file.path.rpartition("/")
        if name[0] not in "._":
            Commits(self.fs, folder).newest()
        known = self.format or registry.format_of(name)
        if known is None and _is_packed(name):
            raise self._packed(file)
        if known is None and "." in name and not self._begins_as_parquet(file):
            raise ConfigError(
                f"nothing tells what is in {name}",
                **_at(self),
                hint="set `type` to csv, ndjson, arrow or parquet",
            )
        return FileSet(self._made(known or "parquet"), {name: file})

    def _begins_as_parquet(self, file: FileInfo) -> bool:
        with self.fs.open(file.path) as handle:
            return handle.read(4) == b"PAR1"

    def _with_suffix(self) -> FileInfo:
        """The one file of this name in a format we read."""
        names = [self.format] if self.format else list(registry.suffixes())
        paths = [self.path + suffix for name in names for suffix in registry.suffixes()[name]]
        found = [file for path in paths if (file := self.fs.info(path))]
        if not found:
            raise self._missing()
        if len(found) > 1:
            told = " and ".join(file.path.rpartition("/")[2] for file in found)
            hint = "write the whole name, or say which `format`"
            raise ConfigError(
                f"it is not clear what to read: there are {told}", **_at(self), hint=hint
            )
        return found[0]

    # many files

    def _quietly(self, folder: str, pattern: re.Pattern[str] | None = None) -> FileSet:
        """The files, listed while no commit was under way."""
        deep = pattern is None or "**" in self.path or "/" in self.path[len(folder) + 1 :]
        commits = Commits(self.fs, folder, deep)
        before = commits.newest()
        found = self._many(folder, commits.current(), pattern)
        if commits.newest() != before:
            raise SourceChanged("a load came in while the files were listed", **_at(self))
        return found

    def _many(self, folder: str, within: Sequence[str], pattern: re.Pattern[str] | None) -> FileSet:
        cut = len(folder) + 1 if folder else 0
        listed = {file.path[cut:]: file for part in within for file in self.fs.list(part)}
        self._refuse_versioned(listed)
        seen = {
            name: file
            for name, file in listed.items()
            if not _hidden(name) and (not pattern or pattern.fullmatch(file.path))
        }
        if not seen:
            raise self._unmatched(folder) if pattern else self._nothing(False)
        chosen = self.format or self._their_format(seen)
        taken, others = dict[str, FileInfo](), list[str]()
        for name in sorted(seen):
            if name.lower().endswith(registry.suffixes().get(chosen, self._own(chosen))):
                taken[name] = seen[name]
            elif _is_packed(name):
                raise self._packed(seen[name])
            else:
                others.append(name)
        if not taken:
            raise self._nothing(pattern is not None, others)
        form, notes = self._made(chosen), list(_notes(taken, others, chosen))
        empty = [name for name, file in taken.items() if not file.size]
        if empty and len(empty) < len(taken) and not form.capabilities.end:
            # a text of nothing is a table of nothing; other formats have at least an end
            some = "1 file is" if len(empty) == 1 else f"{len(empty)} files are"
            notes.append(f"{some} empty, without even a header: {empty[0]}")
            taken = {name: file for name, file in taken.items() if file.size}
        return FileSet(form, taken, tuple(notes))

    def _refuse_versioned(self, names: Iterable[str]) -> None:
        """Their superseded versions would be read, too."""
        for name in names:
            if name.endswith("/_current.json"):
                table = name.removesuffix("/_current.json")
                hint = f"read {self.fs.url(self.path)}/{table} as a table of its own"
                what = f"the versioned table {table} lies in this folder"
                raise ConfigError(what, **_at(self), hint=hint)
            if "_delta_log" in name.split("/"):
                folder = f"{self.path}/{name.partition('_delta_log')[0]}".rstrip("/")
                what = "a Delta table lies in this folder: only its log tells which files are its"
                hint = f"type: delta, path: {self.fs.url(folder)}"
                raise ConfigError(what, **_at(self), hint=hint)

    def _their_format(self, names: Iterable[str]) -> str:
        found = {known: name for name in names if (known := registry.format_of(name))}
        if len(found) > 1:
            told = " and ".join(f"{known} ({name})" for known, name in sorted(found.items()))
            hint = f"say which to read: `format: {min(found)}`"
            raise ConfigError(f"there are files of several formats: {told}", **_at(self), hint=hint)
        if not found:
            packed = [name for name in names if _is_packed(name)]
            if packed:
                raise HomeError(f"{packed[0]} is compressed", **_at(self), hint="unpack it first")
            raise self._nothing(False, sorted(names))
        return next(iter(found))

    def _made(self, name: str) -> Format[Any]:
        made: Format[Any] = registry.find("formats", name).load().build(self.options)
        return made

    def _own(self, name: str) -> tuple[str, ...]:
        suffixes: tuple[str, ...] = registry.find("formats", name).load().suffixes
        return suffixes

    # what to say

    def _packed(self, file: FileInfo) -> HomeError:
        return HomeError(
            "this file is compressed as a whole, and not read so",
            file=self.fs.url(file.path),
            hint="unpack it first",
        )

    def _nothing(self, glob: bool, others: Sequence[str] = ()) -> SourceMissing:
        what = "no file matches" if glob else "there are no data files in this folder"
        hint = "names that begin with . or _ are not read"
        if others:
            shown = ", ".join(others[:3]) + (" …" if len(others) > 3 else "")
            looked = f"{self.format} files" if self.format else "a suffix we know"
            hint = f"looked for {looked} and saw {shown}; set `format` to what they are"
        return SourceMissing(what, **_at(self), hint=hint)

    def _unmatched(self, folder: str) -> SourceMissing:
        there = [name for name in self._names_in(folder) if name[0] not in "._"]
        shown = ", ".join(there[:8]) + (" …" if len(there) > 8 else "")
        hint = f"in {self.fs.url(folder)} there is {shown or 'nothing'}"
        if not self.fs.is_folder(folder):
            hint = f"there is no folder {self.fs.url(folder)}"
        return SourceMissing("no file matches", **_at(self), hint=hint)

    def _missing(self) -> SourceMissing:
        parent, _, name = self.path.rpartition("/")
        if parent and not self.fs.is_folder(parent):
            while (above := parent.rpartition("/")[0]) and not self.fs.is_folder(above):
                parent = above
            what, hint = f"there is no folder {self.fs.url(parent)}", ", or make the folder"
            if self.fs.info(parent) is not None:
                what, hint = f"{self.fs.url(parent)} is a file, not a folder", ""
            return SourceMissing(what, **_at(self), hint=f"correct the path{hint}")
        there = [n for n in self._names_in(parent) if n[0] not in "._"]
        near = nearest(name, there)
        shown = ", ".join(there[:8]) + (" …" if len(there) > 8 else "")
        hint = f"did you mean {near!r}?" if near else f"beside it: {shown or 'nothing'}"
        return SourceMissing("there is no such file or folder", **_at(self), hint=hint)

    def _names_in(self, folder: str) -> list[str]:
        if not self.fs.is_folder(folder):
            return []
        if (local := self.fs.local(folder)) is not None:
            return sorted(entry.name for entry in local.iterdir())
        cut = len(folder) + 1 if folder else 0
        files = (file.path[cut:] for file in self.fs.list(folder))
        return [*self.fs.folders(folder), *(name for name in files if "/" not in name)]


def _at(wanted: Wanted) -> dict[str, Any]:
    return {"file": wanted.url}


def _is_packed(name: str) -> bool:
    """Whether it is a file we would read, were it not compressed as a whole."""
    stem, dot, suffix = name.lower().rpartition(".")
    return (
        dot + suffix in _PACKED
        and registry.format_of(name) is None
        and registry.format_of(stem) is not None
    )


def _hidden(name: str) -> bool:
    return any(part[0] in "._" for part in name.split("/"))


def _notes(taken: Iterable[str], others: Sequence[str], chosen: str) -> Iterator[str]:
    if others:
        shown = ", ".join(others[:3]) + (" …" if len(others) > 3 else "")
        some = "1 file is" if len(others) == 1 else f"{len(others)} files are"
        yield f"{some} not {chosen}, and not read: {shown}"
    keyed = next((name for name in taken for part in name.split("/")[:-1] if "=" in part), None)
    if keyed is not None and not keyed.startswith("v="):
        yield f"folder names are not read as columns: {keyed}"


def _glob(pattern: str) -> re.Pattern[str]:
    """`*` and `?` stay within a name, `**` goes to any depth, `[ab]` is one of these."""
    out, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            out, at = out + "(?:[^/]+/)*", at + 3
        elif pattern.startswith("**", at):
            out, at = out + ".*", at + 2
        elif pattern[at] == "*":
            out, at = out + "[^/]*", at + 1
        elif pattern[at] == "?":
            out, at = out + "[^/]", at + 1
        elif pattern[at] == "[" and (end := pattern.find("]", at + 2)) > 0:
            inside = pattern[at + 1 : end].replace("\\", "\\\\")
            negated = f"^{inside[1:]}" if inside[0] == "!" else inside.replace("^", r"\^")
            out, at = f"{out}[{negated}]", end + 1
        else:
            out, at = out + re.escape(pattern[at]), at + 1
    return re.compile(out)
