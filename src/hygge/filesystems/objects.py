"""Objects in a bucket or a container, by obstore: what all clouds share.

A folder is only what names have in common; one that was made, and is empty, has an object that
nobody is told of. An object shows once it is whole. Moving is copying and then deleting, which can
be done again.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import Any, BinaryIO, ClassVar, Final, cast

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError

from hygge.core.errors import (
    ConnectionFailed,
    HomeError,
    HyggeError,
    SourceChanged,
    StoreError,
)
from hygge.filesystems.filesystem import FileInfo, FileSystem, FileSystemCapabilities
from hygge.filesystems.object_errors import NO_PLACE, opening, told
from hygge.filesystems.object_reader import ObjectReader
from hygge.filesystems.object_sink import ObjectSink

RETRY: Final[Any] = {
    "max_retries": 6,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {
        "base": 2,
        "init_backoff": timedelta(milliseconds=200),
        "max_backoff": timedelta(seconds=10),
    },
}
"""For 429, 5xx and connections that break; the server's own wish to wait is kept to."""
_MADE: Final = ".hygge-folder"
"""In a folder that was made: so that it is there while it is empty, and seen to be gone."""


class ObjectFileSystem(FileSystem):
    """Files that are objects. Its settings say which bucket, and who we are."""

    capabilities: ClassVar[FileSystemCapabilities] = FileSystemCapabilities(
        atomic_move=False, folders=False, versions=True
    )
    gives_names_once: ClassVar[str] = "a server that keeps to `If-None-Match: *`"

    @abstractmethod
    def made(self) -> Any:
        """The library's own store for our bucket."""

    @cached_property
    def store(self) -> Any:
        with opening(self.url()):
            return self.made()

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "store"}

    # looking

    def list(self, folder: str = "") -> Iterable[FileInfo]:
        folder = folder.strip("/")
        with told(HomeError, "look into this folder", self.url(folder)):
            pages = obstore.list(self.store, folder or None)
            found = [_info(o) for page in pages for o in page if not o["path"].endswith(_MADE)]
        above = {part for file in found for part in _above(file.path)} | {folder}
        return sorted(
            # an empty object that has the name of a folder stands for it
            (file for file in found if file.size or file.path not in above),
            key=lambda file: file.path,
        )

    def folders(self, folder: str) -> Sequence[str]:
        folder = folder.strip("/")
        with told(HomeError, "look into this folder", self.url(folder)):
            found = obstore.list_with_delimiter(self.store, folder or None)
        return sorted(path.rpartition("/")[2] for path in found["common_prefixes"])

    def info(self, path: str) -> FileInfo | None:
        with told(HomeError, "look at this file", self.url(path)):
            try:
                return _info(obstore.head(self.store, path.strip("/")))
            except FileNotFoundError as failed:
                refuse_no_place(failed)
        return None

    def is_folder(self, path: str) -> bool:
        path = path.strip("/")
        if not path:
            return True
        with told(HomeError, "look at this folder", self.url(path)):
            pages = obstore.list(self.store, path, chunk_size=2)
            return any(o["path"] != path for page in pages for o in page)

    def open(self, path: str) -> BinaryIO:
        url, path = self.url(path), path.strip("/")
        with told(HomeError, "read this file", url):
            return self.open_as(_info(obstore.head(self.store, path)))

    def open_as(self, file: FileInfo) -> BinaryIO:
        def fetch(start: int, end: int) -> memoryview:
            with told(HomeError, "read this file", self.url(file.path)):
                return self._fetched(file, start, end)

        return cast(BinaryIO, ObjectReader(file.size, fetch))

    def _fetched(self, file: FileInfo, start: int, end: int) -> memoryview:
        """Bytes of the object as it was when it was opened. Raises SourceChanged for another."""
        wish: Any = {"range": (start, end), "if_match": file.version}
        try:
            return memoryview(obstore.get(self.store, file.path, options=wish).bytes())
        except PreconditionError as failed:
            told = "the file changed while it was read"
            raise SourceChanged(told, file=self.url(file.path)) from failed

    def get(self, path: str) -> bytes | None:
        with told(HomeError, "read this file", self.url(path)):
            try:
                return bytes(obstore.get(self.store, path.strip("/")).bytes())
            except FileNotFoundError as failed:
                refuse_no_place(failed)
        return None

    # writing

    def create(self, path: str) -> ObjectSink:
        folder = path.strip("/").rpartition("/")[0]
        made = self.was_made(folder)
        if not (made or self.is_folder(folder)):
            raise StoreError("cannot make this file: its folder is gone", file=self.url(path))
        if self.info(path) is not None:
            raise StoreError("cannot make this file: it is there already", file=self.url(path))
        return self.sink(path.strip("/"), folder if made else None)

    def sink(self, path: str, folder: str | None) -> ObjectSink:
        """A new object; `folder` is the one that was made for it, if it was."""
        return ObjectSink(self, path, folder)

    def was_made(self, folder: str) -> bool:
        """Whether the folder is one that was made, and not deleted since."""
        return bool(folder) and self.info(f"{folder}/{_MADE}") is not None

    def take_back(self, path: str) -> None:
        """Delete what was written after its folder was gone, and the folder if it came back so."""
        self.delete(path)

    def put_once(self, path: str, data: bytes) -> bool:
        """Where the answer is lost, what is there tells whether it was ours."""
        path = path.strip("/")
        with told(StoreError, "write this file", self.url(path)):
            try:
                obstore.put(self.store, path, data, mode="create")
            except (AlreadyExistsError, PreconditionError):
                return self.get(path) == data
            except HyggeError:
                raise
            except Exception:  # whatever it was, the answer may be all that was lost
                if self._looked(path) == data:
                    return True
                raise
        return True

    def _looked(self, path: str) -> bytes | None:
        try:
            return self.get(path)
        except (HomeError, ConnectionFailed):  # the first error tells more
            return None

    def replace(self, path: str, data: bytes) -> None:
        with told(StoreError, "write this file", self.url(path)):
            obstore.put(self.store, path.strip("/"), data)

    def make_folder(self, folder: str) -> None:
        if folder.strip("/"):
            self.replace(f"{folder.strip('/')}/{_MADE}", b"")

    def move(self, source: str, target: str) -> None:
        source, target = source.strip("/"), target.strip("/")
        with told(StoreError, "move a file here", self.url(target)):
            try:
                obstore.copy(self.store, source, target)
            except FileNotFoundError as failed:
                refuse_no_place(failed)
                return
        self.delete(source)

    def delete(self, path: str) -> None:
        with told(StoreError, "delete this file", self.url(path)):
            try:
                obstore.delete(self.store, path.strip("/"))
            except FileNotFoundError as failed:
                refuse_no_place(failed)

    def delete_folder(self, folder: str) -> None:
        folder = folder.strip("/")
        with told(StoreError, "delete this folder", self.url(folder)):
            for page in obstore.list(self.store, folder):
                for found in page:
                    self.delete(found["path"])

    def probe_names(self, trial: str) -> None:
        super().probe_names(trial)
        self._probe_versions(trial)

    def _probe_versions(self, trial: str) -> None:
        """See that what takes a file's place is what is read from then on, and never as the file
        that was there. Readers rely on it, and the pointer of a versioned table."""
        before = self.info(trial)
        self.replace(trial, b"3")
        after = self.info(trial)
        if before is None or after is None or after == before or self.get(trial) != b"3":
            raise StoreError(
                "this server shows an old file after another took its place",
                folder=self.url(trial.rpartition("/")[0]),
                hint="a server whose reads see what was written before them",
            )
        self.probe_reading(after)
        self._refuse_mixing(before)

    def probe_reading(self, file: FileInfo) -> None:
        if file.size:
            self._fetched(file, 0, 1)
            self._refuse_mixing(replace(file, version='"hygge-no-such"'))

    def _refuse_mixing(self, other: FileInfo) -> None:
        """`other` has a version that is not there."""
        try:
            self._fetched(other, 0, 1)
        except SourceChanged:
            return
        raise HomeError(
            "this server does not tell when a file becomes another while it is read: "
            "rows of both could be mixed",
            file=self.url(other.path),
            hint="a server that keeps to `If-Match`",
        )

    def sync(self, folders: Iterable[str]) -> None:
        """Nothing: what is written is kept."""


def _info(found: Any) -> FileInfo:
    version = found["e_tag"] or f"{found['size']}-{found['last_modified'].isoformat()}"
    if not version.startswith(('"', "W/")):  # Azure's lists leave the quotes out
        version = f'"{version}"'
    modified = found["last_modified"].timestamp()
    return FileInfo(found["path"], int(found["size"]), version, modified)


def _above(path: str) -> Iterable[str]:
    """The folders that a file lies in."""
    while path := path.rpartition("/")[0]:
        yield path


def refuse_no_place(failed: FileNotFoundError) -> None:
    """Raise it again where there is not even the bucket."""
    if any(word in str(failed) for word in NO_PLACE):
        raise failed
