"""SQL Server and its kin: statements and rows by ODBC, loads in bulk."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import polars as pl

from hygge.connections.loan import Loan
from hygge.connections.pool import Pool, pool_of
from hygge.core.config import Settings
from hygge.core.errors import ConnectionFailed, HyggeError
from hygge.core.schema import Column
from hygge.core.watermark import Watermark
from hygge.databases.arrow_rows import named
from hygge.databases.bends import Bends
from hygge.databases.database import Database, Field, Session, Table, Writer
from hygge.databases.mssql_catalog import KEYS, described, fields
from hygge.databases.mssql_dialling import Dialling
from hygge.databases.mssql_errors import told
from hygge.databases.mssql_line import Bulk, Talk
from hygge.databases.mssql_settings import MssqlSettings
from hygge.databases.mssql_switch import twin
from hygge.databases.mssql_targets import refuse_target
from hygge.databases.mssql_types import compared, declared, readable, sendable
from hygge.databases.mssql_words import MssqlWords, bracketed
from hygge.databases.mssql_writers import refuse_replica, writers

_BATCH = 16_384
_STATES = (
    "select snapshot_isolation_state, is_read_committed_snapshot_on from sys.databases "
    "where database_id = db_id()"
)
_RIGHTS = {
    "make tables": "create table",
    "make schemas": "create schema",
    "see who writes": "view database state",
}
_MAY = list(_RIGHTS)
_WHO = "select suser_sname(), user_name(), db_name(), " + ", ".join(
    f"has_perms_by_name(null, 'DATABASE', '{right}')" for right in _RIGHTS.values()
)
_SNAPSHOT, _READ_COMMITTED = (
    f"set transaction isolation level {word}" for word in ("snapshot", "read committed")
)
_TURN = (
    "declare @turn int, @name nvarchar(255) = lower(N'hygge ' + "
    "coalesce(cast(? as nvarchar(120)), schema_name()) + N'.' + cast(? as nvarchar(128))); "
    "exec @turn = sp_getapplock @Resource = @name, @LockMode = 'Exclusive', "
    "@LockOwner = 'Transaction', @LockTimeout = ?; select @turn"
)


class Mssql(MssqlWords, Database):
    """Publishing waits for its turn at one table by an application lock."""

    name = "mssql"
    catalog = (
        "select s.name, t.name, case when s.name = schema_name() then 1 else 0 end "
        "from sys.tables t join sys.schemas s on s.schema_id = t.schema_id "
        "where t.is_ms_shipped = 0"
    )
    schemas = "select name from sys.schemas"
    Settings: ClassVar[type[Settings]] = MssqlSettings
    sheds_columns = True
    sheds_cleanly = False  # a SWITCH may refuse what is left of them
    claiming = "declare @any int; select top (1) @any = 1 from {} with (tablockx, holdlock)"
    insert_rows = 102_400
    by_index = True
    in_ranges = "hygge.databases.mssql_ranges:MssqlRanges"
    accounts: ClassVar = {
        "change_tracking": "hygge.databases.mssql_changes:ChangeTracking",
    }
    widening = "hygge.databases.mssql_widening:widen"
    bends = Bends(time=100, moment=100, no_floats="not finite")
    settings: MssqlSettings

    def __init__(self, settings: MssqlSettings) -> None:
        super().__init__(settings)
        self.patience = 3 * settings.lock_seconds + settings.connect_seconds
        self.patience += settings.acquire_timeout

    @property
    def pool(self) -> Pool:
        return pool_of((Mssql, self.settings), self.identity, self.settings)

    @property
    def identity(self) -> str:
        return f"mssql://{self.settings.where.replace(',', ':')}/{self.settings.which or ''}"

    def connect(self, *, write: bool = False) -> Session:
        return MssqlSession(self.settings, self.pool)

    def native(self, kind: pl.DataType) -> str:
        return declared(self.held(kind))

    def narrowed(
        self, mark: Watermark, sign: str, column: str, place: str, native: str
    ) -> tuple[str, Any] | None:
        value = mark.value
        if sign == "<" and isinstance(value, datetime):
            with suppress(OverflowError):  # after the last moment there is none
                value += timedelta(microseconds=1)  # of what was cut, the rest is less
        found = compared(native, value, place)
        return (f"{column} {sign}= {found[0]}", found[1]) if found else None


class MssqlSession(Session):
    """One connection at a time: to talk and to read, or to load. Made when it is needed."""

    def __init__(self, settings: MssqlSettings, pool: Pool) -> None:
        self._settings, self._loan = settings, Loan(pool)
        self._dialling = Dialling(settings.connect_seconds)

    def _talk(self) -> AbstractContextManager[Talk]:
        return self._loan.using(Talk, lambda: Talk(self._settings, self._dialling))

    def _bulk(self) -> AbstractContextManager[Bulk]:
        return self._loan.using(Bulk, lambda: Bulk(self._settings, self._dialling))

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._talk() as line, told(), line.asking() as cursor:
            cursor.execute(sql, *values)
            return [tuple(row) for row in cursor.fetchall()]

    def change(self, sql: str, *values: Any) -> None:
        with self._talk() as line, told(), line.asking() as cursor:
            cursor.execute(sql, *values)

    def put(self, sql: str) -> int:
        return int(self.rows(f"{sql}; select rowcount_big()")[0][0])

    @contextmanager
    def transaction(self, about: Table | None = None) -> Iterator[None]:
        with self._talk():
            self.change("begin transaction")
            try:
                if about is not None:
                    self._take_turn(about)
                yield
                self.change("commit")
            except BaseException:  # a cancelled block, too, leaves nothing half done
                with suppress(HyggeError):  # the connection may be gone, and the rows with it
                    self.change("if @@trancount > 0 rollback")
                raise

    def _take_turn(self, about: Table) -> None:
        wait = self._settings.lock_seconds
        if self.rows(_TURN, about.schema, about.name, 1000 * wait)[0][0] < 0:
            raise ConnectionFailed(f"another run has been publishing {about} for {wait} s")

    # what is there

    def fields(self, table: Table) -> list[Field]:
        return [self._field(*column) for column in fields(self, _whole(table))]

    def described(self, query: str) -> list[Field]:
        return [self._field(*column) for column in described(self, query)]

    def _field(self, name: str, native: str, nullable: bool) -> Field:
        exact = self._settings.moments == "exact"
        kind, read, arrive = readable(native, bracketed(name), exact=exact)
        return Field(Column(name, kind, nullable), native, read, arrive)

    def keys(self, table: Table) -> tuple[str, ...]:
        return tuple(row[0] for row in self.rows(KEYS, _whole(table)))

    def refuse_target(self, table: Table, *, swap: bool) -> None:
        refuse_target(self, table, _whole(table), swap=swap)

    def twin(self, table: Table, name: str) -> Callable[[], None] | None:
        return twin(self, table, name)

    # what others do

    def clock(self) -> tuple[datetime, datetime]:
        utc, local = self.rows("select sysutcdatetime(), sysdatetime()")[0]
        return utc.replace(tzinfo=UTC), local

    def writers(self) -> list[Writer]:
        return writers(self)

    def cap(self, field: Field) -> int | None:
        """Numbers of rows are given as they are written, and seen as they are committed."""
        if field.native != "rowversion":
            return None
        refuse_replica(self)
        return int(self.rows("select cast(min_active_rowversion() as bigint)")[0][0]) - 1

    # rows in bulk

    def batches(
        self, sql: str, values: Sequence[Any], fields: Sequence[Field]
    ) -> Generator[pl.DataFrame, None, None]:
        with self._talk() as line, self._at_one_moment(), told(), line.asking() as cursor:
            cursor.execute(sql, *values)
            reader = cursor.arrow_reader(batch_size=_BATCH)
            try:
                for batch in reader:
                    yield named(batch, fields)
            finally:
                reader.close()

    @contextmanager
    def _at_one_moment(self) -> Iterator[None]:
        """One statement shows one state of the table, where the database keeps versions of rows."""
        snapshots, by_itself = self._versions()
        if snapshots and not by_itself:
            self.change(_SNAPSHOT)
        yield
        if snapshots and not by_itself:
            self.change(_READ_COMMITTED)

    def _versions(self) -> tuple[bool, bool]:
        """Whether snapshots are allowed, and whether each statement has one by itself."""
        state, by_itself = self.rows(_STATES)[0]
        return state == 1, bool(by_itself)

    def about(self) -> str:
        login, user, database, *may = self.rows(_WHO)[0]
        words = [word for word, can in zip(_MAY, may, strict=True) if can]
        return f"login {login}, user {user} of {database}, may {', '.join(words) or 'do little'}"

    def notes(self) -> Sequence[str]:
        if any(self._versions()):
            return ()
        return (
            "rows that move while they are read may be missed or come twice: the database keeps no "
            "versions of rows (alter database current set allow_snapshot_isolation on)",
        )

    def insert(self, table: Table, rows: pl.DataFrame) -> None:
        ready = pl.DataFrame([sendable(column) for column in rows])
        data = ready.to_arrow(compat_level=pl.CompatLevel.oldest())
        with self._bulk() as line:
            line.load(_whole(table), data, rows.columns)

    def interrupt(self) -> None:
        self._loan.stop()
        self._dialling.stop()

    def close(self) -> None:
        self._loan.close()


def _whole(table: Table) -> str:
    return ".".join(map(bracketed, filter(None, (table.schema, table.name))))
