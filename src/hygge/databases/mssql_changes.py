"""SQL Server's Change Tracking: which rows of a table changed since a version, and which are gone.

https://learn.microsoft.com/sql/relational-databases/track-changes/work-with-change-tracking-sql-server
"""

from __future__ import annotations

from hygge.core.errors import ANEW, DatabaseError, HomeError, SourceMissing, Unsupported
from hygge.core.schema import OPERATION
from hygge.databases.accounts import Changes, Point
from hygge.databases.database import Session, Table
from hygge.databases.mssql_words import bracketed

_VERSIONS = (
    "select change_tracking_current_version(), change_tracking_min_valid_version(object_id(?))"
)
_COUNTER = (
    "select cast(r.recovery_fork_guid as char(36)) + '/' + cast(t.begin_version as varchar(20)) "
    "from sys.database_recovery_status r, sys.change_tracking_tables t "
    "where r.database_id = db_id() and t.object_id = object_id(?)"
)
_OPERATION = bracketed(OPERATION)


class ChangeTracking(Changes):
    """Exact: a version is given when a transaction commits."""

    def now(self, session: Session, table: Table) -> Point:
        current, _ = _versions(session, _named(table))
        return Point(current, current, _counter(session, _named(table)))

    def between(self, session: Session, table: Table, low: int, bound: int) -> str | None:
        return None  # no column of the table tells

    def source(self, session: Session, table: Table, low: int | None, bound: int) -> str:
        """A changed row is as it is now: what came after the bound comes again with the next."""
        named = _named(table)
        if low is None:
            return f"(select t.*, cast(0 as tinyint) as {_OPERATION} from {named} t) q"
        self.refuse_forgotten(session, table, low)
        keys = session.keys(table)
        names = [field.column.name for field in session.fields(table)]
        columns = ", ".join(f"{'c' if n in keys else 't'}.{bracketed(n)}" for n in names)
        same = " and ".join(f"t.{bracketed(key)} = c.{bracketed(key)}" for key in keys)
        gone = f"c.sys_change_operation = 'D' or t.{bracketed(keys[0])} is null"
        return (
            f"(select {columns}, cast(case when {gone} then 1 else 0 end as tinyint) "
            f"as {_OPERATION} from changetable(changes {named}, {low}) c "
            f"left join {named} t on {same} where c.sys_change_version <= {bound}) q"
        )

    def refuse_forgotten(self, session: Session, table: Table, low: int) -> None:
        """The least version is raised before what lies below it is cleaned up."""
        _, least = _versions(session, _named(table))
        if low < least:
            raise HomeError(
                f"changes since version {low} are no longer kept, only those since {least}",
                table=str(table),
                hint=f"load everything once: {ANEW}; longer are they kept by `change_retention`",
            )


def _named(table: Table) -> str:
    return ".".join(map(bracketed, filter(None, (table.schema, table.name))))


def _versions(session: Session, named: str) -> tuple[int, int]:
    """The version of now, and the least since which all changes are known."""
    ((current, least),) = session.rows(_VERSIONS, named)
    if current is None or least is None:
        raise Unsupported(
            f"changes of {named} are not tracked, or may not be seen",
            hint="alter database … set change_tracking = on; "
            f"alter table {named} enable change_tracking; grant view change tracking",
        )
    return int(current), int(least)


def _counter(session: Session, named: str) -> str | None:
    """Which life of the database, for one that is restored counts versions anew; and since when
    the table is tracked, for nobody knows what changed before."""
    try:
        found = session.rows(_COUNTER, named)
    except (DatabaseError, SourceMissing):  # not everybody may ask, or has it
        return None
    return str(found[0][0]) if found and found[0][0] else None
