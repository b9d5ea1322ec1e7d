"""Tables and their catalog, and what is written into them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
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
        ("select id from dbo.t limit 1", "Incorrect syntax near '1'"),
        ("select v || v from dbo.t", "Incorrect syntax"),
        ("select true", "Invalid column name 'true'"),
        ("select length(v) from dbo.t", "not a recognized built-in function"),
        ("select * from (select id from dbo.t order by id) q", "ORDER BY clause is invalid"),
        ("select * from (select count(*) from dbo.t) q", "No column name was specified"),
        ("select * from (select id, id from dbo.t) q", "specified multiple times"),
        ("select 1; create schema x", "must be the first statement"),
        ("create table dbo.u (k nvarchar(max) primary key)", "invalid for use as a key column"),
        ("create table dbo.u (k nvarchar(5000))", "Cannot find data type|exceeds"),
        ("select x.id from dbo.t x, (select x.id as y) q", "could not be bound"),
    ],
)
def test_errors(session: Any, sql: str, told: str) -> None:
    session.execute("create table dbo.t (id int not null primary key, v nvarchar(10))")
    session.execute("insert into dbo.t (id) values (1)")
    with pytest.raises(Exception, match=told):
        session.execute(sql)
    assert only(session, "select count(*) from dbo.t") == 1


def test_more_than_a_statement_takes(session: Any) -> None:
    session.execute("create table dbo.t (id int)")
    rows = ", ".join(f"({n})" for n in range(1001))
    with pytest.raises(Exception, match="allowed number of 1000"):
        session.execute(f"insert into dbo.t values {rows}")
    marks = ", ".join("?" * 2099)
    with pytest.raises(Exception, match=r"too many parameters|2100"):
        session.execute(f"select 1 where 1 in ({marks})", *range(2099))


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


def test_what_is_asked_of_moments(session: Any) -> None:
    session.execute(
        "create table dbo.t (a datetime2(7), b datetimeoffset(7), c time(7), d datetime)"
    )
    session.execute(
        "insert into dbo.t values ('9999-12-31 23:59:59.9999999',"
        " '2020-01-01 01:00:00.1234567 +02:00', '23:59:59.9999999', '2020-01-01 10:00:00.003')"
    )
    sql = """select convert(varchar(27), a, 121), datepart(nanosecond, a) % 1000,
        cast(dateadd(nanosecond, -(datepart(nanosecond, a) % 1000), a) as datetime2(6)),
        convert(varchar(27), cast(switchoffset(b, 0) as datetime2(7)), 121) + 'Z',
        convert(varchar(16), c, 121), convert(varchar(40), d, 126), cast(d as datetime2(3)),
        datediff_big(microsecond, '2020-01-01', d) from dbo.t"""
    assert rows(session, sql) == [
        (
            *("9999-12-31 23:59:59.9999999", 900, datetime(9999, 12, 31, 23, 59, 59, 999999)),
            *("2019-12-31 23:00:00.1234567Z", "23:59:59.9999999", "2020-01-01T10:00:00.003"),
            *(datetime(2020, 1, 1, 10, 0, 0, 3000), 36_000_003_333),
        )
    ]


def test_values_that_only_we_look_at(session: Any) -> None:
    session.execute("create table dbo.t (id int)")
    session.execute("insert into dbo.t values (1)")
    sql = "select c.name from sys.columns c where c.object_id = object_id(?) and c.name <> ?"
    assert rows(session, sql, "[dbo].[t]", "x") == [("id",)]
    assert session.execute("delete from dbo.t where object_id(?) > id", "dbo.t").rowcount == 1
    take = """declare @turn int; exec @turn = sp_getapplock @Resource = ?,
        @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = ?; select @turn"""
    assert rows(session, take, "mine", 1000) == [(0,)]


def test_rows_that_are_thinned_out(session: Any) -> None:
    session.execute("create table dbo.t (id int, n int)")
    session.execute("insert into dbo.t values (1, 1), (1, 2), (2, 1)")
    session.execute(
        "delete from [dbo].[t] where exists (select 1 from (select id, n, row_number() over"
        " (partition by id order by n) as k from [dbo].[t]) r where r.k > 1"
        " and r.id = [dbo].[t].id and r.n = [dbo].[t].n)"
    )
    assert rows(session, "select id, n from dbo.t order by id") == [(1, 1), (2, 1)]
    session.execute(
        "update t set n = w.n from [dbo].[t] t with (updlock, holdlock)"
        " join (select 1 as id, 7 as n) w on w.id = t.id and datalength(w.id) = datalength(t.id)"
    )
    assert rows(session, "select n from dbo.t where id = 1") == [(7,)]


def test_collations(session: Any) -> None:
    exact = "collate Latin1_General_100_BIN2"
    session.execute(f"create table dbo.a (k nvarchar(10) {exact}); create table dbo.b (k nchar(1))")
    session.execute("insert into dbo.a values (N'x'), (N'X'); insert into dbo.b values (N'x')")
    with pytest.raises(Exception, match="Cannot resolve the collation conflict"):
        session.execute("select 1 from dbo.a join dbo.b on a.k = b.k")
    join = "select count(*) from dbo.a join dbo.b on a.k = b.k collate {}"
    assert only(session, join.format("Latin1_General_100_BIN2")) == 1
    assert only(session, join.format("SQL_Latin1_General_CP1_CI_AS")) == 2
    assert only(session, "select count(*) from dbo.a where k like N'X%'") == 1
    assert only(session, "select count(*) from dbo.b where k like N'X%'") == 1
    session.execute("select k into #c from dbo.a")
    assert only(session, "select count(*) from #c where k = N'x'") == 1
