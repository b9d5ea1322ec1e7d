"""PostgreSQL's own account of its rows: `xmin`, the transaction that wrote each of them.

A row has only the lower half of that number: which of the upper halves belongs to it is told by its
age, and that is sure for as long as ages are below two thousand millions. Freezing leaves the
number as it is, so rows older than that may look young. They are read once too often, no more.
"""

from __future__ import annotations

from hygge.core.errors import DatabaseError, Unsupported
from hygge.databases.accounts import Account, Point
from hygge.databases.database import Session, Table
from hygge.databases.dialect import in_quotes

_HALF = 2**32
_OLDEST = 2**31 - 10_000_000
"""The server stops long before two ages are so far apart; those of rows it has frozen may be."""
_RESERVED = 3
"""The first numbers of each half are never given."""

_NOW = (
    "select pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint "
    "from pg_current_snapshot() s"
)
_COUNTER = (
    "select system_identifier::text || '/' || case when pg_is_in_recovery() "
    "then (select min_recovery_end_timeline from pg_control_recovery())::text "
    "else ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int::text "
    "end || '/' || (select oid from pg_database where datname = current_database())::text "
    "|| '/' || (select relnamespace from pg_class where oid = to_regclass($1))::text "
    "from pg_control_system()"
)
_TREE = (
    "with recursive tree(oid, made, joined) as ("
    "select c.oid, age(c.xmin), null::int from pg_class c where c.oid = to_regclass($1) union all "
    "select c.oid, age(c.xmin), age(i.xmin) from tree "
    "join pg_inherits i on i.inhparent = tree.oid join pg_class c on c.oid = i.inhrelid) "
)
_KINDS = (
    f"{_TREE}select bool_and(relkind = 'p' or (relkind = 'r' and not exists "
    "(select 1 from pg_inherits i where i.inhparent = c.oid))) "
    "from tree join pg_class c using (oid)"
)
"""Rows of tables below a plain table may have its keys once more."""
_CHANGED = (
    f"{_TREE}select bool_or((made >= 0 and made < age($2::text::xid)) "
    "or (joined >= 0 and joined < age($2::text::xid)) or exists (select 1 from pg_attribute a "
    "where a.attrelid = tree.oid and age(a.xmin) between 0 and age($2::text::xid) - 1)) from tree"
)
"""A column that takes another's name changes none of the rows."""


class Xmin(Account):
    """Exact: below the oldest transaction that is open, each is over, committed or not."""

    def now(self, session: Session, table: Table) -> Point:
        name = in_quotes(table.schema, table.name)
        ((kept,),) = session.rows(_KINDS, name)
        if kept is False:
            raise Unsupported(
                "only a table's own rows tell who wrote them",
                table=str(table),
                hint="read the tables below it, or set a `watermark`",
            )
        counter = _counter(session, name)
        ((finished, coming),) = session.rows(_NOW)
        return Point(_given(finished - 1), _given(coming - 1), counter)

    def between(self, session: Session, table: Table, low: int, bound: int) -> str | None:
        """Rows that were there before a table was attached, or took this one's name, are as old as
        they ever were: what changed the catalog since is answered by reading all."""
        ((_, coming),) = session.rows(_NOW)
        if coming - low > _OLDEST:
            return None
        ((changed,),) = session.rows(_CHANGED, in_quotes(table.schema, table.name), _told(low))
        if changed:
            return None
        return f"(age(xmin) < age('{_told(low)}'::xid) and age(xmin) >= age('{_told(bound)}'::xid))"


def _counter(session: Session, name: str) -> str | None:
    """Which cluster, on which timeline, which database and schema: another one gives the same
    numbers to other rows."""
    try:
        ((found,),) = session.rows(_COUNTER, name)
    except DatabaseError:  # not everybody may ask
        return None
    return str(found)


def _given(number: int) -> int:
    """The number, or the last one before it that can be a transaction's."""
    low = number % _HALF
    return number if low >= _RESERVED else number - low - 1


def _told(number: int) -> str:
    return str(number % _HALF)
