"""What is run, and killed: three files of people on their way into a folder of parquet.

Each function here runs in a fork of a zygote, which has imported this module.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import polars as pl
from paramiko.sftp import (
    CMD_EXTENDED,
    CMD_FSETSTAT,
    CMD_MKDIR,
    CMD_NAMES,
    CMD_OPEN,
    CMD_REMOVE,
    CMD_RENAME,
    CMD_RMDIR,
    CMD_WRITE,
)
from tests.servers import s3 as s3_server

import hygge.filesystems.azure  # noqa: F401 - it takes long, and is the same for all forks
from hygge import registry
from hygge.connections.named import NamedConnections
from hygge.core.events import Event
from hygge.core.home import HomeConfig
from hygge.core.journal import Intent, Journal, from_json
from hygge.core.schema import TableSchema
from hygge.core.store import Receipt, StagedPart, StoreConfig
from hygge.databases import duckdb, mssql, mysql, postgres, sqlite  # noqa: F401
from hygge.filesystems import sftp, sftp_session  # noqa: F401
from hygge.flow.factory import FlowFactory
from hygge.flow.settings import FlowSettings
from hygge.flow.terms import Terms
from hygge.formats import arrow, csv, ndjson, parquet  # noqa: F401 - a fork need not import them
from hygge.homes import files as file_homes  # noqa: F401
from hygge.journal.sqlite import SqliteJournal
from hygge.stores import delta as delta_stores  # noqa: F401
from hygge.stores import files as file_stores  # noqa: F401
from hygge.stores import mirror_waiting, sql_workers
from hygge.stores import open_mirroring as mirror_stores  # noqa: F401
from hygge.stores import sql as sql_stores  # noqa: F401
from hygge.stores.commit_log import Record
from hygge.testing import faults
from hygge.testing.faults import Trigger
from hygge.testing.faulty_filesystem import FaultyFileSystem
from hygge.testing.faulty_journal import FaultyJournal
from hygge.testing.harness import Row, people

for kind in registry.TABLES:  # found and built once: each fork has them from the start
    registry.table(kind)
for value in (Intent, Receipt, Record, StagedPart, TableSchema):
    with suppress(ValueError):
        from_json(value, b"")

PATIENCE = 5.0
"""Seconds that a run waits for a journal whose owner sleeps inside a transaction."""
FILE = "shop.db"
"""Where a database lies that is a file."""
OLD, NEW = 30, 60
"""How many people the source has at first, and then."""
CLOUDS = ("adls", "azure_blob", "onelake", "gcs")
"""Layouts of files whose place is told by a connection's settings."""
GONE = (3, 11, 12, 28)
"""Those that it has lost by then, in a case of deletes."""


