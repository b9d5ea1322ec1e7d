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


def test_the_catalog(session: Any) -> None:
    session.execute(
        """create table dbo.parent (id int not null, constraint pk_parent primary key (id))"""
    )
    session.execute("""create table dbo.t (id int identity(5, 2) not null,
        a nvarchar(50) collate Latin1_General_100_BIN2 not null default (N'x'), b decimal(10,2) null,
        p int null constraint fk_t references dbo.parent (id), r rowversion,
        constraint pk_t primary key clustered (id, a desc))""")
    session.execute("create unique nonclustered index ix_t on dbo.t (b) include (p)")
    found = rows(
        session,
        """select c.name, y.name, c.max_length, c.precision, c.scale, c.is_nullable,
        c.is_identity, c.collation_name from sys.columns c join sys.types y
        on y.user_type_id = c.user_type_id where c.object_id = object_id(N'dbo.t')
        order by c.column_id""",
    )
    assert found == [
        ("id", "int", 4, 10, 0, False, True, None),
        ("a", "nvarchar", 100, 0, 0, False, False, "Latin1_General_100_BIN2"),
        ("b", "decimal", 9, 10, 2, True, False, None),
        ("p", "int", 4, 10, 0, True, False, None),
        ("r", "timestamp", 8, 0, 0, True, False, None),
    ]
    found = rows(
        session,
        """select i.name, i.type_desc, i.is_unique, i.is_primary_key,
        col_name = c.name, x.key_ordinal, x.is_descending_key, x.is_included_column
        from sys.indexes i join sys.index_columns x on x.object_id = i.object_id
        and x.index_id = i.index_id join sys.columns c on c.object_id = x.object_id
        and c.column_id = x.column_id where i.object_id = object_id('dbo.t')
        order by i.index_id, x.index_column_id""",
    )
    assert found == [
        ("pk_t", "CLUSTERED", True, True, "id", 1, False, False),
        ("pk_t", "CLUSTERED", True, True, "a", 2, True, False),
        ("ix_t", "NONCLUSTERED", True, False, "b", 1, False, False),
        ("ix_t", "NONCLUSTERED", True, False, "p", 0, False, True),
    ]
    told = rows(session, "select name, object_name(referenced_object_id) from sys.foreign_keys")
    assert told == [("fk_t", "parent")]
    found = rows(
        session,
        "select CONSTRAINT_NAME, CONSTRAINT_TYPE from"
        " INFORMATION_SCHEMA.TABLE_CONSTRAINTS order by 1",
    )
    assert found == [("fk_t", "FOREIGN KEY"), ("pk_parent", "PRIMARY KEY"), ("pk_t", "PRIMARY KEY")]
    found = rows(
        session,
        """select COLUMN_NAME, DATA_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH
        from INFORMATION_SCHEMA.COLUMNS where TABLE_NAME = 't' and ORDINAL_POSITION < 3""",
    )
    assert found == [("id", "int", "NO", None), ("a", "nvarchar", "NO", 50)]


def test_a_columnstore(session: Any) -> None:
    session.execute("create table dbo.t (id int)")
    kind = "select type from sys.indexes where object_id = object_id(N'dbo.t')"
    assert only(session, kind) == 0
    session.execute("create clustered columnstore index cci on dbo.t")
    assert only(session, kind) == 5
    session.execute("drop index cci on dbo.t")
    assert only(session, kind) == 0


def test_a_table_is_renamed(session: Any) -> None:
    session.execute("create table dbo.t (id int not null primary key, v int)")
    session.execute("create table dbo.t_new (id int not null primary key, v int)")
    session.execute("insert into dbo.t_new values (1, 2)")
    before = only(session, "select object_id(N'dbo.t_new')")
    session.execute("""begin tran; exec sp_rename N'dbo.t', N't_old', 'OBJECT';
        exec sp_rename N'dbo.t_new', N't', 'OBJECT'; commit""")
    assert rows(session, "select * from dbo.t") == [(1, 2)]
    assert only(session, "select object_id(N'dbo.t')") == before
    session.execute("drop table dbo.t_old")
    session.execute("exec sp_rename N'dbo.t.v', N'w w', 'COLUMN'")
    assert rows(session, "select [w w] from dbo.t") == [(2,)]
    with pytest.raises(Exception, match="No item by the name"):
        session.execute("exec sp_rename N'dbo.nowhere', N'x', 'OBJECT'")


