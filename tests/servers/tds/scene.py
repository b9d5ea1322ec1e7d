"""What a session's statements see: its database, its variables, and what functions tell of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tests.servers.tds import parsing, tracking
from tests.servers.tds.catalog import Catalog, Table, quoted, text
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import Kind
from tests.servers.tds.server import Database, now
from tests.servers.tds.views import View, views

if TYPE_CHECKING:
    from tests.servers.tds.session import Session

VERSION = "Microsoft SQL Server 2022 (a test server that speaks its protocol) - 16.0.4096.0"
_PROPERTIES = {
    **{
        "engineedition": 3,
        "edition": "Developer Edition (64-bit)",
        "productversion": "16.0.4096.0",
    },
    **{"productmajorversion": "16", "collation": "SQL_Latin1_General_CP1_CI_AS"},
    **{"servername": "TESTS", "machinename": "TESTS", "productlevel": "RTM", "isclustered": 0},
}


class SessionScene:
    """One session's."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.variables: dict[str, tuple[Kind, Any]] = {}
        self.error: SqlError | None = None

    def place(self, path: Sequence[str]) -> tuple[Database, str, str]:
        """The database, schema and name that a name of one to three parts stands for."""
        session = self._session
        name = path[-1]
        if name.startswith("#"):
            return session.home, f"#{session.id}", name
        schema = (path[-2] if len(path) > 1 else "") or "dbo"
        named = path[-3] if len(path) > 2 else ""
        return (session.server.database(named) if named else session.database), schema, name

    def table(self, path: Sequence[str]) -> Table | None:
        database, schema, name = self.place(path)
        what = (database.name.lower(), schema.lower(), name.lower())
        state = self._session.transactions.seen(database, what)
        changed = self._session.server.defined.get(what, 0)
        known = database.tables.get(what[1:])
        if state is not None and known is not None and changed <= min(known[0], state):
            return known[1]
        found = Catalog(self._session.con, database.name).table(schema, name)
        if state is not None:
            database.tables[what[1:]] = (state, found)
        return found

    def view(self, path: Sequence[str]) -> View | None:
        if len(path) < 2 or path[-1].startswith("#"):
            return None
        found = views().get(f"{path[-2]}.{path[-1]}".lower())
        if found is None:
            return None
        database = self.place(path)[0]
        query = found.query.replace("{sys}", quoted(database.name, "sys"))
        query = query.replace("{db}", text(database.name))
        for word, rows in (
            ("{databases}", self._databases),
            ("{sessions}", self._sessions),
            ("{transactions}", self._transactions),
            ("{waiting}", self._waiting),
        ):
            if word in query:
                query = query.replace(word, rows())
        return View(query, found.columns)

    def _databases(self) -> str:
        return ", ".join(one.row for one in list(self._session.server.databases.values()))

    def _sessions(self) -> str:
        return ", ".join(one.row for one in list(self._session.server.sessions.values()))

    def _transactions(self) -> str:
        found = [
            f"({one.transactions.id}, {one.id}, {one.database.id}, '{one.transactions.since}',"
            f" {one.transactions.touched}, {one.transactions.written})"
            for one in list(self._session.server.sessions.values())
            if one.transactions.id is not None
        ]
        return ", ".join(found or ["(null, null, null, null, false, false)"])

    def _waiting(self) -> str:
        waiting = self._session.server.locks.waiting()
        found = [f"({session}, {text(str(what))})" for session, what in waiting.items()]
        return ", ".join(found or ["(null, null)"])

    def variable(self, name: str) -> tuple[Kind, Any]:
        found = self.variables.get(f"@{name.lstrip('@').lower()}")
        if found is None:
            told = f'Must declare the scalar variable "@{name.lstrip("@")}".'
            raise SqlError(137, told, 15)
        return found

    def changes(self, table: str, since: int) -> View:
        found = self.table(parsing.named(table))
        if found is None:
            raise SqlError(208, f"Invalid object name '{table}'.")
        return tracking.changes(found, since)

    # facts

    def fact(self, name: str, arguments: Sequence[Any]) -> Any:
        """A function's value, as the session knows it."""
        asked = getattr(self, f"_{name.lstrip('@')}", None)
        if asked is not None:
            return asked(*arguments)
        session, login = self._session, self._session.login
        plain: dict[str, Any] = {
            "sys": quoted(session.database.name, "sys"),
            "@@spid": session.id,
            "@@trancount": session.transactions.depth,
            "@@rowcount": session.row_count,
            "rowcount_big": session.row_count,
            "@@identity": session.identity,
            "scope_identity": session.identity,
            "@@version": VERSION,
            "@@servername": "TESTS",
            "@@options": session.options,
            "@@language": "us_english",
            "host_name": login.host,
            "app_name": login.program,
            "xact_state": 1 if session.transactions.depth else 0,
            "has_perms_by_name": 1,
            "is_srvrolemember": 1,
            "is_rolemember": 1,
            "is_member": 1,
        }
        if name in ("user_name", "current_user", "session_user", "user"):
            return "dbo"
        if name in ("suser_sname", "suser_name", "original_login", "system_user"):
            return login.user or "token"
        if name in ("sysutcdatetime", "sysdatetime", "getdate", "getutcdate"):
            return _clock()
        if name in ("current_timestamp", "sysdatetimeoffset"):
            return _clock()
        if name.startswith("error_"):
            return self._error_fact(name)
        return plain.get(name, 0 if name.startswith("@@") else None)

    def _error_fact(self, name: str) -> Any:
        if self.error is None:
            return None
        facts = {"number": self.error.number, "message": self.error.text}
        facts |= {"severity": self.error.severity, "state": 1, "line": 1}
        return facts[name.removeprefix("error_")]

    def _db_name(self, number: int | None = None) -> str | None:
        session = self._session
        if number is None:
            return session.database.name
        found = [d.name for d in session.server.databases.values() if d.id == number]
        return found[0] if found else None

    def _db_id(self, name: str | None = None) -> int | None:
        session = self._session
        if name is None:
            return session.database.id
        found = session.server.databases.get(name.lower())
        return found.id if found is not None else None

    def _object_id(self, name: str | None, kind: str | None = None) -> int | None:
        if not name:
            return None
        path = parsing.named(name)
        view = self.view(path)
        if view is not None:
            return -1 - sorted(views()).index(f"{path[-2]}.{path[-1]}".lower())
        try:
            database, schema, own = self.place(path)
        except SqlError:
            return None
        wanted = (kind or "").strip().upper()
        if wanted in ("", "U", "V"):
            table = self.table([database.name, schema, own])
            if table is not None and wanted in ("", table.type):
                return table.number
            if wanted:
                return None
        found = Catalog(self._session.con, database.name).object(schema, own)
        return found[0] if found is not None and wanted in ("", found[3]) else None

    def _serverproperty(self, name: str) -> Any:
        found = _PROPERTIES.get(name.lower())
        return str(found) if found is not None else None

    def _databasepropertyex(self, name: str, what: str) -> str | None:
        known = {"collation": "SQL_Latin1_General_CP1_CI_AS", "updateability": "READ_WRITE"}
        known |= {"status": "ONLINE", "recovery": "SIMPLE", "edition": "Developer"}
        return known.get(what.lower()) if self._db_id(name) is not None else None

    def _lock_timeout(self) -> int:
        seconds = self._session.transactions.lock_timeout
        return -1 if seconds is None else int(seconds * 1000)

    def _dbts(self) -> bytes:
        session = self._session
        last = session.server.last_row_version(session.con, session.database.name)
        return last.to_bytes(8, "big")

    def _min_active_rowversion(self) -> bytes:
        session = self._session
        name = session.database.name
        floors = list(session.server.row_floors.values())
        open_ones = [number for database, number in floors if database == name]
        last = session.server.last_row_version(session.con, name)
        return min([*open_ones, last + 1]).to_bytes(8, "big")

    def _change_tracking_current_version(self) -> int | None:
        database = self._session.database
        return self._session.transactions.version(database) if database.tracked else None

    def _change_tracking_min_valid_version(self, number: int | None) -> int | None:
        return tracking.min_version(self._session.con, self._session.database, number)

    def _ident_current(self, name: str) -> int | None:
        return self._session.identity

    def _applock_mode(self, who: str, resource: str, owner: str = "Transaction") -> str:
        session = self._session
        held = session.server.locks.owner(("app", session.database.name, resource.lower()))
        return "Exclusive" if held == session.id else "NoLock"

    def _applock_test(self, who: str, resource: str, mode: str, owner: str = "") -> int:
        session = self._session
        held = session.server.locks.owner(("app", session.database.name, resource.lower()))
        return int(held in (None, session.id))


def _clock() -> str:
    return now()[:-1] + str(time.time_ns() // 100 % 10)
