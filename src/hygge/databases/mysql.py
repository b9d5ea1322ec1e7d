"""MySQL and MariaDB: rows are read from an unbuffered cursor, and written by LOAD DATA."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, ClassVar

import polars as pl
import pymysql

from hygge.connections.loan import Loan
from hygge.connections.pool import Pool, pool_of
from hygge.core.config import Settings
from hygge.core.errors import ConnectionFailed, HyggeError, Unsupported
from hygge.core.schema import Column
from hygge.core.types import parse_type
from hygge.core.watermark import Watermark
from hygge.databases.bends import Bends
from hygge.databases.database import Database, Field, Session, Table, Writer
from hygge.databases.mysql_errors import refuse_changes, text, told
from hygge.databases.mysql_line import MysqlLine, in_memory
from hygge.databases.mysql_rows import streamed
from hygge.databases.mysql_settings import MysqlSettings
from hygge.databases.mysql_status import writing
from hygge.databases.mysql_targets import refuse_target
from hygge.databases.mysql_types import declared, lines, literal, quoted, readable, there_and_back

Lines = tuple[bytes, list[str], str]
_LINES = 50_000
"""Rows that are sent at once."""
_NAMES = re.compile("`[^`]*`")
_WIDTH = re.compile(r"int\(\d+\)")


class Mysql(Database):
    """A table is published by statements of one InnoDB transaction, at its turn by GET_LOCK."""

    name = "mysql"
    catalog = (
        "select table_schema, table_name, 1 from information_schema.tables "
        "where table_schema = database() and table_type in ('BASE TABLE', 'SYSTEM VERSIONED')"
    )
    schemas = "select schema_name from information_schema.schemata"
    Settings: ClassVar[type[Settings]] = MysqlSettings
    ddl_in_transactions = False
    sheds_columns = True
    claiming = "lock tables {} write"
    releasing = "unlock tables"
    by_index = True
    moments = "%Y-%m-%d %H:%M:%S.%f"
    in_ranges = "hygge.databases.mysql_ranges:MysqlRanges"
    widening = "hygge.databases.mysql_widening:widen"
    bends = Bends(time=1000, coarse="all", no_floats="not finite")
    settings: MysqlSettings

    def __init__(self, settings: MysqlSettings) -> None:
        super().__init__(settings)
        self.patience = 3 * settings.lock_seconds + settings.connect_seconds
        self.patience += settings.acquire_timeout

    @property
    def pool(self) -> Pool:
        return pool_of((Mysql, self.settings), self.identity, self.settings)

    @property
    def identity(self) -> str:
        parts = self.settings.parts()
        return f"mysql://{parts['host']}:{parts['port']}/{parts['database'] or ''}"

    def connect(self, *, write: bool = False) -> Session:
        return MysqlSession(self.settings, self.pool)

    def quoted(self, name: str) -> str:
        return quoted(name)

    def indexed(self, name: str, kind: pl.DataType) -> str:
        return f"{self.quoted(name)}(191)" if kind in (pl.String, pl.Binary) else self.quoted(name)

    def becoming(self, table: Table, changes: Sequence[str], name: str) -> Sequence[str]:
        """In one stroke: nothing is left half done."""
        whole = ", ".join([*changes, f"rename to {self.named(table.beside(name))}"])
        return [f"alter table {self.named(table)} {whole}"]

    def mark(self, number: int) -> str:
        return "%s"

    def looking(self, table: str) -> list[str]:
        return [f"select 1 from {table} limit 1 lock in share mode"]

    def native(self, kind: pl.DataType) -> str:
        return declared(self.held(kind))

    def plain(self, native: str) -> str:
        return _WIDTH.sub("int", native.lower())

    def there_and_back(self, value: str, native: str, own: str) -> str | None:
        return there_and_back(value, native, own)

    def updating(
        self,
        target: str,
        sets: Sequence[str],
        rows: str,
        same: Callable[[str, str], str],
        hints: Sequence[str] = (),
    ) -> str:
        pairs = ", ".join(f"{target}.{name} = w.{name}" for name in sets)
        return f"update {target} join ({rows}) w on {same('w', target)} set {pairs}"

    def compared(self, column: str, kind: pl.DataType) -> str:
        """Texts by their bytes, as we order them; the column's collation may differ."""
        return f"cast({column} as binary)" if kind == pl.String() else column

    def narrowed(
        self, mark: Watermark, sign: str, column: str, place: str, native: str
    ) -> tuple[str, Any]:
        kind = parse_type(mark.type)
        return f"{self.compared(column, kind)} {sign}= {literal(mark.value)}", None