@dataclass(frozen=True)
class Case:
    """What kind of load, into what kind of folder."""

    run_type: str
    layout: str = "folder"
    write: str = "append"
    changed: bool = False
    """The source has lost a column since."""
    wider: bool = False
    """A column's values do not fit its type any more."""
    deletes: str = ""
    """The source has lost rows since, found by their keys, and so they are deleted."""
    swap: bool = False
    """A new table takes the old one's name."""
    options: tuple[tuple[str, str], ...] = ()
    """More settings of the store."""
    workers: int = 1
    """So many inserts at once, of few rows each."""
    files: bool = False
    """The source is a folder that files arrive in, and those that are new are read."""
    at: str = ""
    """A server's URL, and what its tables' names begin with."""
    prefix: str = ""

    def __str__(self) -> str:
        how = f"-{self.write}" if self.write != "append" else ""
        how += f"-{self.deletes}_deletes" if self.deletes else ""
        how += "-changed" if self.changed else "-wider" if self.wider else ""
        how += "-new_files" if self.files else ""
        how += "".join(f"-{value}" for _, value in self.options)
        how += "-swap" if self.swap else ""
        how += f"-{self.workers}_workers" if self.workers > 1 else ""
        return f"{self.run_type}{how}-{self.layout}"

    def store(self, place: Path) -> dict[str, Any]:
        """The settings of a store there."""
        if self.layout in ("folder", "versioned"):
            return {"type": "parquet", "path": str(place), "layout": self.layout}
        if self.layout == "sftp":
            return {"type": "sftp", "connection": "server", "path": str(place)}
        if self.layout == "mirror":
            root, told = place.parents[1] / "database", {"schema": "dbo", "table": place.name}
            wait = {"folder_deletion_wait_seconds": 1}
            return {"type": "open_mirroring", "account_url": f"file://{root}", **told, **wait}
        if self.layout == "delta":
            return {"type": "delta", "path": str(place)}
        if self.layout == "s3":
            return {"type": "parquet", "path": f"{self.prefix}{place.name}"}
        if self.layout in CLOUDS:
            path = f"{self.prefix}{place.name}"
            return {"type": "parquet", "connection": "place", "path": path}
        if self.at:
            table = f"{self.prefix}{place.name}"
            more: dict[str, Any] = {"swap": "rename"} if self.swap else {}
            more |= {"workers": self.workers} if self.workers > 1 else {}
            known = {"type": self.layout, "connection": self.at, "table": table}
            return {**known, **more, **dict(self.options)}
        return {"type": self.layout, "path": str(place.parent.parent / FILE), "table": place.name}

    @property
    def connections(self) -> NamedConnections:
        """What the store's settings call `place`, or `server`."""
        known: dict[str, Any] = {}
        if self.layout in CLOUDS:
            known = {"place": json.loads(self.at)}
        if self.layout == "sftp":
            known = {"server": {"type": "sftp", **json.loads(self.at)}}
        return NamedConnections(known)

    @property
    def settings(self) -> dict[str, Any]:
        more: dict[str, Any] = {}
        if self.run_type == "incremental":
            more = {"write": self.write, "keys": ["id"] if self.write == "merge" else []}
        if ("create", "rowstore_pk") in self.options:
            more["keys"] = ["id"]
        if self.deletes:
            more |= {"detect_deletes": "by_key_compare", "deletes": self.deletes}
        mark = {"new_files": True} if self.files else {"watermark": "id"}
        return {"run_type": self.run_type, "parallel": 2, **mark, **more}

    def source(self, new: bool) -> list[Any]:
        """The source's files, as frames. An incremental source only grows."""
        word = "new" if new and self.run_type == "full_drop" else "old"
        third, count = (NEW if new else OLD) // 3, 3
        if self.files:
            third, count = OLD // 3, 6 if new else 3
        frames = [people(n * third, third, word) for n in range(count)]
        if self.wider:
            return [frame.with_columns(_score(pl.Int64 if new else pl.Int32)) for frame in frames]
        if new and self.deletes:
            frames = [frame.filter(~pl.col("id").is_in(GONE)) for frame in frames]
        return [frame.drop("seen") for frame in frames] if new and self.changed else frames

    def rows(self, new: bool) -> list[Row]:
        """What the destination is to have, as `seen` shows it."""
        rows = [row for frame in self.source(new) for row in frame.rows()]
        if self.deletes != "soft":
            return rows
        gone = [people(n, 1).row(0) for n in GONE] if new else []
        return [(*row, False) for row in rows] + [(*row, True) for row in gone]

    def seen(self, rows: Sequence[Row] | None) -> list[Row]:
        """What is looked at: of a row that is marked, not when."""
        if self.deletes != "soft":
            return list(rows or ())
        return [(*row[:-1], row[-1] is not None) for row in rows or ()]


def _score(kind: Any) -> pl.Expr:
    """What those who come later have does not fit an int32."""
    much = pl.when(pl.col("id") < OLD).then(1).otherwise(10**12)
    return (pl.col("id") * much).cast(kind).alias("score")


@dataclass(frozen=True)
class Fault:
    """Where (`events`, `steps`, `disk`, `files`, `journal`), before which one, and what happens.

    `steps` are the file operations of the process and the statements of its journal, `disk` its
    file operations alone; `files` and `journal` are calls of the filesystem and of the journal.
    """

    where: str
    at: int
    harm: Callable[[str], None] = faults.die
    for_good: bool = False


