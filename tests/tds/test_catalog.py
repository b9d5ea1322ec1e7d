"""What the catalog tells of tables, and what changes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Connect = Callable[..., Any]


def only(session: Any, sql: str, *values: Any) -> Any:
    return session.execute(sql, *values).fetchall()[0][0]


def rows(session: Any, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in session.execute(sql, *values).fetchall()]


@pytest.fixture
def described(session: Any) -> None:
    session.execute("create table dbo.parent (id int not null constraint pk_parent primary key)")
    session.execute("""create table dbo.t (id int identity(5, 2) not null,
        a nvarchar(50) collate Latin1_General_100_BIN2 not null default (N'x'),
        b decimal(10,2) null, p int null constraint fk_t references dbo.parent (id), r rowversion,
        constraint pk_t primary key clustered (id, a desc))""")
    session.execute("create unique nonclustered index ix_t on dbo.t (b) include (p)")


@pytest.mark.usefixtures("described")
def test_columns(session: Any) -> None:
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
        """select COLUMN_NAME, DATA_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH
        from INFORMATION_SCHEMA.COLUMNS where TABLE_NAME = 't' and ORDINAL_POSITION < 3""",
    )
    assert found == [("id", "int", "NO", None), ("a", "nvarchar", "NO", 50)]


@pytest.mark.usefixtures("described")
def test_indexes(session: Any) -> None:
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


@pytest.mark.usefixtures("described")
def test_constraints(session: Any) -> None:
    told = rows(session, "select name, object_name(referenced_object_id) from sys.foreign_keys")
    assert told == [("fk_t", "parent")]
    sql = "select CONSTRAINT_NAME, CONSTRAINT_TYPE from INFORMATION_SCHEMA.TABLE_CONSTRAINTS"
    assert sorted(rows(session, sql)) == [
        ("fk_t", "FOREIGN KEY"),
        ("pk_parent", "PRIMARY KEY"),
        ("pk_t", "PRIMARY KEY"),
    ]
    with pytest.raises(Exception, match="FOREIGN KEY constraint"):
        session.execute("insert into dbo.t (p) values (1)")
    session.execute("insert into dbo.parent values (1); insert into dbo.t (p) values (1)")
    for sql in ("delete from dbo.parent", "truncate table dbo.parent", "drop table dbo.parent"):
        with pytest.raises(Exception, match=r"REFERENCE constraint|FOREIGN KEY"):
            session.execute(sql)


def test_who_is_doing_what(session: Any, connect: Connect) -> None:
    other = connect()
    other.execute("begin tran; create table dbo.t (id int)")
    sql = """select s.session_id from sys.dm_tran_active_transactions a
        join sys.dm_tran_session_transactions s on s.transaction_id = a.transaction_id
        join sys.dm_tran_database_transactions d on d.transaction_id = a.transaction_id
        where d.database_id = db_id() and a.transaction_begin_time <= sysutcdatetime()"""
    (found,) = rows(session, sql)
    assert found == (only(other, "select @@spid"),)
    other.execute("rollback")
    assert rows(session, sql) == []
    assert only(session, "select count(*) from sys.dm_exec_sessions where session_id = @@spid") == 1
    session.execute(f"kill {found[0]}")
    with pytest.raises(Exception, match=r"(?i)link|connection"):
        other.execute("select 1")


def test_sizes(session: Any) -> None:
    session.execute("create table dbo.t (id int not null primary key)")
    session.execute("insert into dbo.t values (1), (2), (3)")
    sql = """select sum(row_count) from sys.dm_db_partition_stats
        where object_id = object_id(N'dbo.t') and index_id < 2"""
    assert only(session, sql) == 3
    assert only(session, "select rows from sys.partitions where object_id = object_id('t')") == 3


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
