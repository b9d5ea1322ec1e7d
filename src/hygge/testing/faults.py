"""Harm done on purpose: to staged files, to a process, to its files and its journal."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from hygge.core.errors import ConnectionFailed, JournalError, StoreError
from hygge.core.inflow import Inflow
from hygge.databases.database import Session


def lose(file: Path) -> None:
    """Somebody cleaned up."""
    file.unlink()


def truncate(file: Path) -> None:
    """The last byte never arrived."""
    file.write_bytes(file.read_bytes()[:-1])


def double_rows(file: Path) -> None:
    """The same rows were sent twice; a valid parquet file all the same."""
    rows = pl.read_parquet(file)
    pl.concat([rows, rows]).write_parquet(file)


def flip_a_byte(file: Path) -> None:
    """The disk forgot one bit; the length is right."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


class Trigger:
    """Counts side effects, and does its harm before the n-th; `for_good`: before all later ones.

    `at` 0 only counts. Threads may share it.
    """

    def __init__(
        self, at: int = 0, harm: Callable[[str], None] = lambda what: None, for_good: bool = False
    ) -> None:
        self._at, self._harm, self._for_good = at, harm, for_good
        self._counting, self.count = threading.Lock(), 0
        self.met: str | None = None
        """The side effect that met the harm; None: it was never reached."""

    def __call__(self, what: str) -> None:
        with self._counting:
            self.count += 1
            reached = self.count == self._at or (self._for_good and 0 < self._at < self.count)
            if reached and self.met is None:
                self.met = what
        if reached:
            self._harm(what)


def die(what: str) -> None:
    """The process is gone between two instructions."""
    os.kill(os.getpid(), signal.SIGKILL)


def fall_asleep(what: str) -> None:
    """The process stops, and knows nothing of it when it goes on."""
    os.kill(os.getpid(), signal.SIGSTOP)


def break_down(what: str) -> None:
    """The disk says no."""
    raise OSError(errno.EIO, f"broken on purpose at {what}")


def refuse(what: str) -> None:
    """The store says no, and will again."""
    raise StoreError(f"broken on purpose at {what}")


def forget(what: str) -> None:
    """The journal cannot remember."""
    raise JournalError(f"broken on purpose at {what}")


def drop_the_connection(what: str) -> None:
    """The system cannot be reached for a moment."""
    raise ConnectionFailed(f"broken on purpose at {what}")


_FILE_OPERATIONS: tuple[str, ...] = ("fsync", "link", "mkdir", "remove", "rename", "replace")
_FILE_OPERATIONS += ("rmdir", "unlink", "write")


def watch_files(trigger: Trigger, folder: Path) -> None:
    """Ask the trigger before each file operation of this process, for good. Call it in a fork.

    Of the files opened to be written only those below `folder` count.
    """

    def opening(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and str(args[0]).startswith(str(folder)) and _writes(*args[1:]):
            trigger("open")

    sys.addaudithook(opening)
    for name in _FILE_OPERATIONS:
        setattr(os, name, _asking(getattr(os, name), name, trigger))


def _writes(mode: str | None, flags: int) -> bool:
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _asking(work: Callable[..., Any], name: str, trigger: Trigger) -> Callable[..., Any]:
    def asked(*args: Any, **kwargs: Any) -> Any:
        trigger(name)
        return work(*args, **kwargs)

    return asked


def watch_sqlite(trigger: Trigger) -> None:
    """Ask the trigger before each statement that writes, for good. Call it in a fork.

    SQLite swallows what a trace raises, so only harms that need no exception work here.
    """
    connect = sqlite3.connect

    def traced(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)
        connection.set_trace_callback(lambda told: _tell_writes(told, trigger))
        return connection

    sqlite3.connect = traced  # type: ignore[assignment]


def _tell_writes(statement: str, trigger: Trigger) -> None:
    verb = statement.lstrip().partition(" ")[0].upper()
    if verb not in ("SELECT", "PRAGMA", "--"):
        trigger(f"sqlite {verb}")


def watch_objects(trigger: Trigger) -> None:
    """Ask the trigger before each request that changes an object store, for good. In a fork."""
    import obstore

    from hygge.filesystems.object_sink import ObjectSink

    for name in ("put", "copy", "delete"):
        setattr(obstore, name, _asking(getattr(obstore, name), f"object {name}", trigger))
    for name in ("_put", "_make_durable"):
        told = f"object {name.strip('_')}"
        setattr(ObjectSink, name, _asking(getattr(ObjectSink, name), told, trigger))


def watch_directories(trigger: Trigger) -> None:
    """Ask the trigger before each request of Azure's that only directories know. In a fork."""
    from hygge.filesystems.azure_directories import Directories

    for name in ("_rename", "_make", "delete", "delete_all"):
        told = f"directories {name.strip('_')}"
        setattr(Directories, name, _asking(getattr(Directories, name), told, trigger))


def watch_sessions(trigger: Trigger) -> None:
    """Ask the trigger before each statement that changes a database, for good. Call it in a fork.

    It sees the databases that are imported by then.
    """
    for kind in Session.__subclasses__():
        for name in ("change", "insert", "put"):
            told = f"{kind.__name__} {name}"
            setattr(kind, name, _asking(getattr(kind, name), told, trigger))
    for name in ("put", "end"):
        setattr(Inflow, name, _asking(getattr(Inflow, name), f"Inflow {name}", trigger))
