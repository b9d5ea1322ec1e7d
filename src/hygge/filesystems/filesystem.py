"""Where bytes live: the few operations hygge needs of a filesystem, and what they promise."""

from __future__ import annotations

import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, ClassVar, Final, Protocol, Self

import xxhash

from hygge.core.config import Settings, validated
from hygge.core.errors import SourceChanged, SourceMissing, StoreError, Unsupported

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_CHUNK = 2**20
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://")


@dataclass(frozen=True, slots=True)
class FileInfo:
    """One file. `version` changes whenever its content may have: size + mtime + inode, or etag.
    `modified` is when it was last written, in seconds since 1970, by the filesystem's clock."""

    path: str
    size: int
    version: str
    modified: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class FileSystemCapabilities:
    atomic_move: bool = True  # `move` shows the old state or the new, nothing between
    folders: bool = True  # a folder is there by itself; else it is what names have in common
    versions: bool = False  # a version is that of the bytes: while it stays, so do they
    steady: bool = False  # it can `move_once` and `drop_folder`
    moves_at_most: int | None = None  # bytes of the largest file that `move` takes


class NoSettings(Settings):
    """Of a filesystem that has none."""


class Sink(Protocol):
    """A new file being written. Counts its bytes and sums them up as they pass."""

    def write(self, data: bytes, /) -> int: ...
    def tell(self) -> int: ...
    def flush(self) -> None: ...
    def close(self) -> None:
        """Durable from here on: the bytes and the length, though not yet the name (`sync`)."""

    def abort(self) -> None:
        """Stop without being durable; what is there is nobody's. After `close`: nothing."""

    @property
    def size(self) -> int:
        """Bytes written so far."""

    @property
    def digest(self) -> str:
        """XXH3-128 of the bytes written, in hex."""

    @property
    def version(self) -> str | None:
        """Of the file once it is closed, where a version is that of the bytes; else None."""


