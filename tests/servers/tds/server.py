"""The server: its databases, its sessions, and what they share."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import duckdb
from tests.servers.tds import macros
from tests.servers.tds.catalog import Catalog, Table, quoted
from tests.servers.tds.errors import TEXTS, SqlError
from tests.servers.tds.locks import Locks

if TYPE_CHECKING:
    from tests.servers.tds.session import Session

SYSTEM = ("master", "tempdb", "model", "msdb")


def now() -> str:
    """In UTC, with seven digits."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f") + "0"


@dataclass
class Fault:
    """The next statements with this text in them fail."""

    number: int
    when: str
    times: int


@dataclass
class Database:
    """What a database has beside its tables."""

    name: str
    id: int
    created: str = field(default_factory=now)
    fork: str = field(default_factory=lambda: str(uuid4()))
    snapshot: bool = False
    rcsi: bool = False
    tracked: bool = False
    version: int = 0
    tables: dict[tuple[str, str], tuple[int, Table | None]] = field(default_factory=dict)
    statements: list[tuple[int, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    committing: threading.RLock = field(default_factory=threading.RLock)

    @property
    def row(self) -> str:
        """As one of VALUES."""
        name = self.name.replace("'", "''")
        flags = f"{int(self.snapshot)}, {self.rcsi}, '{self.fork}', {self.tracked}"
        return f"('{name}', {self.id}, '{self.created}', {flags})"

    def fault(self, text: str) -> SqlError | None:
        """The one that was asked for, if this statement is to fail."""
        for one in self.faults:
            if one.times > 0 and one.when.lower() in text.lower():
                one.times -= 1
                told = TEXTS.get(one.number, f"A fault that was asked for ({one.number}).")
                severity = 13 if one.number == 1205 else 16
                return SqlError(one.number, told, severity, fatal=one.number == 37396)
        return None


class Server:
    """Listens, and starts a thread for each client."""

    def __init__(self, context: ssl.SSLContext, login: tuple[str, str]) -> None:
        self.context, self.login = context, login
        self.root = duckdb.connect(config={"threads": 1})
        self.root.execute(macros.script())
        self.databases: dict[str, Database] = {}
        self.locks = Locks()
        self.sessions: dict[int, Session] = {}
        self.committed: dict[object, int] = {}
        self.defined: dict[object, int] = {}
        self.commits = self.definitions = 0
        self.changing = threading.RLock()
        self.row_floors: dict[int, tuple[str, int]] = {}
        self._ids = itertools.count(1)
        self._spids = itertools.count(51)
        for name in SYSTEM:
            self.create(name).snapshot = name in ("master", "msdb")

    def create(self, name: str) -> Database:
        """A database. Raises SqlError if it is there."""
        with self.changing:
            if name.lower() in self.databases:
                told = f"Database '{name}' already exists. Choose a different database name."
                raise SqlError(1801, told)
            made = Database(name, next(self._ids))
            con = self.root.cursor()
            con.execute(f"attach ':memory:' as {quoted(name)}")
            Catalog(con, name).make()
            self.databases[name.lower()] = made
            return made

    def drop(self, name: str) -> None:
        with self.changing:
            found = self.database(name)
            del self.databases[name.lower()]
            self.root.cursor().execute(f"detach {quoted(found.name)}")

    def database(self, name: str) -> Database:
        """Raises SqlError for one that is not there."""
        found = self.databases.get(name.lower())
        if found is None:
            told = (
                f"Database '{name}' does not exist. Make sure that the name is entered correctly."
            )
            raise SqlError(911, told)
        return found

    def next_session(self) -> int:
        return next(self._spids)

    def last_row_version(self, con: duckdb.DuckDBPyConnection, database: str) -> int:
        found = con.execute(
            "select last_value from duckdb_sequences() where database_name = ?"
            " and sequence_name = 'row_versions'",
            [database],
        ).fetchone()
        return 2000 if found is None or found[0] is None else int(found[0])

    def serve(self, listener: socket.socket) -> None:
        """Until the process ends."""
        for client in _clients(listener):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        from tests.servers.tds.session import serve

        with client, suppress(OSError, ssl.SSLError):
            serve(self, client)


def _clients(listener: socket.socket) -> Iterator[socket.socket]:
    while True:
        yield listener.accept()[0]
