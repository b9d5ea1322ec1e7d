"""What hangs on a table of MySQL's itself, and would not follow its name to another one.

Rights and views do: they go by the name. Indexes and defaults are copied.
"""

from __future__ import annotations

from hygge.databases.database import Session, Table

_HERE = "coalesce(%s, database())"
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


def hindrance(session: Session, table: Table) -> str | None:
    """The first thing that another table in its place would lack."""
    for told, sql in _HELD.items():
        if found := session.rows(sql, table.schema, table.name):
            return told.format(found[0][0])
    return None
