"""Files on a server that is reached by SFTP: names are given by links, and moved by renaming.

Its times are whole seconds, so what we replace is dated a second later than what was there.
"""

from __future__ import annotations

import posixpath
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO, ClassVar, TypeVar, cast

from paramiko.sftp import SFTP_NO_SUCH_FILE

from hygge.core.config import Settings
from hygge.core.errors import (
    ConfigError,
    ConnectionFailed,
    HomeError,
    HyggeError,
    SourceChanged,
    StoreError,
)
from hygge.filesystems.filesystem import FileInfo, FileSystem, scheme
from hygge.filesystems.object_reader import ObjectReader
from hygge.filesystems.sftp_calls import Calls
from hygge.filesystems.sftp_errors import IS_FOLDER, told
from hygge.filesystems.sftp_place import SftpSettings, inside, named, of_url
from hygge.filesystems.sftp_session import CREATE, READ, Refused, Session
from hygge.filesystems.sftp_sink import SftpSink
from hygge.filesystems.sftp_tree import (
    below,
    folders_in,
    is_folder,
    is_there,
    keep_names,
    look_at,
    make_folders,
    remove,
    remove_tree,
)

T = TypeVar("T")


class SftpFileSystem(FileSystem):
    """Files below a folder of a server. Any thread may use it: each call has a connection."""

    name: ClassVar[str] = "sftp"
    gives_names_once: ClassVar[str] = "a server that knows hardlink@openssh.com, as OpenSSH's does"
    Settings: ClassVar[type[Settings]] = SftpSettings
    settings: SftpSettings

    @classmethod
    def rooted(cls, path: str, settings: SftpSettings) -> tuple[str, str]:
        if scheme(path) is not None:
            server, there = of_url(path, settings)
            return named(server, "/"), inside(there)
        if settings.host is None:
            hint = "sftp://user@host/path, or a `connection` with a `host`"
            raise ConfigError(f"which server does {path!r} lie on?", hint=hint)
        return named(settings, settings.folder), inside(path)

    def __init__(self, root: str, settings: SftpSettings | None = None) -> None:
        super().__init__(root, settings)
        server, base = of_url(root, self.settings)
        self._calls = Calls(server)
        self._base = f"/{base}".rstrip("/")

    def url(self, path: str = "") -> str:
        return f"sftp://{self.root.rstrip('/')}/{path.strip('/')}"

    def full(self, path: str) -> str:
        """The path from the server's root."""
        return f"{self._base}/{path.strip('/')}".rstrip("/") or "/"

    def _reading(self, doing: str, path: str, work: Callable[[Session], T]) -> T:
        return self._calls.reading(doing, self.url(path), work)

    def writing(self, doing: str, path: str, work: Callable[[Session], T], new: bool = False) -> T:
        """What the server answers, the connection given back. Raises StoreError."""
        return self._calls.writing(doing, self.url(path), self.full(path), work, new)

    # looking

    def list(self, folder: str = "") -> Iterable[FileInfo]:
        folder = folder.strip("/")

        def look(session: Session) -> Iterator[FileInfo]:
            for name, found in below(session, self.full(folder)):
                yield _info(f"{folder}/{name}" if folder else name, found)

        return self._reading(
            "look into this folder",
            folder,
            lambda session: sorted(look(session), key=lambda file: file.path),
        )

    def folders(self, folder: str) -> Sequence[str]:
        where = self.full(folder)

        return self._reading("look into this folder", folder, lambda s: folders_in(s, where))

    def info(self, path: str) -> FileInfo | None:
        found = self._reading("look at this file", path, lambda s: look_at(s, self.full(path)))
        if found is None or stat.S_IFMT(found.st_mode or stat.S_IFREG) != stat.S_IFREG:
            return None
        return _info(path.strip("/"), found)

    def is_folder(self, path: str) -> bool:
        return self._reading("look at this folder", path, lambda s: is_folder(s, self.full(path)))

    def open(self, path: str) -> BinaryIO:
        def look(session: Session) -> FileInfo:
            with session.opened(self.full(path), READ) as handle:
                return self._file(path, session.about(handle))

        return self.open_as(self._reading("read this file", path, look))

    def open_as(self, file: FileInfo) -> BinaryIO:
        def fetch(start: int, end: int) -> bytes:
            fetched = partial(self._fetched, file=file, start=start, end=end)
            return self._reading("read this file", file.path, fetched)

        return cast(BinaryIO, ObjectReader(file.size, fetch))

    def _file(self, path: str, found: Any) -> FileInfo:
        """Raises HomeError for a folder, which opens as a file does."""
        if stat.S_ISDIR(found.st_mode or 0):
            raise HomeError(f"cannot read this file: {IS_FOLDER}", file=self.url(path))
        return _info(path.strip("/"), found)

    def _fetched(self, session: Session, file: FileInfo, start: int, end: int) -> bytes:
        """Bytes of the file as it was when it was opened. Raises SourceChanged for another."""
        with session.opened(self.full(file.path), READ) as handle:
            data = session.read(handle, start, end)
            if _info(file.path, session.about(handle)) == file and len(data) == end - start:
                return data
        raise SourceChanged("the file changed while it was read", file=self.url(file.path))

    def get(self, path: str) -> bytes | None:
        return self._reading("read this file", path, lambda session: self._got(session, path))

    def _got(self, session: Session, path: str) -> bytes | None:
        try:
            with session.opened(self.full(path), READ) as handle:
                size = self._file(path, session.about(handle)).size
                return session.read(handle, 0, size)
        except Refused as refused:
            if refused.code == SFTP_NO_SUCH_FILE:
                return None
            raise

    # writing

    def create(self, path: str) -> SftpSink:
        def make(session: Session) -> None:
            with session.opened(self.full(path), CREATE):
                pass

        self.writing("make this file", path, make, new=True)
        return SftpSink(self, path)

    def put_once(self, path: str, data: bytes) -> bool:
        """Where the answer is lost, what is there tells whether it was ours: the half is taken away
        first, so that no late link can come."""
        half = self._half(path)

        def put(session: Session) -> bool:
            self._put(session, half, data)
            try:
                session.name_once(half, self.full(path))
                made = True
            except Refused:
                if not is_there(session, self.full(path)):
                    raise
                made = False
            finally:
                remove(session, half)
            keep_names(session, posixpath.dirname(half))
            return made

        try:
            return self.writing("write this file", path, put)
        except ConnectionFailed:
            if self._looked(path, half) == data:
                return True
            raise
        except StoreError:
            self._take_back(half)
            raise

    def _looked(self, path: str, half: str) -> bytes | None:
        """What is there, once nothing more can come of us."""
        if self._take_back(half):
            with suppress(HyggeError):  # the first error tells more
                return self.get(path)
        return None

    def _take_back(self, half: str) -> bool:
        with suppress(Exception):  # the first error tells more
            self._calls.asked(lambda session: remove(session, half))
            return True
        return False

    def replace(self, path: str, data: bytes) -> None:
        half, full = self._half(path), self.full(path)

        def put(session: Session) -> None:
            there = look_at(session, full)
            self._put(session, half, data, after=there.st_mtime if there else None)
            session.put_over(half, full)
            keep_names(session, posixpath.dirname(half))

        try:
            self.writing("write this file", path, put)
        except HyggeError:
            self._take_back(half)
            raise

    def _half(self, path: str) -> str:
        folder, _, name = self.full(path).rpartition("/")
        return f"{folder}/_{name}.{secrets.token_hex(6)}"

    def _put(self, session: Session, half: str, data: bytes, after: int | None = None) -> None:
        """A new file, durable; its folder is made, again if somebody prunes it meanwhile."""
        for patience in range(10, -1, -1):
            make_folders(session, posixpath.dirname(half))
            try:
                with session.opened(half, CREATE) as handle:
                    session.write(handle, 0, memoryview(data))
                    if after is not None and (session.about(handle).st_mtime or 0) <= after:
                        session.date(handle, after + 1)
                    session.make_durable(handle)
                    return
            except Refused as refused:
                if refused.code != SFTP_NO_SUCH_FILE or not patience:
                    raise

    def make_folder(self, folder: str) -> None:
        where = self.full(folder)
        self.writing("make this folder", folder, lambda s: make_folders(s, where), new=True)

    def move(self, source: str, target: str) -> None:
        old, new = self.full(source), self.full(target)

        def move(session: Session) -> None:
            try:
                session.put_over(old, new)
            except Refused:
                if is_there(session, old):
                    make_folders(session, posixpath.dirname(new))
                    session.put_over(old, new)

        self.writing("move a file here", target, move)

    def delete(self, path: str) -> None:
        self.writing("delete this file", path, lambda s: remove(s, self.full(path)))

    def delete_folder(self, folder: str) -> None:
        self.writing("delete this folder", folder, lambda s: remove_tree(s, self.full(folder)))

    def prune(self, folder: str, top: str) -> None:
        where, last = self.full(folder), self.full(top)

        def prune(session: Session) -> None:
            at = where
            while at == last or at.startswith(f"{last.rstrip('/')}/"):
                session.rmdir(at)
                at = posixpath.dirname(at)

        with (
            told(StoreError, "take this folder away", self.url(folder)),
            suppress(Refused),  # not empty, gone, or not ours to remove: it stays
        ):
            self._calls.asked(prune)

    def sync(self, folders: Iterable[str]) -> None:
        def sync(session: Session) -> None:
            for folder in dict.fromkeys(folders):
                keep_names(session, self.full(folder))

        self.writing("make these folders durable", "", sync)


def _info(path: str, found: Any) -> FileInfo:
    size = int(found.st_size or 0)
    return FileInfo(path, size, f"{size}-{found.st_mtime}", found.st_mtime)
