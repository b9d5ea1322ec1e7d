"""SQL Server in ranges: all readers begin while the table is locked for a moment.

It has no name for a moment that others could read by. Under `snapshot` isolation each reader's
moment is that of its first look at data, so all look while nobody can write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

from hygge.core.errors import DatabaseError
from hygge.databases.answering import opened
from hygge.databases.database import Field, Session, Table
from hygge.databases.mssql import Mssql, MssqlSession
from hygge.databases.ranges import Cut, Size, TogetherRanges, gone, required

_WHOLE = re.compile(r"(tinyint|smallint|int|bigint|decimal)\b")
_MOMENTS = re.compile(r"(date|datetime2|datetimeoffset|datetime|smalldatetime)\b")
_BYTES = re.compile(r"(binary|varbinary)\(\d+\)|rowversion|uniqueidentifier")
_TEXTS = re.compile(r"n(var)?char\(\d+\)")
"""Others have an order of their own, which is not that of our ends."""
_LOCK_SECONDS = 5
_SIZE = (
    "select sum(p.rows), sum(a.total_pages) * 8192 from sys.partitions p "
    "join sys.allocation_units a on a.container_id = p.partition_id "
    "where p.object_id = object_id(?) and p.index_id in (0, 1)"
)
_ROW_KEYS = (
    "select i.index_id, c.name, c.is_nullable from sys.indexes i join sys.index_columns k "
    "on k.object_id = i.object_id and k.index_id = i.index_id "
    "join sys.columns c on c.object_id = k.object_id and c.column_id = k.column_id "
    "where i.is_unique = 1 and i.has_filter = 0 and i.is_disabled = 0 and k.key_ordinal > 0 "
    "and i.object_id = object_id(?) order by i.is_primary_key desc, i.index_id, k.key_ordinal"
)
_HINT = "alter database current set allow_snapshot_isolation on"
_ALLOWED = "select snapshot_isolation_state from sys.databases where database_id = db_id()"


class MssqlRanges(TogetherRanges):
    """Who writes waits for the lock, and the lock for who writes: so only if asked."""

    def __init__(self, database: Mssql) -> None:
        self._database = database

    def size(self, session: Session, table: Table, key: str) -> Size | None:
        found = session.rows(_SIZE, self._database.named(table))
        rows, size = found[0] if found else (None, None)
        if rows is None:
            return None
        if session.rows(_ALLOWED)[0][0] != 1:
            raise DatabaseError(
                "several readers cannot see one state of a table in this database",
                hint=_HINT,
            )
        return Size(int(rows), int(size or 0))

    def cut(self, field: Field, column: str) -> Cut | None:
        native = field.native
        if _WHOLE.match(native):
            return Cut(f"cast({column} as varchar(50))", lambda told: f"cast('{told}' as {native})")
        if _MOMENTS.match(native):
            read = f"convert(varchar(40), {column}, 126)"
            return Cut(read, lambda told: f"convert({native}, '{told}', 126)")
        if _BYTES.match(native):
            wide = f"cast({column} as varbinary(8000))"
            kind = "binary(8)" if native == "rowversion" else native
            read = f"convert(varchar(max), {wide}, 1)"
            return Cut(read, lambda told: f"cast({told} as {kind})")
        if _TEXTS.fullmatch(native):
            read = f"cast({column} as nvarchar(4000))"
            return Cut(read, _literal)
        return None

    def sampled(self, share: float) -> tuple[str, str | None]:
        """By rows: `tablesample` takes whole pages, and none of a small table."""
        return "", f"abs(cast(checksum(newid()) as bigint)) % 1000000 < {round(share * 1_000_000)}"

    def row_keys(self, session: Session, table: Table) -> list[tuple[str, ...]]:
        found = session.rows(_ROW_KEYS, self._database.named(table))
        return required((index, name, bool(null)) for index, name, null in found)

    def unheld(self, session: Session, table: Table) -> str | None:
        if session.rows(_ALLOWED)[0][0] == 1:
            return None
        return f"the database allows no snapshots ({_HINT})"

    @contextmanager
    def alone(self, table: Table) -> Iterator[None]:
        """No transaction that wrote to the table is open when it has the lock."""
        with closing(opened(self._database.connect())) as keeper:
            wait = 1000 * min(_LOCK_SECONDS, self._database.settings.lock_seconds)
            keeper.change(f"set lock_timeout {wait}")
            with keeper.transaction():
                named = self._database.named(table)
                keeper.rows(f"select top (1) 1 from {named} with (tablock, holdlock)")
                yield

    def begin(self, table: Table) -> Session:
        return _Begun(self._database, table)


def _literal(told: str) -> str | None:
    r"""None where T-SQL would read another text: it takes a \ at a line's end for no letter.
    https://learn.microsoft.com/sql/t-sql/language-elements/sql-server-utilities-statements-backslash
    """
    if "\\\n" in told or "\\\r" in told:
        return None
    return "N'" + told.replace("'", "''") + "'"


class _Begun(MssqlSession):
    """Its rows are those of the moment when it was made."""

    def __init__(self, database: Mssql, table: Table) -> None:
        super().__init__(database.settings, database.pool)
        try:
            self._known = {table: super().fields(table)}
            self.change("set xact_abort off")  # to give a statement up would end the transaction
            self.change("set transaction isolation level snapshot")
            self.change("begin transaction")
            self.rows(f"select top (1) 1 from {database.named(table)}")  # only now it begins
        except BaseException:  # whatever ended it, nobody else would close it
            self.close()
            raise

    @contextmanager
    def _at_one_moment(self) -> Iterator[None]:
        """It is one already, as long as its transaction lives."""
        if not self.rows("select @@trancount")[0][0]:
            raise gone("the server has ended the transaction")
        yield

    def fields(self, table: Table) -> list[Field]:
        return self._known[table] if table in self._known else super().fields(table)
