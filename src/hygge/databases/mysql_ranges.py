"""MySQL and MariaDB in ranges: all readers begin while the table is locked for a moment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

from hygge.databases.answering import opened
from hygge.databases.database import Field, Session, Table
from hygge.databases.mysql import Mysql, MysqlSession
from hygge.databases.ranges import Cut, Size, TogetherRanges, required

_NUMBERS = re.compile(r"(tiny|small|medium|big)?int\b|decimal\b")
_TEXTS = re.compile(r"(var)?char\b|(tiny|medium|long)?text$")
_BYTES = re.compile(r"(var)?binary\b|(tiny|medium|long)?blob$")
_TIMES = re.compile(r"(date)$|(datetime|timestamp)\b")
_LONGEST = 100
"""Of a longer text only the beginning is looked at by `order by`: max_sort_length."""
_LOCK_SECONDS = 5
_IDLE_SECONDS = 7 * 86_400


class MysqlRanges(TogetherRanges):
    """Who writes waits for the lock, and the lock for who writes: so only if asked."""

    def __init__(self, database: Mysql) -> None:
        self._database = database

    def size(self, session: Session, table: Table, key: str) -> Size | None:
        found = session.rows(
            "select table_rows, data_length, engine from information_schema.tables "
            "where table_name = %s and table_schema = coalesce(%s, database())",
            *(table.name, table.schema),
        )
        rows, size, engine = found[0] if found else (None, None, None)
        return Size(int(rows or 0), int(size or 0)) if engine == "InnoDB" else None

    def cut(self, field: Field, column: str) -> Cut | None:
        native = str(field.native).lower()
        if _NUMBERS.match(native):
            return Cut(f"cast({column} as char)", str)
        if _BYTES.match(native):
            return Cut(f"hex({column})", lambda told: f"x'{told}'" if _short(told) else None)
        if _TEXTS.match(native):
            read = f"hex(convert({column} using utf8mb4))"
            return Cut(read, lambda told: f"_utf8mb4 x'{told}'" if _short(told) else None)
        if times := _TIMES.match(native):
            word = "date" if times[1] else "timestamp"
            read = f"cast({column} as char)"
            return Cut(read, lambda told: None if _no_day(told) else f"{word}'{told}'")
        return None

    def sampled(self, share: float) -> tuple[str, str | None]:
        return "", f"rand() < {share:f}"

    def row_keys(self, session: Session, table: Table) -> list[tuple[str, ...]]:
        found = session.rows(
            "select index_name, column_name, nullable = 'YES' from information_schema.statistics "
            "where non_unique = 0 and table_name = %s "
            "and table_schema = coalesce(%s, database()) "
            "order by index_name <> 'PRIMARY', index_name, seq_in_index",
            *(table.name, table.schema),
        )
        return required((index, name, bool(null)) for index, name, null in found)

    def unheld(self, session: Session, table: Table) -> str | None:
        ((engine,),) = session.rows(
            "select max(engine) from information_schema.tables "
            "where table_name = %s and table_schema = coalesce(%s, database())",
            *(table.name, table.schema),
        )
        if engine in (None, "InnoDB"):
            return None
        return f"{engine} keeps no versions of rows (alter table {table} engine = InnoDB)"

    @contextmanager
    def alone(self, table: Table) -> Iterator[None]:
        """No transaction that wrote to the table is open when it has the lock."""
        with closing(opened(self._database.connect())) as keeper:
            seconds = min(_LOCK_SECONDS, self._database.settings.lock_seconds)
            keeper.change(
                f"set session lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}, "
                "autocommit = 0, innodb_table_locks = 1"
            )
            keeper.change(f"lock tables {self._database.named(table)} read")
            try:
                yield
            finally:
                keeper.change("unlock tables")

    def begin(self, table: Table) -> Session:
        return _Begun(self._database, table)


def _short(told: str) -> bool:
    return len(told) <= 2 * _LONGEST


def _no_day(told: str) -> bool:
    return told.startswith("0000") or "-00" in told


class _Begun(MysqlSession):
    """Its rows are those of the moment when it was made.

    The catalog is asked before: a server has died of being asked within such a transaction.
    """

    stays = True

    def __init__(self, database: Mysql, table: Table) -> None:
        super().__init__(database.settings, database.pool)
        try:
            self._known = {table: super().fields(table)}
            for word in (
                f"set session wait_timeout = {_IDLE_SECONDS}",
                "set session transaction isolation level repeatable read",
                "start transaction with consistent snapshot",
            ):
                self.change(word)
        except BaseException:  # whatever ended it, nobody else would close it
            self.close()
            raise

    def fields(self, table: Table) -> list[Field]:
        return self._known[table] if table in self._known else super().fields(table)
