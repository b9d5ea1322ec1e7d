"""Bulk loads, and the changes that are tracked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

Connect = Callable[..., Any]


def only(session: Any, sql: str, *values: Any) -> Any:
    return session.execute(sql, *values).fetchall()[0][0]


def rows(session: Any, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in session.execute(sql, *values).fetchall()]


def test_a_bulk_load_that_fails(session: Any) -> None:
    session.execute("create table dbo.t (id int not null primary key, v nvarchar(3))")
    cursor = session.cursor()
    for given, told in (
        ({"id": [1, None], "v": ["a", "b"]}, "NULL"),
        ({"id": [1, 1], "v": ["a", "b"]}, "duplicate key"),
        ({"id": [1, 2], "v": ["a", "bcde"]}, "(?i)truncated|length"),
    ):
        table = pa.table({"id": pa.array(given["id"], pa.int32()), "v": given["v"]})
        with pytest.raises(Exception, match=told):
            cursor.bulkcopy_arrow("dbo.t", table, timeout=0)
    with pytest.raises(Exception, match=r"(?i)nowhere"):
        cursor.bulkcopy_arrow("dbo.nowhere", table, timeout=0)
    assert only(session, "select count(*) from dbo.t") == 0


def test_a_bulk_load_is_not_in_the_transaction(connect: Connect) -> None:
    session = connect(autocommit=False)
    session.execute("create table dbo.t (id int not null)")
    session.commit()
    session.execute("create table dbo.other (id int)")
    table = pa.table({"id": pa.array(range(5000), pa.int32())})
    session.cursor().bulkcopy_arrow("dbo.t", table, batch_size=1000, timeout=0, table_lock=True)
    session.rollback()
    assert only(session, "select count(*) from dbo.t") == 5000


def test_changes_are_tracked(session: Any, database: str) -> None:
    session.execute(
        f"alter database [{database}] set change_tracking = on"
        " (change_retention = 2 days, auto_cleanup = on)"
    )
    session.execute("create table dbo.t (id int not null primary key, v nvarchar(10))")
    session.execute("insert into dbo.t values (1, N'a'), (2, N'b')")
    session.execute("alter table dbo.t enable change_tracking")
    version = only(session, "select change_tracking_current_version()")
    least = "select change_tracking_min_valid_version(object_id(N'dbo.t'))"
    assert only(session, least) <= version
    session.execute("insert into dbo.t values (3, N'c'), (4, N'd')")
    session.execute("update dbo.t set v = N'x' where id in (1, 3)")
    session.execute("delete from dbo.t where id in (2, 4)")
    session.execute("begin tran; insert into dbo.t values (9, null); rollback")
    assert only(session, "select change_tracking_current_version()") == version + 3
    changes = """declare @v bigint = {}; select ct.SYS_CHANGE_OPERATION, ct.id, t.v
        from changetable(changes dbo.t, @v) as ct left join dbo.t as t on t.id = ct.id
        order by ct.id"""
    assert rows(session, changes.format(version)) == [
        *(("U", 1, "x"), ("D", 2, None), ("I", 3, "x")),
    ]
    assert rows(session, changes.format(version + 2)) == [("D", 2, None), ("D", 4, None)]
    session.execute("update dbo.t set id = 7 where id = 1; truncate table dbo.t")
    assert only(session, least) > version + 3
