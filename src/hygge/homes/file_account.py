"""Which files were read before, remembered in ten bytes each: what `new_files` goes by.

A file is its path and its version. The account of a load has those that were there when its bound
was frozen, and those that were read before and are gone: they may come again. It travels with the
load's watermark, and so is saved by what publishes the load.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import polars as pl
import xxhash

from hygge.core.errors import ANEW, HomeError, LoadOutdated
from hygge.core.home import Bound, ReadRequest
from hygge.core.types import type_name
from hygge.core.watermark import Watermark
from hygge.filesystems.filesystem import FileInfo

POSITION: Final = "new_files"
AGAIN: Final = "changed_files"
"""The same, and a file that changed since it was read is read again; else it is refused."""
_PATH, _VERSION = 6, 4
REMEMBERED: Final = 10_000
"""So many files are remembered though they are gone; the oldest are forgotten first."""
_SHOWN = 3


@dataclass(frozen=True)
class Account:
    """Files by what is left of their paths, the oldest first, and of their versions."""

    files: Mapping[bytes, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, mark: Watermark | None) -> Self:
        """What a watermark remembers. Raises HomeError where it cannot be understood."""
        text = (mark.account if mark is not None else None) or ""
        size = _PATH + _VERSION
        try:
            data = base64.b85decode(text)
        except ValueError as failed:
            raise HomeError("nobody can tell which files were read", hint=ANEW) from failed
        each = (data[at : at + size] for at in range(0, len(data), size))
        return cls({one[:_PATH]: one[_PATH:] for one in each})

    @property
    def text(self) -> str:
        return base64.b85encode(b"".join(p + v for p, v in self.files.items())).decode()

    def has(self, name: str, file: FileInfo) -> bool:
        return self.files.get(_path(name)) == _version(file)

    def changed(self, files: Mapping[str, FileInfo]) -> Sequence[str]:
        """Those that were read as another version."""
        return [n for n, f in files.items() if _path(n) in self.files and not self.has(n, f)]

    def and_now(self, files: Mapping[str, FileInfo]) -> Account:
        """With these files, too; not all that are gone are kept."""
        now = {_path(name): _version(file) for name, file in files.items()}
        gone = [path for path in self.files if path not in now]
        lost = set(gone[: max(0, len(gone) + len(now) - REMEMBERED)])
        stay = {path: now.get(path, v) for path, v in self.files.items() if path not in lost}
        return Account({**stay, **now})

    def since(self, before: Account) -> Mapping[bytes, bytes]:
        """The files that the one before does not have."""
        return {p: v for p, v in self.files.items() if before.files.get(p) != v}


def _path(name: str) -> bytes:
    return xxhash.xxh3_128_digest(name.encode("utf-8", "surrogateescape"))[:_PATH]


def _version(file: FileInfo) -> bytes:
    return xxhash.xxh3_128_digest(f"{file.size}/{file.version}".encode())[:_VERSION]


def frozen(files: Mapping[str, FileInfo], low: Watermark | None, again: bool, where: str) -> Bound:
    """The bound that has all files there are now. Raises HomeError for one that changed since it
    was read, unless it is to be read `again`."""
    known = Account.of(low)
    changed = known.changed(files)
    told = f"{_some(changed)} changed since it was loaded" if changed else ""
    if changed and not again:
        raise HomeError(
            told,
            file=where,
            hint="put it back as it was; `new_files: again` with `keys` merges it once more; "
            f"or load everything: {ANEW}",
        )
    count = low.value + 1 if low is not None else 1
    text = known.and_now(files).text
    mark = Watermark(POSITION, type_name(pl.Int64()), count, account=text)
    return Bound(mark, why=f"{told}: it is read again" if changed else "")


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def asks_for_files(request: ReadRequest) -> bool:
    return request.bound is not None and request.bound.column == POSITION


def new(files: Mapping[str, FileInfo], request: ReadRequest, where: str) -> Iterator[str]:
    """The files of a window. Raises LoadOutdated unless all are as they were when it was frozen."""
    wanted = dict(Account.of(request.bound).since(Account.of(request.low)))
    found = {_path(name): name for name in files}
    for path, version in wanted.items():
        name = found.get(path)
        if name is None:
            raise LoadOutdated("a file is gone that was to be read", file=where)
        if _version(files[name]) != version:
            raise LoadOutdated(f"{name} changed before it was read", file=where)
    return (name for name in files if _path(name) in wanted)
