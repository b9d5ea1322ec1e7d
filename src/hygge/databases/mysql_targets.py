"""Which tables of MySQL's can be loaded as a whole, and which of them by another in their place."""

from __future__ import annotations

from hygge.core.errors import StoreError
from hygge.databases.database import Session, Table

_HERE = "coalesce(%s, database())"
_ENGINE = (
    f"select engine from information_schema.tables where table_schema = {_HERE} "
    "and table_name = %s and engine is not null and engine <> 'InnoDB'"
)
_HELD = {
    "its trigger {} would go with it": (
        "select trigger_name from information_schema.triggers "
        f"where event_object_schema = {_HERE} and event_object_table = %s"
    ),
    "its foreign key {} would go with it": (
        "select constraint_name from information_schema.key_column_usage "
        f"where table_schema = {_HERE} and table_name = %s and referenced_table_name is not null"
    ),
    "the foreign key {} of another table would stay with it": (
        "select constraint_name from information_schema.key_column_usage "
        f"where referenced_table_schema = {_HERE} and referenced_table_name = %s"
    ),
    "its history ({}) would go with it": (
        "select lower(table_type) from information_schema.tables "
        f"where table_schema = {_HERE} and table_name = %s and table_type = 'SYSTEM VERSIONED'"
    ),
}
"""What hangs on a table itself. Rights and views go by the name; indexes are copied."""


def refuse_target(session: Session, table: Table, *, swap: bool) -> None:
    """Raises StoreError."""
    for (engine,) in session.rows(_ENGINE, table.schema, table.name):
        raise StoreError(
            f"{table} cannot be loaded all at once or not at all: its engine is {engine}",
            hint=f"alter table {table} engine = InnoDB",
        )
    for told, sql in _HELD.items() if swap else ():
        for name, *_ in session.rows(sql, table.schema, table.name):
            raise StoreError(
                f"another table cannot take the place of {table}: {told.format(name)}",
                hint="leave out `swap`: then its rows are replaced, and the table stays",
            )
