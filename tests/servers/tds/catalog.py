"""What is known of tables: kept beside them in each database, and as transactional as they are."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import duckdb
from tests.servers.tds.kinds import Kind

_TABLES: Final = {
    "schemas": "schema_id integer, name varchar",
    "objects": "object_id integer, schema_id integer, name varchar, type varchar,"
    " parent_object_id integer, create_date varchar, definition varchar",
    "columns": "object_id integer, column_id integer, name varchar, kind varchar,"
    " system_type_id integer, user_type_id integer, max_length integer, precision integer,"
    " scale integer, is_nullable boolean, identity_seed bigint, identity_step bigint,"
    " default_text varchar, default_name varchar, computed varchar, collation_name varchar",
    "indexes": "object_id integer, index_id integer, name varchar, type integer,"
    " is_unique boolean, is_primary_key boolean, is_unique_constraint boolean",
    "index_columns": "object_id integer, index_id integer, index_column_id integer,"
    " column_id integer, key_ordinal integer, is_descending boolean, is_included boolean",
    "foreign_keys": "object_id integer, name varchar, parent_object_id integer,"
    " referenced_object_id integer",
    "foreign_key_columns": "constraint_object_id integer, constraint_column_id integer,"
    " parent_object_id integer, parent_column_id integer, referenced_object_id integer,"
    " referenced_column_id integer",
    "dependencies": "referencing_id integer, referenced_id integer",
    "tracked": "object_id integer, min_version bigint",
    "changes": "version bigint, object_id integer, operation varchar, key_values varchar",
}
SCHEMAS: Final = ("dbo", "guest", "INFORMATION_SCHEMA", "sys")
_ids = itertools.count(901578250, 16)


def quoted(*names: str) -> str:
    """As DuckDB reads it."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def text(value: str) -> str:
    """As a literal."""
    return "'" + value.replace("'", "''") + "'"


def next_id() -> int:
    return next(_ids)


@dataclass(frozen=True)
class Column:
    """A column as it was declared."""

    number: int
    name: str
    kind: Kind
    nullable: bool
    seed: int | None = None
    step: int | None = None
    default: str | None = None
    computed: str | None = None


