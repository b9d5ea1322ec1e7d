"""Which tables of PostgreSQL no other can replace by taking their name."""

from __future__ import annotations

from hygge.core.errors import StoreError
from hygge.databases.database import Session, Table

_HELD = {
    "the view {} reads from it": (
        "select r.ev_class::regclass::text from pg_depend d join pg_rewrite r on r.oid = d.objid "
        "where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass "
        "and d.refobjid = to_regclass($1) and r.ev_class <> d.refobjid order by 1 limit 1"
    ),
    "the foreign key {} of another table refers to it": (
        "select conname from pg_constraint where contype = 'f' and confrelid = to_regclass($1) "
        "and conrelid <> confrelid limit 1"
    ),
    "its foreign key {} would go with it": (
        "select conname from pg_constraint where contype = 'f' and conrelid = to_regclass($1) "
        "limit 1"
    ),
    "it is one with the table {}": (
        "select inhrelid::regclass::text from pg_inherits where inhparent = to_regclass($1) "
        "union all select inhparent::regclass::text from pg_inherits "
        "where inhrelid = to_regclass($1) limit 1"
    ),
}


def refuse_target(session: Session, table: Table, named: str, *, swap: bool) -> None:
    """Raises StoreError."""
    for told, sql in _HELD.items() if swap else ():
        for (name,) in session.rows(sql, named):
            raise StoreError(
                f"another table cannot take the place of {table}: {told.format(name)}",
                hint="leave out `swap`: then its rows are replaced, and the table stays",
            )
