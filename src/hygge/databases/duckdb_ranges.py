"""DuckDB in ranges: all readers begin while none of our stores publishes into the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

from hygge.databases.answering import opened
from hygge.databases.database import Field, Session, Table
from hygge.databases.duckdb import Duckdb
from hygge.databases.ranges import Cut, Size, TogetherRanges, required

_ORDERED = re.compile(
    r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|DECIMAL\(.*\)|VARCHAR|UUID|DATE"
    r"|TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?"
)


class DuckdbRanges(TogetherRanges):
    """One statement is read by all cores as it is, so only if asked."""

    def __init__(self, database: Duckdb) -> None:
        self._database = database

    def size(self, session: Session, table: Table, key: str) -> Size | None:
        found = session.rows(
            "select estimated_size from duckdb_tables() where table_name = ? "
            "and schema_name = ? and database_name = current_database()",
            *(table.name, table.schema or "main"),
        )
        return Size(int(found[0][0]), 0) if found else None

    def cut(self, field: Field, column: str) -> Cut | None:
        native = str(field.native)
        if not _ORDERED.fullmatch(native):
            return None
        return Cut(f"{column}::varchar", lambda told: _written(told, native))

    def row_keys(self, session: Session, table: Table) -> list[tuple[str, ...]]:
        null = {field.column.name: field.column.nullable for field in session.fields(table)}
        found = session.rows(
            "select constraint_index, unnest(constraint_column_names) from duckdb_constraints() "
            "where table_name = ? and schema_name = ? and database_name = current_database() "
            "and constraint_type in ('PRIMARY KEY', 'UNIQUE') "
            "order by constraint_type, constraint_index",
            *(table.name, table.schema or "main"),
        )
        return required((index, name, null[name]) for index, name in found)

    def exactly(self, field: Field, column: str) -> str:
        """Its indexes take no two texts for one, whatever the column does."""
        return f'{column} collate "binary"' if str(field.native) == "VARCHAR" else column

    @contextmanager
    def alone(self, table: Table) -> Iterator[None]:
        with closing(opened(self._database.connect())) as keeper, keeper.transaction():
            yield

    def begin(self, table: Table) -> Session:
        session = self._database.connect()
        try:
            session.change("begin")
            session.rows(f"select 1 from {self._database.named(table)} limit 1")  # from now on
        except BaseException:  # whatever ended it, nobody else would close it
            session.close()
            raise
        return session


def _written(told: str, native: str) -> str | None:
    if "\0" in told:
        return None
    return "'" + told.replace("'", "''") + f"'::{native}"
