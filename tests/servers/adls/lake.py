"""What the server keeps: accounts, and their containers as folders of a disk.

In an account with a hierarchical namespace a directory is a directory. In a flat one a key is only
a text, `a` and `a/b` may both be there, and directories of the disk are nothing.
"""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.adls.refusals import Refused

_FOLDER, _FILE = "~d", "~f"
_numbers = itertools.count(int(time.time() * 1000))
Span = tuple[int, int]


@dataclass
class Lease:
    name: str
    until: float | None  # None: for ever


@dataclass
class Entry:
    """What is known of a path beside its bytes."""

    etag: str
    made: float
    stamp: Span = (0, 0)  # of the file on the disk: others may put another one there
    written: str = "blob"
    metadata: dict[str, str] = field(default_factory=dict)
    lease: Lease | None = None
    blocks: dict[str, Span] = field(default_factory=dict)


def new_etag() -> str:
    return f'"0x{next(_numbers):X}"'


def _stamp(path: Path) -> Span:
    if path.is_dir():
        return 0, 0
    told = path.stat()
    return told.st_ino, told.st_mtime_ns


@dataclass
class Account:
    """One storage account. `items` makes it OneLake's: workspace → its items, with GUIDs."""

    name: str
    root: Path
    hierarchical: bool = True
    onelake: bool = False
    key: str = field(default_factory=lambda: b64encode(secrets.token_bytes(32)).decode())
    open: bool = False  # whether nobody is asked who they are
    clock: Callable[[], float] = time.time
    entries: dict[Path, Entry] = field(default_factory=dict)
    appended: dict[Path, dict[int, bytes]] = field(default_factory=dict)
    blocks: dict[Path, dict[str, bytes]] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    guids: dict[str, str] = field(default_factory=dict)

    def container(self, name: str) -> Path:
        return self.root / self.name / name

    def make_container(self, name: str) -> None:
        self.container(name).mkdir(parents=True)

    def place(self, container: str, key: str) -> Path:
        """Where a key lies on the disk."""
        words = key.split("/")
        if any(word in (".", "..") for word in words) or "\0" in key:
            raise Refused(400, "InvalidUri", "The requested URI does not represent any resource.")
        if not self.hierarchical:
            words = [*(word + _FOLDER for word in words[:-1]), words[-1] + _FILE]
        elif key:
            words = [word for word in words if word]
        return self.container(container).joinpath(*words)

    def key_of(self, container: str, path: Path) -> str:
        words = path.relative_to(self.container(container)).parts
        return "/".join(words if self.hierarchical else [word[:-2] for word in words])

    def entry(self, path: Path) -> Entry | None:
        """None where there is nothing."""
        if not path.exists():
            self.entries.pop(path, None)
            return None
        stamp, known = _stamp(path), self.entries.get(path)
        if known is None or known.stamp != stamp:
            known = self.entries[path] = Entry(new_etag(), path.stat().st_mtime, stamp)
        return known

    def touch(self, path: Path, written: str, metadata: dict[str, str] | None = None) -> Entry:
        """Its content is new: so is its etag."""
        known = self.entries.get(path)
        made = known.made if known else self.clock()
        lease = known.lease if known else None
        self.entries[path] = Entry(new_etag(), made, _stamp(path), written, metadata or {}, lease)
        return self.entries[path]

    def forget(self, path: Path) -> None:
        """What is known of this path; what lies below it is forgotten as it is looked for."""
        self.entries.pop(path, None)
        self.appended.pop(path, None)
        self.blocks.pop(path, None)

    def make_parents(self, path: Path, container: str) -> None:
        """Directories above come into being by themselves; a file above is in the way."""
        top = self.container(container)
        above = [folder for folder in path.parents if top in folder.parents]
        if any(folder.is_file() for folder in above):
            raise Refused(409, "PathConflict", "A file stands where a directory would be.")
        path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, path: Path, data: bytes) -> None:
        """Readers see the old or the new."""
        beside = self.root / f".new-{secrets.token_hex(8)}"
        beside.write_bytes(data)
        beside.replace(path)

    def remove(self, path: Path) -> None:
        if path.is_dir():
            for _, known in self.below("", path):
                self.forget(known)
            shutil.rmtree(path)
        else:
            path.unlink()
        self.forget(path)

    def rename(self, source: Path, target: Path) -> None:
        """In one step, with all that is below; what is known of it goes along."""
        self.forget(target)
        below = [path for _, path in self.below("", source)] if source.is_dir() else []
        for path in [source, *below]:
            if path in self.entries:
                self.entries[target / path.relative_to(source)] = self.entries.pop(path)
            self.forget(path)
        source.replace(target)
        if (known := self.entry(target)) is not None:
            known.etag = new_etag()

    def below(self, container: str, top: Path, *, deep: bool = True) -> Iterator[tuple[str, Path]]:
        """Everything in a directory, by key; in a flat account only what are blobs."""
        own = "" if top == self.container(container) else f"{self.key_of(container, top)}/"
        for found in os.scandir(top):
            path, folder = Path(found.path), found.is_dir()
            if self.hierarchical or not folder:
                yield own + (found.name if self.hierarchical else found.name[:-2]), path
            if folder and deep:
                yield from self.below(container, path)
