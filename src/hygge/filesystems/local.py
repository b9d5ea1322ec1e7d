"""This machine's disk."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, ClassVar
from urllib.parse import unquote

import xxhash

from hygge.core.errors import ConfigError
from hygge.filesystems.filesystem import (
    FileInfo,
    FileSystem,
    FileSystemCapabilities,
    scheme,
    without_scheme,
)
from hygge.filesystems.local_disk import LocalSink, is_there, make_folder, opened, sync_folder
from hygge.filesystems.local_errors import reading, writing


class LocalFileSystem(FileSystem):
    """Files below a folder of this machine."""

    name: ClassVar[str] = "local"
    capabilities: ClassVar[FileSystemCapabilities] = FileSystemCapabilities(steady=True)

    @classmethod
    def rooted(cls, path: str, settings: Any) -> tuple[str, str]:
        plain = unquote(without_scheme(path)) if scheme(path) == "file" else path
        if not plain.startswith("/"):
            raise ConfigError(f"the path {path!r} is relative, and nobody said to what")
        return "/", os.path.normpath(plain).lstrip("/")

    def url(self, path: str = "") -> str:
        return str(self._at(path))

    def delta_options(self) -> Mapping[str, str]:
        return {}

    def local(self, path: str) -> Path:
        return self._at(path)

    def _at(self, path: str) -> Path:
        return _path(self.root, path)

    def list(self, folder: str = "") -> Iterable[FileInfo]:
        top = self._at(folder)
        with reading("look into this folder", top):
            return sorted(self._below(top, ()), key=lambda file: file.path)

    def _below(self, folder: Path, above: tuple[tuple[int, int], ...]) -> Iterator[FileInfo]:
        try:
            seen, entries = folder.stat(), sorted(os.scandir(folder), key=lambda e: e.name)
        except FileNotFoundError:  # taken away while we looked: there is nothing below
            return
        me = (seen.st_dev, seen.st_ino)
        if me in above:  # a link to a folder that it lies in
            return
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                if entry.is_dir():
                    yield from self._below(Path(entry.path), (*above, me))
                elif entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists()):
                    # a link that leads nowhere is told, so that reading it fails aloud
                    yield self._info(Path(entry.path), entry.stat(follow_symlinks=entry.is_file()))

    def folders(self, folder: str) -> Sequence[str]:
        where = self._at(folder)
        with reading("look into this folder", where), contextlib.suppress(FileNotFoundError):
            return sorted(entry.name for entry in os.scandir(where) if entry.is_dir())
        return []

    def info(self, path: str) -> FileInfo | None:
        found = self._stat(path)
        return self._info(self._at(path), found) if found and stat.S_ISREG(found.st_mode) else None

    def is_folder(self, path: str) -> bool:
        found = self._stat(path)
        return found is not None and stat.S_ISDIR(found.st_mode)

    def _stat(self, path: str) -> os.stat_result | None:
        where = self._at(path)
        with (
            reading("look at this file", where),
            contextlib.suppress(FileNotFoundError, NotADirectoryError),
        ):
            return where.stat()
        return None

    def _info(self, path: Path, found: os.stat_result) -> FileInfo:
        version = f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"
        inside = str(path.relative_to(self.root))
        return FileInfo(inside, found.st_size, version, found.st_mtime)

    def open(self, path: str) -> BinaryIO:
        where = self._at(path)
        with reading("read this file", where):
            return where.open("rb")

    def get(self, path: str) -> bytes | None:
        where = self._at(path)
        with (
            reading("read this file", where),
            contextlib.suppress(FileNotFoundError, NotADirectoryError),
        ):
            return where.read_bytes()
        return None

    def create(self, path: str) -> LocalSink:
        return LocalSink(self._at(path))

    def put_once(self, path: str, data: bytes) -> bool:
        target, half = self._at(path), self._half(path)
        with writing("write this file", target):
            self._put(half, data)
            try:
                os.link(half, target)
                made = True
            except FileExistsError:
                made = False
            except FileNotFoundError:  # whoever came first swept our half away
                if not target.exists():
                    raise
                made = False
            finally:
                half.unlink(missing_ok=True)
            sync_folder(target.parent)  # also when we lost: what is there gets acted upon
            return made

    def replace(self, path: str, data: bytes) -> None:
        target, half = self._at(path), self._half(path)
        with writing("write this file", target):
            self._put(half, data)
            try:
                half.replace(target)
            except OSError:
                half.unlink(missing_ok=True)
                raise
            sync_folder(target.parent)

    def _half(self, path: str) -> Path:
        target = self._at(path)
        return target.with_name(f"_{target.name}.{secrets.token_hex(6)}")

    def _put(self, half: Path, data: bytes) -> None:
        try:
            with opened(half) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            half.unlink(missing_ok=True)
            raise

    def make_folder(self, folder: str) -> None:
        where = self._at(folder)
        with writing("make this folder", where):
            make_folder(where)

    def move(self, source: str, target: str) -> None:
        old, new = self._at(source), self._at(target)
        with writing("move a file here", new):
            try:
                old.replace(new)
            except FileNotFoundError:
                if is_there(old):
                    make_folder(new.parent)
                    old.replace(new)

    def move_once(self, source: str, target: str) -> bool:
        """By a second name for the same file: a crash between leaves both, which are one."""
        old, new = self._at(source), self._at(target)
        with writing("move a file here", new):
            if not is_there(old):
                return True
            make_folder(new.parent)
            try:
                os.link(old, new, follow_symlinks=False)
            except FileNotFoundError:  # somebody else moved it just now
                return not is_there(old)
            except FileExistsError:
                if not _is_same(old, new):
                    return not is_there(old)
            old.unlink(missing_ok=True)
            return True

    def drop_folder(self, folder: str, witness: FileInfo) -> None:
        """Taken aside in one step, looked at there, and only then deleted."""
        where, inside = self._at(folder), Path(witness.path).relative_to(folder.strip("/"))
        aside = where.with_name(
            f"_{where.name}.{xxhash.xxh3_64_hexdigest(witness.version.encode())}"
        )
        with writing("delete this folder", where):
            if self._version(where / inside) == witness.version:
                with contextlib.suppress(FileNotFoundError):
                    where.rename(aside)
            if self._version(aside / inside) not in (None, witness.version):
                aside.rename(where)  # another had been made just before
        self.delete_folder(str(aside.relative_to(self.root)))

    def _version(self, file: Path) -> str | None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return self._info(file, file.stat()).version
        return None

    def delete(self, path: str) -> None:
        where = self._at(path)
        with writing("delete this file", where):
            where.unlink(missing_ok=True)

    def delete_folder(self, folder: str) -> None:
        where = self._at(folder)
        with writing("delete this folder", where):
            while is_there(where):
                with contextlib.suppress(FileNotFoundError):  # someone else deletes it, too
                    shutil.rmtree(where)

    def prune(self, folder: str, top: str) -> None:
        where, last = self._at(folder), self._at(top)
        with contextlib.suppress(OSError):  # not empty, gone, or not ours to remove: it stays
            while where.is_relative_to(last):
                where.rmdir()
                where = where.parent

    def sync(self, folders: Iterable[str]) -> None:
        for folder in folders:
            where = self._at(folder)
            with writing("make this folder durable", where):
                sync_folder(where)


def _is_same(one: Path, two: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):  # somebody else moves it, too
        return one.samefile(two)
    return False


@lru_cache(maxsize=4096)
def _path(root: str, path: str) -> Path:
    """Taking a path apart costs more than looking at the file: each is taken apart once."""
    return Path(root, path)