@dataclass(frozen=True)
class Index:
    """The columns by which rows are unique, or are only found."""

    number: int
    name: str
    unique: bool
    primary: bool
    constraint: bool
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table or a view, as one transaction sees it."""

    database: str
    schema: str
    name: str
    number: int
    type: str = "U"
    definition: str | None = None
    columns: tuple[Column, ...] = ()
    indexes: tuple[Index, ...] = field(default=())
    tracked: bool = False
    refers: bool = False

    @property
    def place(self) -> str:
        return quoted(self.database, self.schema, self.name)

    @property
    def told(self) -> str:
        return f"{self.schema}.{self.name}"

    def column(self, name: str) -> Column | None:
        wanted = name.lower()
        return next((c for c in self.columns if c.name.lower() == wanted), None)

    @property
    def key(self) -> tuple[str, ...]:
        return next((i.columns for i in self.indexes if i.primary), ())


class Catalog:
    """Of one database, seen by one connection."""

    def __init__(self, con: duckdb.DuckDBPyConnection, database: str) -> None:
        self.con, self.database = con, database

    def make(self) -> None:
        """In a new database."""
        home = quoted(self.database)
        made = [f"create schema {home}.dbo", f"create schema {home}.sys"]
        made += [f"create table {home}.sys.{name} ({cols})" for name, cols in _TABLES.items()]
        made += [f"create sequence {home}.sys.row_versions start 2001"]
        numbers = (1, 2, 3, 4)
        rows = ", ".join(f"({n}, {text(s)})" for n, s in zip(numbers, SCHEMAS, strict=True))
        made += [f"insert into {home}.sys.schemas values {rows}"]
        self.con.execute(";".join(made))

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """`{sys}` stands for where the catalog is."""
        return self.con.execute(self._placed(query), values or None).fetchall()

    def run(self, statement: str, *values: Any) -> None:
        self.con.execute(self._placed(statement), values or None)

    def _placed(self, statement: str) -> str:
        return statement.replace("{sys}", quoted(self.database, "sys"))

    def add(self, table: str, *values: Any) -> None:
        marks = ", ".join("?" * len(values))
        self.run(f"insert into {{sys}}.{table} values ({marks})", *values)

    def schema(self, name: str) -> tuple[int, str] | None:
        """Its number, and its name as it was given."""
        found = self.rows(
            "select schema_id, name from {sys}.schemas where lower(name) = lower(?)", name
        )
        return (int(found[0][0]), str(found[0][1])) if found else None

    def object(self, schema: str, name: str) -> tuple[int, str, str, str] | None:
        """Number, schema, name and type of a table, view, key or constraint."""
        found = self._named(schema, name)
        return found[:4] if found is not None else None

    def _named(self, schema: str, name: str) -> tuple[int, str, str, str, str | None] | None:
        """As `object`, and its definition. Several small questions are answered sooner than one."""
        where = self.schema(schema)
        if where is None:
            return None
        found = self.rows(
            "select object_id, name, type, definition from {sys}.objects"
            " where schema_id = ? and lower(name) = lower(?)",
            *(where[0], name),
        )
        if not found:
            return None
        number, own, kind, definition = found[0]
        return int(number), where[1], str(own), str(kind), definition

    def table(self, schema: str, name: str) -> Table | None:
        """A table or a view."""
        found = self._named(schema, name)
        if found is None or found[3] not in ("U", "V"):
            return None
        number, held, own, kind, definition = found
        if kind == "V":
            return Table(self.database, held, own, number, kind, definition)
        columns = self._columns(number)
        tracked = self.rows("select 1 from {sys}.tracked where object_id = ?", number)
        refers = self.rows(
            "select 1 from {sys}.foreign_keys"
            " where parent_object_id = ? or referenced_object_id = ? limit 1",
            *(number, number),
        )
        facts = self._indexes(number, columns), bool(tracked), bool(refers)
        return Table(self.database, held, own, number, kind, None, columns, *facts)

    def _columns(self, number: int) -> tuple[Column, ...]:
        found = self.rows(
            "select column_id, name, kind, is_nullable, identity_seed, identity_step,"
            " default_text, computed, collation_name from {sys}.columns where object_id = ?"
            " order by column_id",
            number,
        )
        return tuple(
            Column(n, name, replace(Kind.of(kind), collation=collation or ""), *rest)
            for n, name, kind, *rest, collation in found
        )

    def _indexes(self, number: int, columns: Sequence[Column]) -> tuple[Index, ...]:
        names = {column.number: column.name for column in columns}
        keys: dict[int, list[str]] = {}
        for index, column in self.rows(
            "select index_id, column_id from {sys}.index_columns"
            " where object_id = ? and not is_included order by key_ordinal",
            number,
        ):
            keys.setdefault(index, []).append(names[column])
        found = self.rows(
            "select index_id, name, is_unique, is_primary_key, is_unique_constraint"
            " from {sys}.indexes where object_id = ? order by index_id",
            number,
        )
        return tuple(
            Index(number, name, unique, primary, constraint, tuple(keys[number]))
            for number, name, unique, primary, constraint in found
            if number in keys
        )

    def add_index(
        self,
        table: int,
        name: str | None,
        columns: Sequence[tuple[int, bool]],
        *,
        kind: int,
        unique: bool = False,
        primary: bool = False,
        constraint: bool = False,
    ) -> None:
        """`kind`: 1 clustered, 2 not, 5 and 6 column stores. A table's heap goes with 1 and 5."""
        ((last,),) = self.rows(
            "select coalesce(max(index_id), 1) from {sys}.indexes where object_id = ?", table
        )
        number = 1 if kind in (1, 5) else max(int(last) + 1, 2)
        if number == 1:
            self.run("delete from {sys}.indexes where object_id = ? and index_id = 0", table)
        self.add("indexes", table, number, name, kind, unique, primary, constraint)
        for n, (column, down) in enumerate(columns, 1):
            self.add("index_columns", table, number, n, column, n, down, False)

    def forget(self, number: int) -> None:
        """A table or a view, with all that belongs to it."""
        for name in ("columns", "indexes", "index_columns", "tracked", "changes"):
            self.run(f"delete from {{sys}}.{name} where object_id = ?", number)
        self.run("delete from {sys}.dependencies where referencing_id = ?", number)
        self.run("delete from {sys}.foreign_keys where parent_object_id = ?", number)
        self.run("delete from {sys}.foreign_key_columns where parent_object_id = ?", number)
        self.run(
            "delete from {sys}.objects where object_id = ? or parent_object_id = ?", number, number
        )
