"""A session's transaction. DuckDB's begins with the first statement that touches data.

In read committed, each statement sees what was committed before it, until the transaction has
written; from then on DuckDB's snapshot stays as it is, and a table that others have written since
is refused, as a deadlock would be.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from contextlib import suppress

import duckdb
from tests.servers.tds.catalog import quoted
from tests.servers.tds.errors import DEADLOCK, TIMEOUT, Cancelled, SqlError
from tests.servers.tds.server import Database, Server, now

_ids = itertools.count(1001)


class Transactions:
    """`depth` is @@TRANCOUNT."""

    def __init__(self, server: Server, con: duckdb.DuckDBPyConnection, session: int) -> None:
        self._server, self._con, self._session = server, con, session
        self.depth = 0
        self.isolation = self._started_as = "read committed"
        self.lock_timeout: float | None = None
        self.id: int | None = None
        self.since = ""
        self.tracked: Database | None = None
        self.kept: set[Hashable] = set()
        self.defines = False
        self._seen: tuple[Database, int] | None = None
        self._open = self._written = False
        self._snapshot = self._version = 0
        self._held: set[Hashable] = set()
        self._redefined: set[Hashable] = set()

    def begin(self) -> None:
        if not self.depth:
            self.id, self.since = next(_ids), now()
            self._started_as = self.isolation
        self.depth += 1

    def read(self, database: Database) -> None:
        """Before a statement that only reads."""
        if self.depth and self.isolation == "snapshot" != self._started_as:
            told = (
                f"Transaction failed in database '{database.name}' because the statement was run "
            )
            told += "under snapshot isolation but the transaction did not start in it."
            raise SqlError(3951, told)
        if self.depth and self.isolation == "snapshot" and not database.snapshot:
            told = f"Snapshot isolation transaction failed accessing database '{database.name}'"
            raise SqlError(3952, told + " because snapshot isolation is not allowed in it.")
        if self._open and not self._written and self.isolation == "read committed":
            self._con.execute("commit")
            self._open = False
        if not self._open:
            with self._server.changing:
                self._con.execute(f"begin; from {quoted(database.name)}.sys.schemas limit 0")
                self._open, self._snapshot = True, self._server.commits
                self._seen = database, self._server.definitions
                self._version = database.version

    def seen(self, database: Database, what: Hashable) -> int | None:
        """Up to which change of definitions we see them; None if we have changed these."""
        mine = self.defines and (what in self._held or what in self._redefined)
        if mine or not self._open or self._seen is None or self._seen[0] is not database:
            return None
        return self._seen[1]

    def redefine(self, what: Hashable) -> None:
        """Something is otherwise now that we have not locked."""
        self._redefined.add(what)

    @property
    def touched(self) -> bool:
        """Whether it has seen data."""
        return self._open

    @property
    def written(self) -> bool:
        return self._written

    def version(self, database: Database) -> int:
        """Of changes that are tracked: what we see has all of them up to this one."""
        mine = self._open and self._seen is not None and self._seen[0] is database
        return self._version if mine else database.version

    def write(
        self,
        database: Database,
        *what: Hashable,
        stopped: Callable[[], bool],
        adding: bool = False,
    ) -> None:
        """Before one that changes these tables, or names of tables. Several may add rows."""
        locks, wait = self._server.locks, self.lock_timeout
        for one in sorted(what, key=str):
            if not locks.take(one, self._session, wait, stopped, shared=adding):
                if stopped():
                    raise Cancelled
                raise SqlError(TIMEOUT, "Lock request time out period exceeded.")
            self._held.add(one)
        self.read(database)
        late = [one for one in what if self._server.committed.get(one, 0) > self._snapshot]
        if late and not adding and (self._written or self.isolation != "read committed"):
            told = f"{late[0]} was changed since this transaction has begun; it was chosen as "
            raise SqlError(DEADLOCK, told + "the deadlock victim. Rerun the transaction.", 13)
        self._written = True

    def note_row_versions(self, database: Database) -> None:
        """Before numbers of rows are given out: what comes from here on is not yet to be read."""
        floors = self._server.row_floors
        with self._server.changing:
            if self._session not in floors:
                last = self._server.last_row_version(self._con, database.name)
                floors[self._session] = (database.name, last + 1)

    def done(self) -> None:
        """After a statement: without a transaction it is committed."""
        if not self.depth:
            self._commit()

    def commit(self) -> None:
        if not self.depth:
            told = "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION."
            raise SqlError(3902, told)
        self.depth -= 1
        if not self.depth:
            self._commit()

    def _commit(self) -> None:
        try:
            if self.tracked is not None and self._open:
                self._commit_changes(self.tracked)
            elif self._open:
                self._finish()
        except duckdb.Error:
            self._open = False
            self._forget()
            raise
        self._forget()

    def _commit_changes(self, database: Database) -> None:
        """Changes get their version as they are committed."""
        with database.committing:
            place, mark = f'"{database.name}".sys', -self._session
            version = database.version + 1
            for what in ("changes set version", "tracked set min_version"):
                column = what.rpartition(" ")[2]
                self._con.execute(f"update {place}.{what} = {version} where {column} = {mark}")
            self._finish()
            database.version = version

    def _finish(self) -> None:
        with self._server.changing:
            self._con.execute("commit")
            self._open = False
            if self.defines:
                self._server.definitions += 1
                for one in self._held | self._redefined:
                    self._server.defined[one] = self._server.definitions
            if self._written:
                self._server.commits += 1
                for one in self._held:
                    self._server.committed[one] = self._server.commits

    def rollback(self) -> None:
        """All of it; nothing happens where there is none."""
        if self._open:
            with suppress(duckdb.Error):  # it may have ended with an error already
                self._con.execute("rollback")
        self._open = False
        self._forget()

    def _forget(self) -> None:
        self.depth, self.id, self._written = 0, None, False
        self.tracked = self._seen = None
        self.defines = False
        self._server.row_floors.pop(self._session, None)
        self._server.locks.release_all(self._session, self.kept)
        self._held.clear()
        self._redefined.clear()
