"""This process's memory: files under a name, for tests and for passing tables along."""

from __future__ import annotations

import io
import itertools
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, ClassVar

from hygge.core.errors import HomeError, SourceMissing, StoreError
from hygge.filesystems.filesystem import FileInfo, FileSystem, FileSystemCapabilities
from hygge.filesystems.sink import DigestingSink

_BIRTHS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class _File:
    data: bytes
    birth: int = field(default_factory=lambda: next(_BIRTHS))


@dataclass(slots=True)
class _Disk:
    """The files and folders under one name, and the lock that every look at them takes."""

    files: dict[str, _File] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)


_DISKS: dict[str, _Disk] = {}
_DISKS_LOCK = threading.Lock()


def forget(name: str) -> None:
    """Throw away all that lies under this name."""
    with _DISKS_LOCK:
        _DISKS.pop(name, None)


class MemoryFileSystem(FileSystem):
    """Files below `memory://name/`. Every one of this name, in this process, sees the same."""

    name: ClassVar[str] = "memory"
    capabilities: ClassVar[FileSystemCapabilities] = FileSystemCapabilities(steady=True)

    @property
    def _disk(self) -> _Disk:
        with _DISKS_LOCK:
            return _DISKS.setdefault(self.root, _Disk())

    def url(self, path: str = "") -> str:
        return f"memory://{self.root}/{_clean(path)}"

    def list(self, folder: str = "") -> Iterable[FileInfo]:
        disk, folder = self._disk, _clean(folder)
        with disk.lock:
            return [
                _info(path, file) for path, file in sorted(disk.files.items()) if _in(path, folder)
            ]

    def folders(self, folder: str) -> Sequence[str]:
        disk, folder = self._disk, _clean(folder)
        with disk.lock:
            below = {path for path in disk.folders if path and _in(path, folder)}
        start = len(folder) + 1 if folder else 0
        return sorted({path[start:].partition("/")[0] for path in below})

    def info(self, path: str) -> FileInfo | None:
        path, disk = _clean(path), self._disk
        with disk.lock:
            file = disk.files.get(path)
        return _info(path, file) if file else None

    def is_folder(self, path: str) -> bool:
        path = _clean(path)
        return not path or path in self._disk.folders

    def open(self, path: str) -> BinaryIO:
        if (data := self.get(path)) is None:
            raise SourceMissing("there is no such file", file=self.url(path))
        return io.BytesIO(data)

    def get(self, path: str) -> bytes | None:
        path, disk = _clean(path), self._disk
        if self.is_folder(path):
            raise HomeError("this is a folder, not a file", file=self.url(path))
        with disk.lock:
            file = disk.files.get(path)
        return file.data if file else None

    def create(self, path: str) -> MemorySink:
        path, disk = _clean(path), self._disk
        with disk.lock:
            if not self.is_folder(_parent(path)):
                raise StoreError("cannot make this file: its folder is gone", file=self.url(path))
            self._refuse_what_is_there(path)
            disk.files[path] = _File(b"")
        return MemorySink(self, path)

    def _refuse_what_is_there(self, path: str) -> None:
        if path in self._disk.files or self.is_folder(path):
            raise StoreError("cannot make this file: it is there already", file=self.url(path))

    def fill(self, path: str, data: bytes) -> None:
        """Give a file that was created its bytes; one that was deleted meanwhile stays so."""
        disk = self._disk
        with disk.lock:
            if path in disk.files:
                disk.files[path] = _File(data)

    def put_once(self, path: str, data: bytes) -> bool:
        path, disk = _clean(path), self._disk
        with disk.lock:
            if path in disk.files or self.is_folder(path):
                return False
            self.replace(path, data)
            return True

    def replace(self, path: str, data: bytes) -> None:
        path, disk = _clean(path), self._disk
        with disk.lock:
            self._refuse_folder(path)
            self.make_folder(_parent(path))
            disk.files[path] = _File(bytes(data))

    def _refuse_folder(self, path: str) -> None:
        if self.is_folder(path):
            raise StoreError("this is a folder, not a file", file=self.url(path))

    def make_folder(self, folder: str) -> None:
        folder, disk = _clean(folder), self._disk
        with disk.lock:
            while folder:
                if folder in disk.files:
                    raise StoreError(
                        "cannot make this folder: a part of its path is a file",
                        file=self.url(folder),
                    )
                disk.folders.add(folder)
                folder = _parent(folder)

    def move(self, source: str, target: str) -> None:
        source, target, disk = _clean(source), _clean(target), self._disk
        with disk.lock:
            if (file := disk.files.get(source)) is None:
                return
            self._refuse_folder(target)
            self.make_folder(_parent(target))
            del disk.files[source]
            disk.files[target] = file

    def move_once(self, source: str, target: str) -> bool:
        source, target, disk = _clean(source), _clean(target), self._disk
        with disk.lock:
            if source in disk.files and (target in disk.files or self.is_folder(target)):
                return False
            self.move(source, target)
            return True

    def drop_folder(self, folder: str, witness: FileInfo) -> None:
        with self._disk.lock:
            if self.info(witness.path) == witness:
                self.delete_folder(folder)

    def delete(self, path: str) -> None:
        path, disk = _clean(path), self._disk
        with disk.lock:
            self._refuse_folder(path)
            disk.files.pop(path, None)

    def delete_folder(self, folder: str) -> None:
        folder, disk = _clean(folder), self._disk
        with disk.lock:
            for path in [path for path in disk.files if _in(path, folder)]:
                del disk.files[path]
            disk.folders -= {path for path in disk.folders if path == folder or _in(path, folder)}

    def sync(self, folders: Iterable[str]) -> None:
        """Nothing: memory outlives no process."""


class MemorySink(DigestingSink):
    """A new file in memory; its bytes are seen from `close` on."""

    def __init__(self, files: MemoryFileSystem, path: str) -> None:
        super().__init__()
        self._files, self._path, self._data = files, path, bytearray()

    def _put(self, data: memoryview) -> None:
        self._data += data

    def _make_durable(self) -> None:
        self._files.fill(self._path, bytes(self._data))

    def _let_go(self) -> None:
        self._data.clear()


def _clean(path: str) -> str:
    return path.strip("/")


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _in(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def _info(path: str, file: _File) -> FileInfo:
    return FileInfo(path, len(file.data), str(file.birth))
