"""Wider columns in DuckDB: altered where it lets us, else the table is made anew.

It alters no table that has an index, and no column of a key or a check.
"""

from __future__ import annotations

from collections.abc import Sequence

from hygge.databases.database import Session, Table
from hygge.databases.definitions import Definition
from hygge.databases.dialect import in_quotes
from hygge.databases.wider import Wider

_HERE = "database_name = current_database() and schema_name = ? and table_name = ?"


def widen(session: Session, table: Table, columns: Sequence[Wider]) -> None:
    """As Database.widen."""
    place = table.schema or "main", table.name
    found = session.rows(f"select sql from duckdb_indexes() where {_HERE} and sql <> ''", *place)
    names = {column.name for column in columns if column.native is not None}
    bound = session.rows(
        f"select constraint_column_names from duckdb_constraints() where {_HERE} "
        "and constraint_type <> 'NOT NULL'",
        *place,
    )
    if found or any(names.intersection(row[0]) for row in bound):
        _make_anew(session, place, columns, [str(row[0]) for row in found])
        return
    for column in columns:
        alter = f"alter table {in_quotes(*place)} alter column {in_quotes(column.name)}"
        if column.native is not None:
            session.change(f"{alter} set data type {column.native}")
        if column.freed:
            session.change(f"{alter} drop not null")


def _make_anew(
    session: Session, place: tuple[str, str], columns: Sequence[Wider], indexes: Sequence[str]
) -> None:
    schema, name = place
    new, old = in_quotes(schema, f"_hygge_wider_{name}"), in_quotes(schema, name)
    ((sql,),) = session.rows(f"select sql from duckdb_tables() where {_HERE}", *place)
    made = Definition.of(str(sql)).made(columns)
    session.change(f"create table {new} {made.rstrip().rstrip(';')}")
    session.change(f"insert into {new} select * from {old}")
    session.change(f"drop table {old}")
    session.change(f"alter table {new} rename to {in_quotes(name)}")
    for index in indexes:
        session.change(index)