@dataclass(frozen=True)
class Attempt:
    """One run of the flow. All that is not said stays as usual."""

    case: Case
    fault: Fault | None = None
    journal: str = "journal.db"
    store: str = "lake/people"
    lease_seconds: float = 60.0
    retries: int = 0
    largest_file: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What the run came to; `met`: the side effect or event that met the fault.

    `unfinished`: how many loads the journal takes for unfinished then.
    """

    status: str
    error: str = ""
    kind: str = ""
    met: str | None = None
    events: tuple[str, ...] = ()
    unfinished: int = 0


_CHANGING = (CMD_EXTENDED, CMD_FSETSTAT, CMD_MKDIR, CMD_REMOVE, CMD_RENAME, CMD_RMDIR, CMD_WRITE)


def watch_sftp(trigger: Trigger) -> None:
    """Ask the trigger before each request that changes something on an SFTP server, for good."""
    ask = sftp_session.Session._async_request

    def asked(session: Any, who: Any, kind: int, *words: Any) -> Any:
        if kind in _CHANGING or (kind == CMD_OPEN and words[1] == sftp_session.CREATE):
            trigger(f"sftp {CMD_NAMES[kind]}")
        return ask(session, who, kind, *words)

    sftp_session.Session._async_request = asked


def fill(folder: Path, case: Case, new: bool) -> None:
    """Write the source's files anew, or those that are not there yet."""
    source = folder / "source"
    if not case.files:
        shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True, exist_ok=True)
    for n, frame in enumerate(case.source(new)):
        if not (source / f"{n}.parquet").exists():
            frame.write_parquet(source / f"{n}.parquet")


def prepare(folder: Path, case: Case) -> Outcome:
    """A first load, done; and a source that has changed since."""
    fill(folder, case, new=False)
    outcome = attempt(folder, Attempt(case))
    fill(folder, case, new=True)
    return outcome


def attempt(folder: Path, what: Attempt) -> Outcome:
    """One run, with its fault."""
    trigger = Trigger()
    if what.fault is not None:
        trigger = Trigger(what.fault.at, what.fault.harm, what.fault.for_good)
    with files_up_to(what.largest_file):
        return asyncio.run(_run(folder, what, trigger))


@contextmanager
def files_up_to(size: int | None) -> Iterator[None]:
    """No file of this process may grow beyond this: what a full disk looks like."""
    if size is None:
        yield
        return
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class _Later:
    """Time as it is seen by who waits for a table to be forgotten: the wait is over at once, but
    for the one that is begun now."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def time(self) -> float:
        return time.time() + self._ahead

    async def pause(self, seconds: float) -> None:
        self._ahead += seconds
        await asyncio.sleep(0)


async def _run(folder: Path, what: Attempt, trigger: Trigger) -> Outcome:
    clock = _Later()
    mirror_waiting.time = clock  # type: ignore[assignment, attr-defined]
    where, events = what.fault.where if what.fault else "", list[str]()
    if what.case.workers > 1:  # in a fork of its own
        sql_workers._LEAST = mssql.Mssql.insert_rows = 3
    store = what.case.store(folder / what.store)
    if where == "files":
        FaultyFileSystem.trigger = trigger
        store["filesystem"] = "hygge.testing.faulty_filesystem:FaultyFileSystem"
    if what.case.layout == "s3":
        os.environ.update(s3_server.environment(what.case.at))
    if where in ("steps", "disk"):
        faults.watch_files(trigger, folder)
    if where == "steps":
        faults.watch_sqlite(trigger)
        faults.watch_sessions(trigger)
        watch_sftp(trigger)
        faults.watch_objects(trigger)
    if where == "steps" and what.case.layout in ("adls", "onelake"):
        faults.watch_directories(trigger)

    def listen(event: Event) -> None:
        events.append(type(event).__name__)
        if where == "events":
            trigger(events[-1])

    home = {"type": "parquet", "path": str(folder / "source"), "partition_mb": 0.000_1}
    async with SqliteJournal(folder / what.journal, patience=PATIENCE) as journal:
        faulty = cast(Journal, FaultyJournal(journal, trigger)) if where == "journal" else journal
        flow = FlowFactory.build(
            "people",
            HomeConfig.create(home),
            StoreConfig.create(store),
            FlowSettings(retries=what.retries, **what.case.settings),
            faulty,
            connections=what.case.connections,
            listen=listen,
        )
        flow.lease_seconds = what.lease_seconds
        try:
            report = await flow.run(Terms(pause=clock.pause))
            left = len(await journal.unfinished("people"))
        except Exception as failed:  # noqa: BLE001 - a journal that fails stops the run by raising
            return Outcome("stopped", str(failed), type(failed).__name__, trigger.met, (*events,))
    kind = type(report.error).__name__ if report.error else ""
    told = str(report.error or "")
    return Outcome(report.status, told, kind, trigger.met, (*events,), left)
