"""Which tables of SQL Server no other can replace by taking their name."""

from __future__ import annotations

from hygge.core.errors import StoreError
from hygge.databases.database import Session, Table

_HELD = (
    "select case when t.temporal_type <> 0 then N'its history would go with it' "
    "when exists (select 1 from sys.foreign_keys x where x.referenced_object_id = t.object_id) "
    "then N'a foreign key of another table refers to it' "
    "when exists (select 1 from sys.foreign_keys x where x.parent_object_id = t.object_id) "
    "then N'its foreign keys would go with it' end "
    "from sys.tables t where t.object_id = object_id(?)"
)


def refuse_target(session: Session, table: Table, named: str, *, swap: bool) -> None:
    """Raises StoreError. A view that is bound to the table is told of when it is dropped: not
    everybody is shown those before."""
    for (held,) in session.rows(_HELD, named) if swap else ():
        if held is not None:
            raise StoreError(
                f"another table cannot take the place of {table}: {held}",
                hint="leave out `swap`: then its rows are replaced, and the table stays",
            )
