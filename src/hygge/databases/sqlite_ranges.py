"""SQLite in ranges: all readers begin while we are the one who may write, and write nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress

from hygge.databases.answering import opened
from hygge.databases.database import Field, Session, Table
from hygge.databases.ranges import Cut, Size, TogetherRanges, required
from hygge.databases.sqlite import Sqlite


class _Over(Exception):
    """All readers have begun."""


class SqliteRanges(TogetherRanges):
    """The file must be one that we may write to."""

    def __init__(self, database: Sqlite) -> None:
        self._database = database

    def size(self, session: Session, table: Table, key: str) -> Size | None:
        name = self._database.named(table)
        kind = "select type from pragma_table_list(?) where schema = ?"
        if session.rows(kind, table.name, table.schema or "main") not in ([("table",)], []):
            return None
        return Size(int(session.rows(f"select count(*) from {name}")[0][0]), 0)

    def cut(self, field: Field, column: str) -> Cut | None:
        """Any column may hold values of any kind: only whole numbers and texts become ends.

        A plus takes away what a cast would do to the other side of a comparison.
        """
        text = f"'+cast(x''' || hex({column}) || ''' as text)'"
        kinds = f"when 'integer' then cast({column} as text) when 'text' then {text}"
        return Cut(f"case typeof({column}) {kinds} else '' end", lambda told: told or None)

    def sampled(self, share: float) -> tuple[str, str | None]:
        return "", f"abs(random() % 1000000) < {1_000_000 * share:.0f}"

    def row_keys(self, session: Session, table: Table) -> list[tuple[str, ...]]:
        """A primary key may be NULL here, unless it says that it may not or numbers the rows."""
        null = {field.column.name: field.column.nullable for field in session.fields(table)}
        own = [("", name, null[name]) for name in session.keys(table)]
        sql = (
            "select l.seq, i.name from pragma_index_list(?, ?) l, pragma_index_info(l.name, ?) i "
            "where l.[unique] = 1 and l.partial = 0 order by l.seq, i.seqno"
        )
        schema = table.schema or "main"
        found = session.rows(sql, table.name, schema, schema)
        return required([*own, *((n, name, null.get(name, True)) for n, name in found)])

    def exactly(self, field: Field, column: str) -> str:
        return column if field.column.type.is_numeric() else f"{column} collate binary"

    def in_order(self, columns: Sequence[str]) -> str:
        """With a limit that is none: else the order of what is selected from is nobody's."""
        return f"{super().in_order(columns)} limit -1"

    @contextmanager
    def alone(self, table: Table) -> Iterator[None]:
        session = opened(self._database.connect())
        with closing(session) as keeper, suppress(_Over), keeper.transaction():
            yield
            raise _Over  # and roll back: without a WAL, a commit would wait for those who read

    def begin(self, table: Table) -> Session:
        session = self._database.connect()
        try:
            session.change("begin")
            session.rows("select 1 from sqlite_master limit 1")  # only now it begins to read
        except BaseException:  # whatever ended it, nobody else would close it
            session.close()
            raise
        return session
