"""Tables and their catalog, and what is written into them."""

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


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select * from dbo.nowhere", "Invalid object name 'dbo.nowhere'"),
        ("select nothing from dbo.t", "Invalid column name 'nothing'"),
        ("insert into dbo.t (nothing) values (1)", "Invalid column name 'nothing'"),
        ("insert into dbo.t (id) values (1)", "duplicate key"),
        ("insert into dbo.t (id) values (null)", "Cannot insert the value NULL into column 'id'"),
        ("create table dbo.t (a int)", "already an object named 't'"),
        ("drop table dbo.nowhere", "Cannot drop the table 'dbo.nowhere'"),
        ("selec 1", "Incorrect syntax"),
        ("select 1 / 0", "Divide by zero"),
        ("exec dbo.nothing", "Could not find stored procedure"),
        ("select cast('x' as int)", "Conversion failed"),
        ("select cast('x' as datetime2)", "Conversion failed when converting date"),
        ("create table nowhere.t (a int)", "specified schema name"),
        ("use nowhere", "does not exist"),
        ("insert into dbo.t values (1, 2, 3)", "does not match table definition"),
    ],
)
def test_errors(session: Any, sql: str, told: str) -> None:
    session.execute("create table dbo.t (id int not null primary key, v nvarchar(10))")
    session.execute("insert into dbo.t (id) values (1)")
    with pytest.raises(Exception, match=told):
        session.execute(sql)
    assert only(session, "select count(*) from dbo.t") == 1


def test_names_with_everything(session: Any) -> None:
    session.execute("create schema [a b]")
    session.execute("create table [a b].[t ]]'\"é] ([x y] int, [select] nvarchar(10), [日本] int)")
    session.execute("insert into [a b].[t ]]'\"é] ([x y], [select], [日本]) values (1, N'é', 2)")
    assert rows(session, "select [日本], [x y] as [ü ']  from [a b].[t ]]'\"é] t") == [(2, 1)]
    cursor = session.execute("select * from [a b].[t ]]'\"é]")
    assert [column[0] for column in cursor.description] == ["x y", "select", "日本"]
    cursor.fetchall()
    assert only(session, "select object_id(N'[a b].[t ]]''\"é]')") is not None


def test_an_empty_result(session: Any) -> None:
    cursor = session.execute("select cast(1 as bigint) as a, N'x' as b where 1 = 0")
    assert [column[0] for column in cursor.description] == ["a", "b"]
    assert cursor.fetchall() == []
    reader = session.execute("select name from sys.tables").arrow_reader()
    assert pa.Table.from_batches(list(reader), reader.schema).num_rows == 0


def test_more_than_a_packet(session: Any) -> None:
    session.execute("create table dbo.t (id int not null, v nvarchar(max))")
    for n in range(20):
        session.execute("insert into dbo.t values (?, ?)", n, "é" * 1000 * n)
    assert rows(session, "select id, len(v) from dbo.t order by id") == [
        (n, 1000 * n) for n in range(20)
    ]
    assert [len(v) for _, v in rows(session, "select * from dbo.t order by id")] == [
        1000 * n for n in range(20)
    ]


def test_updates_and_deletes_by_another_table(session: Any) -> None:
    session.execute(
        "create table dbo.t (id int not null primary key, v nvarchar(10), d datetime2(3))"
    )
    session.execute("create table dbo.s (id int not null, v nvarchar(10))")
    session.execute("insert into dbo.t (id, v) values (1, N'a'), (2, N'b'), (3, N'c')")
    session.execute("insert into dbo.s values (2, N'B'), (3, N'C'), (4, N'D')")
    cursor = session.execute("""update t set t.v = s.v, t.d = '2020-01-01' from dbo.t as t
        join dbo.s as s on s.id = t.id where s.id < 3""")
    assert cursor.rowcount == 1
    cursor = session.execute("""insert into dbo.t (id, v) select s.id, s.v from dbo.s as s
        where not exists (select 1 from dbo.t as t with (updlock, holdlock) where t.id = s.id)""")
    assert cursor.rowcount == 1
    session.execute(
        "delete t from dbo.t as t where not exists (select 1 from dbo.s s where s.id = t.id)"
    )
    assert rows(session, "select id, v from dbo.t order by id") == [(2, "B"), (3, "c"), (4, "D")]
    session.execute("update dbo.t set id = id + 10, v = null where v = N'b'")  # in any case
    assert rows(session, "select id from dbo.t where v is null") == [(12,)]
    with pytest.raises(Exception, match="duplicate key"):
        session.execute("update dbo.t set id = 3")


def test_flow_of_control(session: Any) -> None:
    assert (
        only(
            session,
            """declare @n int = 3, @t nvarchar(10); set @t = N'a'; while @n > 0 begin
        set @t = @t + N'b'; set @n = @n - 1; end; select @t""",
        )
        == "abbb"
    )
    assert only(session, "if exists (select 1 from sys.tables) select 1 else select 2") == 2
    assert (
        only(
            session,
            """begin try select 1 / 0; end try begin catch
        select error_number(); end catch""",
        )
        == 8134
    )
    assert only(session, "declare @c int; select @c = count(*) from sys.tables; select @c") == 0


def test_null_parameters(session: Any) -> None:
    session.execute("create table dbo.t (id int, b varbinary(10), d datetime2(3))")
    session.execute("insert into dbo.t values (?, ?, ?)", None, None, None)
    assert rows(session, "select * from dbo.t where id is null") == [(None, None, None)]


def test_many_rows_of_parameters(session: Any) -> None:
    session.execute("create table dbo.t (id int, v nvarchar(20))")
    session.cursor().executemany(
        "insert into dbo.t values (?, ?)", [(n, f"v{n}") for n in range(50)]
    )
    assert only(session, "select count(distinct v) from dbo.t") == 50


def test_keys_of_any_case_are_one(session: Any) -> None:
    session.execute("create table dbo.t (k nvarchar(10) not null primary key)")
    session.execute("insert into dbo.t values (N'a')")
    with pytest.raises(Exception, match="duplicate key"):
        session.execute("insert into dbo.t values (N'A')")
    session.execute("create table dbo.u (k nvarchar(10) collate Latin1_General_BIN2 primary key)")
    session.execute("insert into dbo.u values (N'a'), (N'A')")