def test_a_switch(session: Any) -> None:
    for name in ("t", "stg"):
        session.execute(f"create table dbo.{name} (id int not null, v nvarchar(10) null)")
    session.execute("insert into dbo.stg values (1, N'new')")
    session.execute("insert into dbo.t values (0, N'old')")
    with pytest.raises(Exception, match="must be empty"):
        session.execute("alter table dbo.stg switch to dbo.t")
    session.execute("""set xact_abort on; begin tran; truncate table dbo.t;
        alter table dbo.stg switch to dbo.t; commit""")
    assert rows(session, "select * from dbo.t") == [(1, "new")]
    assert only(session, "select count(*) from dbo.stg") == 0
    session.execute("alter table dbo.stg alter column v nvarchar(20)")
    with pytest.raises(Exception, match="SWITCH"):
        session.execute("alter table dbo.t switch to dbo.stg")


def test_identity(session: Any) -> None:
    session.execute("create table dbo.t (id int identity(10, 5) not null, v int)")
    session.execute("insert into dbo.t values (1), (2)")
    assert rows(session, "select id, v from dbo.t order by 1") == [(10, 1), (15, 2)]
    assert only(session, "select scope_identity()") == 15
    with pytest.raises(Exception, match="IDENTITY_INSERT"):
        session.execute("insert into dbo.t (id, v) values (1, 1)")
    session.execute("set identity_insert dbo.t on; insert into dbo.t (id, v) values (1, 1)")


def test_columns_that_come_and_go(session: Any) -> None:
    session.execute("create table dbo.t (id int not null, v nvarchar(5) null)")
    session.execute("insert into dbo.t values (1, N'a')")
    session.execute("alter table dbo.t add c int null, d nvarchar(10) not null default N'new'")
    assert rows(session, "select * from dbo.t") == [(1, "a", None, "new")]
    session.execute("alter table dbo.t alter column v nvarchar(50) not null")
    session.execute("alter table dbo.t alter column id bigint not null")
    with pytest.raises(Exception, match="NULL"):
        session.execute("insert into dbo.t (id, v) values (2, null)")
    session.execute("alter table dbo.t drop column c")
    session.execute("alter table dbo.t add constraint pk primary key (id)")
    with pytest.raises(Exception, match="PRIMARY KEY constraint 'pk'"):
        session.execute("insert into dbo.t (id, v) values (1, N'b')")
    found = rows(
        session, "select name, max_length from sys.columns where object_id = object_id('t')"
    )
    assert found == [("id", 8), ("v", 100), ("d", 20)]


def test_temporary_tables(session: Any, connect: Connect) -> None:
    session.execute("create table #t (id int, v nvarchar(5))")
    session.execute("insert into #t values (1, N'x')")
    session.execute(
        "create table dbo.t (id int); begin tran; insert into dbo.t select id from #t;"
        " insert into #t values (2, N'y'); commit"
    )
    assert only(session, "select count(*) from #t") == 2
    assert only(session, "select count(*) from sys.tables") == 1
    assert only(session, "select object_id(N'tempdb..#t')") is not None
    with pytest.raises(Exception, match="Invalid object name '#t'"):
        connect().execute("select * from #t")
    session.execute("select id, v into #u from #t; drop table #t")
    assert only(session, "select count(*) from #u") == 2


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


def test_a_view(session: Any) -> None:
    session.execute("create table dbo.t (id int, v nvarchar(10))")
    session.execute("create view dbo.w as select id, v from dbo.t where id > 1")
    session.execute("insert into dbo.t values (1, N'a'), (2, N'b')")
    assert rows(session, "select * from dbo.w") == [(2, "b")]
    assert rows(session, "select name from sys.views") == [("w",)]
    session.execute("drop view dbo.w")


def test_what_a_query_would_give(session: Any) -> None:
    session.execute("create table dbo.t (id bigint not null, v nvarchar(10), d datetime2(3))")
    found = session.execute("exec sp_describe_first_result_set N'select * from dbo.t'").fetchall()
    assert [(r.name, r.system_type_name, r.is_nullable, r.max_length) for r in found] == [
        ("id", "bigint", False, 8),
        ("v", "nvarchar(10)", True, 20),
        ("d", "datetime2(3)", True, 7),
    ]


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
