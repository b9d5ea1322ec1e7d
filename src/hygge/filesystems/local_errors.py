"""What this machine's disk says, in words a person can act on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hygge.core.errors import ConnectionFailed, HomeError, HyggeError, SourceMissing, StoreError

# what it means, and what to try; {folder} is the folder of the file in question
_MEANING: dict[int, tuple[str, str | None]] = {
    errno.EACCES: ("permission denied", "give this user the rights, see `ls -ld {folder}`"),
    errno.EPERM: (
        "the operation is not permitted",
        "see `ls -ld {folder}` and `mount`; commits need a disk with hard links",
    ),
    errno.EOPNOTSUPP: ("this disk cannot do that", "commits need a disk with hard links"),
    errno.EROFS: ("the disk is read-only", "write elsewhere, or mount it for writing"),
    errno.ENOSPC: ("the disk is full", "free some space (`df {folder}`), then run again"),
    errno.EDQUOT: ("the disk is full: quota used up", "free some space (`quota`), then run again"),
    errno.EFBIG: (
        "the disk is full, or the file would be larger than is allowed",
        "see `df {folder}` and `ulimit -f`, then run again",
    ),
    errno.EISDIR: ("this is a folder, not a file", None),
    errno.ENOTDIR: ("a part of this path is a file, not a folder", "see `ls -ld {folder}`"),
    errno.EEXIST: ("this is there already", None),
    errno.ENOENT: ("there is no such file or folder", "see `ls -ld {folder}`"),
    errno.EXDEV: ("the two folders are on different disks", "keep a table on one disk"),
    errno.EMFILE: ("too many files are open", "raise `ulimit -n`, or lower `concurrency`"),
    errno.ENAMETOOLONG: ("the name is too long", "use a shorter name"),
    errno.ELOOP: ("the links lead in a circle", "see `ls -l {folder}`"),
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
    hint = hint.format(folder=path.parent) if hint else None
    return kind(f"cannot {doing}: {meaning}", file=path, hint=hint)


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