class FileSystem(ABC):
    """Files under one root, named by relative paths with `/`. Calls block; threads may share it.

    Every call maps its system's errors to HyggeError: ConnectionFailed where it may pass,
    StoreError or HomeError (SourceMissing) with the full path where it will not.
    """

    name: ClassVar[str]
    capabilities: ClassVar[FileSystemCapabilities] = FileSystemCapabilities()
    Settings: ClassVar[type[Settings]] = NoSettings
    gives_names_once: ClassVar[str] = (
        "another place: one where a file is made only if there is none"
    )
    """What to look for where `put_once` turns out to give a name twice."""

    def __init__(self, root: str, settings: Any = None) -> None:
        self.root, self.settings = root, self.Settings() if settings is None else settings

    @classmethod
    def at(cls, path: str, settings: Mapping[str, Any] = NOTHING) -> tuple[Self, str]:
        """The filesystem that a URL or plain path lies in, and the path inside it.

        Raises ConfigError for settings that cannot be, or a path that lies nowhere.
        """
        own = validated(cls.Settings, settings)
        root, inside = cls.rooted(path, own)
        return cls(root, own), inside

    @classmethod
    def rooted(cls, path: str, settings: Any) -> tuple[str, str]:
        """The root that a path lies under, and the path inside it: here, its first word."""
        root, _, inside = without_scheme(path).strip("/").partition("/")
        return root, inside

    def digest(self, path: str) -> str:
        """XXH3-128 of a file's bytes as they are there now, in hex. Raises SourceMissing."""
        total = xxhash.xxh3_128()
        with self.open(path) as file:
            while data := file.read(_CHUNK):
                total.update(data)
        return str(total.hexdigest())

    def probe(self, folder: str) -> None:
        """See that files may be made in this folder, or in the nearest one above that is there,
        and that this place does what we rely on.

        Leaves nothing behind. Raises StoreError.
        """
        while folder and not self.is_folder(folder):
            if self.info(folder) is not None:
                raise StoreError(
                    "this is a file, not a folder",
                    file=self.url(folder),
                    hint="another path, or move the file away",
                )
            folder = folder.rpartition("/")[0]
        trial = self.trial(folder)
        self.put_once(trial, b"1")  # if this fails, its error tells more than that of deleting
        try:
            self.probe_names(trial)
        finally:
            self.delete(trial)

    def probe_names(self, trial: str) -> None:
        """See that the name of this file is given only once. Raises StoreError."""
        if self.put_once(trial, b"2"):
            raise StoreError(
                "this server lets a file be made twice: two runs could publish at once",
                folder=self.url(trial.rpartition("/")[0]),
                hint=self.gives_names_once,
            )

    def probe_reading(self, file: FileInfo) -> None:  # noqa: B027 - nothing where nobody is relied on
        """See that we would be told if this file became another while it is read.

        Raises HomeError.
        """

    def trial(self, folder: str) -> str:
        """A path that nobody else has: others may look at the folder, too."""
        return f"{folder}/_hygge-{secrets.token_hex(8)}".lstrip("/")

    def source(self, path: str, known: FileInfo | None = None) -> FileSource:
        """The file as formats want it: by handle, and by its path on this machine's disk. `known`
        is what was seen of it: where that can be told, no other version is read."""
        return FileSource(self, path, known)

    @abstractmethod
    def url(self, path: str = "") -> str:
        """The full name of a path, for people and identities."""

    def local(self, path: str) -> Path | None:
        """The path on this machine's disk, for readers that are faster with one; else None."""
        return None

    def delta_options(self) -> Mapping[str, str] | None:
        """What the library of Delta tables must be told to reach our URLs; None: it cannot.

        Secrets are among them, and not kept. Raises ConfigError where one cannot be had.
        """
        return None

    @abstractmethod
    def list(self, folder: str = "") -> Iterable[FileInfo]:
        """Every file below, at any depth, sorted by path. An absent folder has none."""

    @abstractmethod
    def folders(self, folder: str) -> Sequence[str]:
        """The names of the folders directly in it, sorted. An absent folder has none."""

    @abstractmethod
    def info(self, path: str) -> FileInfo | None:
        """None only if there is surely no such file; raises where that cannot be told."""

    @abstractmethod
    def is_folder(self, path: str) -> bool:
        """Whether there is a folder of this name (or files below it)."""

    @abstractmethod
    def open(self, path: str) -> BinaryIO:
        """Read, seekable, one handle a thread. Raises SourceMissing."""

    def open_as(self, file: FileInfo) -> BinaryIO:
        """As `open`, of this very version. Raises SourceChanged, now or on reading, for another."""
        handle = self.open(file.path)
        if self.info(file.path) != file:
            handle.close()
            raise SourceChanged("the file changed before it was read", file=self.url(file.path))
        return handle

    @abstractmethod
    def get(self, path: str) -> bytes | None:
        """The whole of a small file; None if there is none."""

    @abstractmethod
    def create(self, path: str) -> Sink:
        """A new file in a folder that is there; never makes the folder, never overwrites."""

    @abstractmethod
    def put_once(self, path: str, data: bytes) -> bool:
        """All of it, durably, or none; False if something is there already. Makes its folders.

        What a crash leaves half written has a name beginning with `_` and is never taken for it.
        """

    @abstractmethod
    def replace(self, path: str, data: bytes) -> None:
        """All of it, durably, in place of what is there; readers see old or new. Makes folders."""

    @abstractmethod
    def make_folder(self, folder: str) -> None:
        """With its parents; that it is there already is fine."""

    @abstractmethod
    def move(self, source: str, target: str) -> None:
        """Rename, replacing the target and making its folder; a source long moved is fine."""

    def move_once(self, source: str, target: str) -> bool:
        """As `move`, but never over what is there: then nothing is moved, and it is False.

        One step, which readers see done or not begun. Raises Unsupported where there is none.
        """
        raise Unsupported(f"{self.name} cannot move a file only where there is none")

    def drop_folder(self, folder: str, witness: FileInfo) -> None:
        """As `delete_folder`, of that very folder which has this file in this version: another that
        somebody made by its name stays. Raises Unsupported where that cannot be told."""
        raise Unsupported(f"{self.name} cannot tell a folder from another of its name")

    @abstractmethod
    def delete(self, path: str) -> None:
        """A file; that it is gone already is fine."""

    @abstractmethod
    def delete_folder(self, folder: str) -> None:
        """With all in it; that it is gone already is fine."""

    def prune(self, folder: str, top: str) -> None:  # noqa: B027 - nothing where folders are names
        """Remove empty folders, from this one up to `top`."""

    @abstractmethod
    def sync(self, folders: Iterable[str]) -> None:
        """Make the names in these folders durable, where names need it."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """One file to read, wherever it lies."""

    files: FileSystem
    path: str
    known: FileInfo | None = None

    @property
    def name(self) -> str:
        return self.files.url(self.path)

    @property
    def local(self) -> Path | None:
        return self.files.local(self.path)

    @property
    def size(self) -> int:
        """Raises SourceMissing."""
        if self.known is not None:
            return self.known.size
        if (found := self.files.info(self.path)) is None:
            raise SourceMissing("there is no such file", file=self.name)
        return found.size

    def open(self) -> BinaryIO:
        return self.files.open(self.path) if self.known is None else self.files.open_as(self.known)


def scheme(path: str) -> str | None:
    """`memory` of `memory://name/x`; None for a plain path."""
    found = _SCHEME.match(path)
    return found[1].lower() if found else None


def without_scheme(path: str) -> str:
    return _SCHEME.sub("", path, count=1)
