"""Folders and new files of this machine's disk, each durable once it is made."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import BinaryIO

from hygge.filesystems.local_errors import writing
from hygge.filesystems.sink import DigestingSink

_PATIENCE = 10
"""How often a folder is made anew while others, who find it empty, take it away."""


class LocalSink(DigestingSink):
    """A new file on this machine's disk."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        with writing("make this file", path):
            self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666)

    def _put(self, data: memoryview) -> None:
        with writing("write this file", self._path):
            while data:
                data = data[os.write(self._file, data) :]

    def _make_durable(self) -> None:
        with writing("write this file", self._path):
            os.fsync(self._file)

    def _let_go(self) -> None:
        with writing("write this file", self._path):
            os.close(self._file)


def is_there(path: Path) -> bool:
    """Like lexists, but loud where it cannot be told."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def opened(half: Path) -> BinaryIO:
    """A new file; its folder is made, again if somebody prunes it meanwhile."""
    for _ in range(_PATIENCE):
        make_folder(half.parent)
        with contextlib.suppress(FileNotFoundError):
            return half.open("xb")
    return half.open("xb")


def make_folder(folder: Path) -> None:
    """With its parents, each durable in the one above it; again if one is pruned meanwhile."""
    for _ in range(_PATIENCE):
        with contextlib.suppress(FileNotFoundError):
            return _make_missing(folder)
    return _make_missing(folder)


def _make_missing(folder: Path) -> None:
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for made in reversed(missing):
        try:
            made.mkdir(exist_ok=True)
        except FileExistsError as failed:  # a file has its name
            raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(made)) from failed
        sync_folder(made.parent)


def sync_folder(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:  # gone, and with it every name it had
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
