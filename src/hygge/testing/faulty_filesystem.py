"""Any filesystem, made to fail where a test wants it to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Self, TypeVar, cast

from hygge.filesystems.filesystem import NOTHING, FileInfo, FileSystem, Sink
from hygge.filesystems.locating import locate
from hygge.testing.faults import Trigger

T = TypeVar("T")


class FaultyFileSystem(FileSystem):
    """Any filesystem, asking `trigger` before and after each of its side effects.

    Settings reach it by `filesystem: hygge.testing.faulty_filesystem:FaultyFileSystem`; the path
    says which filesystem is inside.
    """

    name: ClassVar[str] = "faulty"
    trigger: ClassVar[Trigger] = Trigger()

    def __init__(self, inner: FileSystem) -> None:
        super().__init__(inner.root)
        self._inner = inner
        self.capabilities = inner.capabilities  # type: ignore[misc]  # of this one, not of all

    @classmethod
    def at(cls, path: str, settings: Mapping[str, Any] = NOTHING) -> tuple[Self, str]:
        inner, inside = locate(path, settings=settings)
        return cls(inner), inside

    def _around(self, what: str, work: Callable[[], T]) -> T:
        self.trigger(f"before {what}")
        done = work()
        self.trigger(f"after {what}")
        return done

    def url(self, path: str = "") -> str:
        return self._inner.url(path)

    def delta_options(self) -> Mapping[str, str] | None:
        return self._inner.delta_options()

    def local(self, path: str) -> Path | None:
        return self._inner.local(path)

    def list(self, folder: str = "") -> Iterable[FileInfo]:
        return self._inner.list(folder)

    def folders(self, folder: str) -> Sequence[str]:
        return self._inner.folders(folder)

    def info(self, path: str) -> FileInfo | None:
        return self._inner.info(path)

    def is_folder(self, path: str) -> bool:
        return self._inner.is_folder(path)

    def open(self, path: str) -> BinaryIO:
        return self._inner.open(path)

    def get(self, path: str) -> bytes | None:
        return self._inner.get(path)

    def create(self, path: str) -> Sink:
        made = self._around("create", lambda: self._inner.create(path))
        return cast(Sink, _FaultySink(made, self.trigger))

    def put_once(self, path: str, data: bytes) -> bool:
        return self._around("put_once", lambda: self._inner.put_once(path, data))

    def replace(self, path: str, data: bytes) -> None:
        self._around("replace", lambda: self._inner.replace(path, data))

    def make_folder(self, folder: str) -> None:
        self._around("make_folder", lambda: self._inner.make_folder(folder))

    def move(self, source: str, target: str) -> None:
        self._around("move", lambda: self._inner.move(source, target))

    def move_once(self, source: str, target: str) -> bool:
        return self._around("move_once", lambda: self._inner.move_once(source, target))

    def drop_folder(self, folder: str, witness: FileInfo) -> None:
        self._around("drop_folder", lambda: self._inner.drop_folder(folder, witness))

    def delete(self, path: str) -> None:
        self._around("delete", lambda: self._inner.delete(path))

    def delete_folder(self, folder: str) -> None:
        self._around("delete_folder", lambda: self._inner.delete_folder(folder))

    def sync(self, folders: Iterable[str]) -> None:
        self._around("sync", lambda: self._inner.sync(folders))


class _FaultySink:
    """A file being written, asking before each write and around its end."""

    def __init__(self, inner: Sink, trigger: Trigger) -> None:
        self._inner, self._trigger = inner, trigger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write(self, data: bytes, /) -> int:
        self._trigger("before write")
        return self._inner.write(data)

    def close(self) -> None:
        self._trigger("before close")
        self._inner.close()
        self._trigger("after close")
