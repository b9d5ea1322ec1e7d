"""Who writes to a database of SQL Server now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hygge.core.errors import HyggeError, Unsupported
from hygge.databases.database import Session, Writer

_WRITERS = (
    "select d.transaction_id, datediff_big(microsecond, a.transaction_begin_time, sysdatetime()) "
    "from sys.dm_tran_database_transactions d "
    "join sys.dm_tran_active_transactions a on a.transaction_id = d.transaction_id "
    "where d.database_id = db_id() and d.database_transaction_begin_time is not null "
    "and a.transaction_type <> 2"
)
"""A transaction has a time in a database from its first change there on; 2 is one that only reads.
https://learn.microsoft.com/sql/relational-databases/system-dynamic-management-views/sys-dm-tran-database-transactions-transact-sql"""


def refuse_replica(session: Session) -> None:
    """Raise Unsupported where others write elsewhere, and we are not told."""
    ((word,),) = session.rows("select databasepropertyex(db_name(), 'Updateability')")
    if word == "READ_ONLY":
        raise Unsupported("a replica does not tell who writes", hint="read from the primary")


def writers(session: Session) -> list[Writer]:
    """Raises Unsupported where we may not see the transactions of others."""
    refuse_replica(session)
    now = session.clock()[0]
    try:
        found = session.rows(_WRITERS)
    except HyggeError as failed:
        told = f"who writes is not told: {failed.what}"
        raise Unsupported(told, hint="grant view database performance state") from failed
    return [Writer(str(number), _began(now, age)) for number, age in found]


def _began(now: datetime, age: int) -> datetime:
    return now.astimezone(UTC) - timedelta(microseconds=age)