class MysqlSession(Session):
    """One connection, made when it is needed; busy to their end while rows are read from it."""

    stays = False
    """Whether it is used on when rows are given up: it holds a state of them."""

    def __init__(self, settings: MysqlSettings, pool: Pool) -> None:
        self._settings, self._loan = settings, Loan(pool)

    def _line(self) -> AbstractContextManager[MysqlLine]:
        return self._loan.using(MysqlLine, lambda: MysqlLine(self._settings))

    @property
    def table_options(self) -> str:
        """With a collation that takes no two texts for one: `utf8mb4_bin` pads them with blanks."""
        with self._line() as line:
            maria = "mariadb" in str(line.db.get_server_info()).lower()
        collation = "utf8mb4_nopad_bin" if maria else "utf8mb4_0900_bin"
        return f" engine=InnoDB default charset=utf8mb4 collate={collation}"

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with told(), self._line() as line, line.db.cursor() as cursor:
            cursor.execute(_bindable(sql) if values else sql, values or None)
            return list(cursor.fetchall())

    def change(self, sql: str, *values: Any) -> None:
        with told(), self._line() as line, line.db.cursor() as cursor:
            cursor.execute(_bindable(sql) if values else sql, values or None)

    def put(self, sql: str) -> int:
        with told(), self._line() as line, line.db.cursor() as cursor:
            return int(cursor.execute(sql))

    @contextmanager
    def transaction(self, about: Table | None = None) -> Iterator[None]:
        name = self._turn(about) if about is not None else ""
        with self._line() as line:
            if about is not None:
                # our transactions never wait for us: one that does lost us, and others need its
                # lock
                idle = max(1, self._settings.lock_seconds // 2)
                self.change("set session wait_timeout = %s", idle)
                self._lock(name, about)
            try:
                self.change("start transaction")
                yield
                self.change("commit")
            except BaseException:  # a cancelled block, too, leaves nothing half done
                with suppress(pymysql.Error):  # the connection may be gone, and the rows with it
                    line.db.rollback()
                raise
            finally:
                if about is not None:
                    with suppress(HyggeError):  # it goes with the connection
                        self.change("do release_lock(%s)", name)
                        self.change("set session wait_timeout = default")

    def _lock(self, name: str, about: Table) -> None:
        seconds = self._settings.lock_seconds
        if self.rows("select get_lock(%s, %s)", name, seconds)[0][0] != 1:
            raise ConnectionFailed(f"another run has been publishing {about} for {seconds} s")

    def _turn(self, about: Table) -> str:
        """One name for each table, however it was written. Names of locks are the server's."""
        whole = f"{about.schema or self._settings.parts()['database']}.{about.name}".lower()
        return f"hygge-{zlib.crc32(whole.encode()):08x}"

    # what is there

    def fields(self, table: Table) -> list[Field]:
        found = self.rows(
            "select column_name, column_type, is_nullable from information_schema.columns "
            "where table_name = %s and table_schema = coalesce(%s, database()) "
            "order by ordinal_position",
            *(table.name, table.schema),
        )
        return [_field(name, native, null == "YES") for name, native, null in found]

    def described(self, query: str) -> list[Field]:
        """By a temporary table of no rows, which has the result's own types."""
        self.change("drop temporary table if exists _hygge_described")
        self.change(f"create temporary table _hygge_described select * from ({query}\n) q limit 0")
        found = self.rows("show columns from _hygge_described")
        self.change("drop temporary table _hygge_described")
        return [_field(name, text(native), null == "YES") for name, native, null, *_ in found]

    def keys(self, table: Table) -> tuple[str, ...]:
        found = self.rows(
            "select column_name from information_schema.key_column_usage "
            "where constraint_name = 'PRIMARY' and table_name = %s "
            "and table_schema = coalesce(%s, database()) order by ordinal_position",
            *(table.name, table.schema),
        )
        return tuple(row[0] for row in found)

    def refuse_target(self, table: Table, *, swap: bool) -> None:
        refuse_target(self, table, swap=swap)

    def about(self) -> str:
        user, database = self.rows("select current_user(), database()")[0]
        return f"user {text(user)} of {text(database)}" if database else f"user {text(user)}"

    # what others do

    def clock(self) -> tuple[datetime, datetime]:
        utc, local = self.rows(
            "select utc_timestamp(6), convert_tz(utc_timestamp(6), '+00:00', 'SYSTEM')"
        )[0]
        return utc.replace(tzinfo=UTC), local

    def writers(self) -> list[Writer]:
        now, _ = self.clock()  # before, for ages are counted from then on
        try:
            status = str(self.rows("show engine innodb status")[0][2])
        except HyggeError as failed:
            raise Unsupported(f"who writes is not told: {failed.what}") from failed
        return writing(status, now)

    # rows in bulk

    def batches(
        self, sql: str, values: Sequence[Any], fields: Sequence[Field]
    ) -> Generator[pl.DataFrame, None, None]:
        names = [field.column.name for field in fields]
        with told(), self._line() as line, line.streaming(sql, list(values) or None) as cursor:
            give_up = line.give_up if self.stays else None
            with closing(streamed(cursor, names, give_up)) as batches:
                for rows in batches:
                    yield rows.with_columns(rows[f.column.name].cast(_wire(f)) for f in fields)

    def insert(self, table: Table, rows: pl.DataFrame) -> None:
        """What comes next is written out while the server takes in what came before."""
        where = ".".join(map(quoted, filter(None, (table.schema, table.name))))
        with ThreadPoolExecutor(1) as ahead, self.transaction():
            waiting: Future[Lines] | None = None
            for piece in (*rows.iter_slices(_LINES), None):
                done = waiting.result() if waiting else None
                waiting = None if piece is None else ahead.submit(lines, piece, quoted)
                if done is not None:
                    self._load(where, done)

    def _load(self, where: str, written: Lines) -> None:
        data, names, sets = written
        into = (
            f" into table {where} character set utf8mb4 "
            f"fields terminated by '\\t' escaped by '\\\\' lines terminated by '\\n' "
            f"({', '.join(names)}){sets}"
        )
        with told(), in_memory(data) as file, self._line() as line, line.db.cursor() as cursor:
            cursor.execute(f"load data local infile '{file}'{into}")
            cursor.execute("show warnings")
            refuse_changes(cursor.fetchall())

    def interrupt(self) -> None:
        self._loan.stop()

    def close(self) -> None:
        self._loan.close()


def _wire(field: Field) -> pl.DataType:
    return pl.Binary() if field.column.type == pl.Binary() else pl.String()


def _bindable(sql: str) -> str:
    """A % in a name is no place for a value."""
    return _NAMES.sub(lambda name: name[0].replace("%", "%%"), sql)


def _field(name: str, native: str, nullable: bool) -> Field:
    kind, read, arrive = readable(text(native).lower(), quoted(name))
    return Field(Column(name, kind, nullable), text(native), read, arrive)
