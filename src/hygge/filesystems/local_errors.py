"""What this machine's disk says, in words a person can act on."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hygge.core.errors import ConnectionFailed, HomeError, HyggeError, SourceMissing, StoreError

# what it means, and what to try; {place} is the part of the path that stands in the way
_MEANING: dict[int, tuple[str, str | None]] = {
    errno.EACCES: ("permission denied", "give this user the rights, see `ls -ld {place}`"),
    errno.EPERM: (
        "the operation is not permitted",
        "see `ls -ld {place}` and `mount`; commits need a disk with hard links",
    ),
    errno.EOPNOTSUPP: ("this disk cannot do that", "commits need a disk with hard links"),
    errno.EROFS: ("the disk is read-only", "write elsewhere, or mount it for writing"),
    errno.ENOSPC: ("the disk is full", "free some space (`df {place}`), then run again"),
    errno.EDQUOT: ("the disk is full: quota used up", "free some space (`quota`), then run again"),
    errno.EFBIG: (
        "the disk is full, or the file would be larger than is allowed",
        "see `df {place}` and `ulimit -f`, then run again",
    ),
    errno.EISDIR: ("this is a folder, not a file", None),
    errno.ENOTDIR: ("{place} is a file, not a folder", "another path, or move the file away"),
    errno.EEXIST: ("this is there already", None),
    errno.ENOENT: ("there is no such file or folder", "see `ls -ld {place}`"),
    errno.EXDEV: ("the two folders are on different disks", "keep a table on one disk"),
    errno.EMFILE: ("too many files are open", "raise `ulimit -n`, or lower `concurrency`"),
    errno.ENAMETOOLONG: ("the name is too long", "use a shorter name"),
    errno.ELOOP: ("the links lead in a circle", "see `ls -l {place}`"),
}
_MAY_PASS = {errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.ENOTCONN, errno.EHOSTUNREACH}


def translate(failed: OSError, kind: type[HyggeError], doing: str, path: Path) -> HyggeError:
    """The disk's error as ours: `kind`, or SourceMissing or ConnectionFailed where it is that."""
    number = failed.errno or 0
    meaning, hint = _MEANING.get(number, (failed.strerror or str(failed), None))
    if number in _MAY_PASS:
        kind, hint = ConnectionFailed, "see whether the network disk answers"
    elif number == errno.ENOENT and kind is HomeError:
        kind = SourceMissing
    place = path
    with suppress(OSError):  # the disk that failed is asked again
        place = _in_the_way(path, number)
    hint = hint.format(place=place) if hint else None
    return kind(f"cannot {doing}: {meaning.format(place=place)}", file=path, hint=hint)


def _in_the_way(path: Path, number: int) -> Path:
    """The file or folder that made it fail: one that is there, as far as can be seen."""
    if number == errno.ENOSPC:
        return _mounted(path)
    for folder in reversed(path.parents):
        try:
            enterable = stat.S_ISDIR(folder.stat().st_mode) and os.access(folder, os.X_OK)
        except OSError:
            return folder.parent
        if not enterable:
            return folder
    if number == errno.ENOTDIR or (path.exists() and not os.access(path, os.R_OK)):
        return path
    return path if path.exists() and os.access(path.parent, os.W_OK) else path.parent


def _mounted(path: Path) -> Path:
    """Where its disk begins: what was being written is gone when one comes to look."""
    folder = next(above for above in path.absolute().parents if above.exists())
    disk = folder.stat().st_dev
    while folder.parent != folder and folder.parent.stat().st_dev == disk:
        folder = folder.parent
    return folder


@contextmanager
def reading(doing: str, path: Path) -> Iterator[None]:
    """What goes wrong within is a HomeError."""
    try:
        yield
    except OSError as failed:
        raise translate(failed, HomeError, doing, path) from failed


@contextmanager
def writing(doing: str, path: Path) -> Iterator[None]:
    """What goes wrong within is a StoreError."""
    try:
        yield
    except OSError as failed:
        raise translate(failed, StoreError, doing, path) from failed
