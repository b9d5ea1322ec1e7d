"""Which folder it is: one that was deleted and made again is another."""

from __future__ import annotations

from hygge.filesystems.filesystem import FileSystem


def identity_of(files: FileSystem, folder: str) -> str | None:
    """`inode:…` of a folder on this machine's disk; None where nothing tells. Blocks."""
    where = files.local(folder)
    if where is None or not where.is_dir():
        return None
    found = where.stat()
    return f"inode:{found.st_dev:x}-{found.st_ino:x}"
