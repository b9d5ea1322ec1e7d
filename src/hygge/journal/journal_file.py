"""The journal's file: how it is made and opened, and what its errors mean to a person."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from hygge.core.errors import HyggeError, JournalError
from hygge.core.journal import SCHEMA_VERSION
from hygge.filesystems.local import LocalFileSystem

APPLICATION = 0x68796767  # "hygg": so that no other program's database is taken for a journal
PATIENCE = 30.0

_TABLES = """
create table loads (
    load_id text primary key, flow text not null, state text not null, intent text not null,
    receipt text, note text, begun_at text not null, ended_at text);
create index loads_under_way on loads (flow, load_id) where state = 'begun';
create table parts (
    number integer primary key autoincrement, load_id text not null, partition text not null,
    staged text not null, unique (load_id, partition));
create table leases (name text primary key, hold text not null);
create table runs (
    entity_run_id text primary key, coordinator_run_id text not null, flow_run_id text not null,
    coordinator text not null, flow text not null, entity text not null,
    start_time text not null, finish_time text not null, status text not null,
    run_type text not null, row_count integer not null, duration real not null,
    primary_key text, watermark_column text, watermark_type text, watermark text, message text,
    load_id text, schema_version integer not null);
create index runs_of_flow on runs (flow, entity);
"""

_HISTORY = "what is lost with it is the history; watermarks are kept with the data"
# what SQLite says, what it means, and what to try
_MEANING: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: (
        "it is locked by another process",
        "see who has it open (`fuser {path}`), then run again",
    ),
    sqlite3.SQLITE_CORRUPT: ("it is damaged", "move it away or restore a copy; " + _HISTORY),
    sqlite3.SQLITE_NOTADB: ("it is not a journal", "move it away; " + _HISTORY),
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space (`df {folder}`), then run again"),
    sqlite3.SQLITE_READONLY: (
        "it may not be written",
        "give this user the rights, see `ls -la {folder}`",
    ),
    sqlite3.SQLITE_PERM: ("permission denied", "see `ls -la {folder}`"),
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened",
        "give this user the rights, see `ls -la {folder}`",
    ),
    sqlite3.SQLITE_IOERR: ("the disk failed", "see `df {folder}` and `ulimit -f`, then run again"),
}


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What the database or the disk says within, as a JournalError."""
    try:
        yield
    except sqlite3.Error as failed:
        code = getattr(failed, "sqlite_errorcode", 0) & 0xFF
        meaning, hint = _MEANING.get(code, (str(failed), "run `hygge debug`"))
        raise JournalError(
            f"the journal failed: {meaning}",
            file=path,
            hint=hint.format(path=path, folder=path.parent),
        ) from failed


def create(path: Path, patience: float) -> sqlite3.Connection:
    """Open it for writing; make it, and its folder, if there is none. Raises JournalError."""
    with told(path):
        _make_folder(path)
        return _ready(_connect(path, "rwc", patience), path)


def look(path: Path, patience: float) -> sqlite3.Connection | None:
    """Open what is there; None if nothing is. Makes nothing. Raises JournalError."""
    with told(path):
        if _size(path) == 0:
            return None
        if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
            return _ready(_connect(path, "rw", patience), path)
        # with no log beside it nobody writes, and SQLite need not make a file to be sure of that
        alone = not path.with_name(f"{path.name}-wal").exists()
        return _connect(path, "ro&immutable=1" if alone else "ro", patience)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as failed:
        raise JournalError(
            f"the journal cannot be seen: {failed.strerror}",
            file=path,
            hint=f"see `ls -la {path.parent}`",
        ) from failed


def _make_folder(path: Path) -> None:
    """The folder, unseen by git if it is ours alone."""
    folder = path.parent
    if _size(path):
        return
    ours = folder.name == ".hygge" or not folder.is_dir()
    disk = LocalFileSystem(str(folder))
    try:
        disk.make_folder("")
        if ours:
            disk.put_once(".gitignore", b"*\n")
    except HyggeError as failed:
        raise JournalError(
            f"the journal cannot be made: {failed.what}", file=path, hint=failed.hint
        ) from failed


def _connect(path: Path, mode: str, patience: float) -> sqlite3.Connection:
    url = f"file:{quote(str(path))}?mode={mode}"
    return sqlite3.connect(url, uri=True, isolation_level=None, timeout=patience)


def _ready(db: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    try:
        _check(db, path)
        db.execute("pragma synchronous = full")
    except BaseException:  # nobody else knows of the connection yet
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection, path: Path) -> None:
    """See that it is a journal of ours; fill an empty file. Raises JournalError."""
    if _is_new(db):
        # one transaction: a crash leaves an empty file, which the next run fills
        db.execute("begin exclusive")
        if _is_new(db):
            for statement in filter(str.strip, _TABLES.split(";")):
                db.execute(statement)
            db.execute(f"pragma application_id = {APPLICATION}")
            db.execute(f"pragma user_version = {SCHEMA_VERSION}")
        db.execute("commit")
    if _pragma(db, "application_id") != APPLICATION:
        raise JournalError(
            "this is a database of another program, not a journal",
            file=path,
            hint="move it away, and run again",
        )
    version = _pragma(db, "user_version")
    if version > SCHEMA_VERSION:
        raise JournalError(
            f"the journal was written by a newer hygge (version {version}, "
            f"this one knows {SCHEMA_VERSION})",
            file=path,
            hint="pip install --upgrade hygge",
        )
    if version < SCHEMA_VERSION:
        raise JournalError(
            f"the journal was written by an older hygge (version {version}, not {SCHEMA_VERSION})",
            file=path,
            hint=f"move it away; {_HISTORY}",
        )
    if db.execute("pragma journal_mode").fetchone()[0] != "wal":
        db.execute("pragma journal_mode = wal").close()


def _is_new(db: sqlite3.Connection) -> bool:
    with closing(db.execute("select count(*) from sqlite_master")) as found:
        tables = found.fetchone()[0]
    return not tables and not _pragma(db, "user_version")


def _pragma(db: sqlite3.Connection, name: str) -> int:
    with closing(db.execute(f"pragma {name}")) as found:
        return int(found.fetchone()[0])
