"""Transactions, locks, and what one session sees of another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.servers.mssql import is_real

ours = pytest.mark.skipif(is_real(), reason="a real server is not asked for faults")
Connect = Callable[..., Any]


def only(session: Any, sql: str) -> Any:
    return session.execute(sql).fetchall()[0][0]


def in_background(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """What it gives or raises comes into the list."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as failed:  # noqa: BLE001
            found.append(failed)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, found


@pytest.fixture
def table(session: Any) -> None:
    session.execute("create table dbo.t (id int not null primary key, v nvarchar(20) null)")
    session.execute("insert into dbo.t values (1, N'one')")


@pytest.mark.usefixtures("table")
def test_nobody_sees_it_before_it_is_committed(session: Any, connect: Connect) -> None:
    other = connect(autocommit=False)
    other.execute("insert into dbo.t values (2, N'two')")
    assert only(other, "select count(*) from dbo.t") == 2
    assert only(other, "select @@trancount") == 1
    assert only(session, "select count(*) from dbo.t with (readpast)") == 1
    other.commit()
    assert only(session, "select count(*) from dbo.t") == 2


@pytest.mark.usefixtures("table")
def test_a_rollback(session: Any, connect: Connect) -> None:
    other = connect(autocommit=False)
    other.execute("update dbo.t set v = N'changed'")
    other.execute("create table dbo.u (a int)")
    other.rollback()
    assert only(session, "select v from dbo.t") == "one"
    assert only(session, "select object_id(N'dbo.u')") is None


@pytest.mark.usefixtures("table")
def test_statements_that_begin_and_end(session: Any) -> None:
    session.execute("set xact_abort on; begin tran; delete from dbo.t; rollback")
    assert only(session, "select count(*) from dbo.t") == 1
    session.execute("begin tran; begin tran; delete from dbo.t; commit")
    assert only(session, "select @@trancount") == 1
    session.execute("commit")
    assert only(session, "select count(*) from dbo.t") == 0
    with pytest.raises(Exception, match="no corresponding BEGIN"):
        session.execute("commit")


@pytest.mark.usefixtures("table")
def test_an_error_undoes_all_of_it(session: Any) -> None:
    session.execute("set xact_abort on; set nocount on")
    with pytest.raises(Exception, match="PRIMARY KEY"):
        session.execute(
            "begin tran; insert into dbo.t values (2, N'x'); insert into dbo.t values"
            " (1, N'x'); commit"
        )
    assert only(session, "select @@trancount") == 0
    assert only(session, "select count(*) from dbo.t") == 1


@pytest.mark.usefixtures("table")
def test_who_writes_waits(session: Any, connect: Connect) -> None:
    other = connect(autocommit=False)
    other.execute("update dbo.t set v = N'first'")
    thread, found = in_background(
        lambda: session.execute("update dbo.t set v = v + N' second' where id = 1").rowcount
    )
    thread.join(0.2)
    assert found == []
    other.commit()
    thread.join(5)
    assert found == [1]
    assert only(session, "select v from dbo.t") == "first second"


@pytest.mark.usefixtures("table")
def test_a_lock_that_is_not_to_be_had_in_time(session: Any, connect: Connect) -> None:
    other = connect(autocommit=False)
    other.execute("update dbo.t set v = N'first'")
    with pytest.raises(Exception, match="Lock request time out"):
        session.execute("set lock_timeout 50; update dbo.t set v = N'second'")
    assert only(session, "select @@lock_timeout") == 50
    other.rollback()


@pytest.mark.usefixtures("table")
def test_a_query_that_locks(session: Any, connect: Connect) -> None:
    other = connect(autocommit=False)
    assert only(other, "select count(*) from dbo.t with (tablockx, holdlock)") == 1
    with pytest.raises(Exception, match="Lock request time out"):
        session.execute("set lock_timeout 50; update dbo.t set v = N'second'")
    other.rollback()


@pytest.mark.usefixtures("table")
def test_who_waits_can_give_up(session: Any, connect: Connect) -> None:
    other = connect(autocommit=False)
    other.execute("delete from dbo.t")
    session.timeout = 1
    with pytest.raises(Exception, match=r"(?i)cancel|timeout"):
        session.execute("delete from dbo.t")
    other.rollback()
    assert only(session, "select count(*) from dbo.t") == 1


@pytest.mark.usefixtures("table")
def test_a_deadlock(session: Any, connect: Connect) -> None:
    session.execute("create table dbo.u (id int)")
    session.execute("insert into dbo.u values (0)")
    one, two = connect(autocommit=False), connect(autocommit=False)
    one.execute("update dbo.t set v = N'one'")
    two.execute("update dbo.u set id = 1")
    works = [
        in_background(lambda: one.execute("update dbo.u set id = 2").rowcount),
        in_background(lambda: two.execute("update dbo.t set v = N'two'").rowcount),
    ]
    for thread, _ in works:
        thread.join(10)
    victims = [found[0] for _, found in works if isinstance(found[0], Exception)]
    assert len(victims) == 1
    assert "deadlock" in str(victims[0])
    assert [found for _, found in works if found != victims] == [[1]]


def test_a_lock_by_name(connect: Connect) -> None:
    one, two = connect(autocommit=False), connect(autocommit=False)
    take = """declare @r int; exec @r = sp_getapplock @Resource = N'flow', @LockMode = 'Exclusive',
        @LockOwner = 'Transaction', @LockTimeout = {}; select @r"""
    assert only(one, take.format(0)) == 0
    assert only(two, take.format(0)) == -1
    thread, found = in_background(lambda: only(two, take.format(-1)))
    thread.join(0.1)
    one.rollback()
    thread.join(5)
    assert found in ([0], [1])
    two.rollback()


def test_a_sessions_own_lock(session: Any, connect: Connect) -> None:
    take = (
        """declare @r int; exec @r = sp_getapplock N'flow', 'Exclusive', 'Session', 0; select @r"""
    )
    assert only(session, take) == 0
    other = connect()
    assert only(other, take) == -1
    session.execute("exec sp_releaseapplock N'flow', 'Session'")
    assert only(other, take) == 0
    other.close()
    for _ in range(100):
        if only(session, take) == 0:
            break
    assert only(session, take) == 0


@pytest.mark.usefixtures("table")
def test_who_goes_away_leaves_nothing(session: Any, connect: Connect) -> None:
    other = connect(autocommit=False)
    other.execute("delete from dbo.t")
    other.close()
    assert session.execute("update dbo.t set v = N'x'").rowcount == 1


@pytest.mark.usefixtures("table")
def test_read_committed_sees_what_was_committed_since(session: Any, connect: Connect) -> None:
    other = connect(autocommit=False)
    assert only(other, "select count(*) from dbo.t") == 1
    session.execute("insert into dbo.t values (2, null)")
    assert only(other, "select count(*) from dbo.t") == 2
    other.rollback()


@pytest.mark.usefixtures("table")
def test_a_snapshot(session: Any, connect: Connect, database: str) -> None:
    other = connect()
    count = "select count(*) from dbo.t"
    other.execute("set transaction isolation level snapshot; begin tran")
    with pytest.raises(Exception, match="snapshot isolation is not allowed"):
        other.execute(count)
    session.execute(f"alter database [{database}] set allow_snapshot_isolation on")
    state = "select snapshot_isolation_state from sys.databases where name = db_name()"
    assert only(session, state) == 1
    other.execute("begin tran")
    assert only(other, count) == 1
    session.execute("insert into dbo.t values (2, null)")
    assert only(other, count) == 1
    other.execute("rollback")
    assert only(other, count) == 2


def test_row_versions_that_are_not_committed_yet(session: Any, connect: Connect) -> None:
    session.execute("create table dbo.t (id int, r rowversion)")
    session.execute("insert into dbo.t (id) values (1), (2)")
    least = "select convert(bigint, min_active_rowversion())"
    first = "select convert(bigint, max(r)) from dbo.t"
    before = only(session, least)
    assert before == only(session, first) + 1 == only(session, "select convert(bigint, @@dbts)") + 1
    other = connect(autocommit=False)
    other.execute("insert into dbo.t (id) values (3)")
    assert only(session, least) == before
    assert only(session, "select convert(bigint, @@dbts)") >= before
    other.commit()
    assert only(session, least) == only(session, first) + 1
    session.execute("update dbo.t set id = 7 where id = 1")
    assert only(session, "select id from dbo.t where r = (select max(r) from dbo.t)") == 7


@pytest.mark.usefixtures("table")
def test_a_statement_is_cancelled(session: Any) -> None:
    session.execute("with n as (select 1 as a union all select 1) select * into dbo.n from n")
    for _ in range(4):
        session.execute("insert into dbo.n select x.a from dbo.n x cross join dbo.n y")
    session.timeout = 1
    cursor = session.cursor()
    endless = "select sum(a.a * b.a * c.a) from dbo.n a, dbo.n b, dbo.n c where a.a < 3"
    with pytest.raises(Exception, match=r"(?i)cancel|timeout"):
        cursor.execute(endless)
    cursor.close()
    assert only(session, "select count(*) from dbo.t") == 1


@pytest.mark.usefixtures("table")
def test_a_statement_is_cancelled_by_another_thread(session: Any) -> None:
    cursor = session.cursor()
    thread, _ = in_background(lambda: cancel_soon(cursor))
    with pytest.raises(Exception, match=r"(?i)cancel"):
        cursor.execute("waitfor delay '00:00:10'")
    thread.join()
    cursor.close()
    assert only(session, "select count(*) from dbo.t") == 1


def cancel_soon(cursor: Any) -> None:
    """Once the statement is on its way."""
    threading.Event().wait(0.2)
    cursor.hstmt._cancel()


@ours
@pytest.mark.usefixtures("table")
def test_a_fault_that_was_asked_for(session: Any) -> None:
    session.execute("exec hygge_fault @number = 1205, @when = N'insert into', @times = 1")
    with pytest.raises(Exception, match="deadlocked"):
        session.execute("insert into dbo.t values (5, null)")
    session.execute("insert into dbo.t values (5, null)")
    session.execute("exec hygge_fault @number = 37396, @when = N'select count'")
    with pytest.raises(Exception, match="expired"):
        session.execute("select count(*) from dbo.t")
    with pytest.raises(Exception, match=r"(?i)link|closed|connection"):
        session.execute("select 1")


@ours
def test_what_was_sent(session: Any) -> None:
    session.execute("select 1 as a").fetchall()
    session.execute("select ? as b", 2).fetchall()
    sent = [row[2] for row in session.execute("exec hygge_statements").fetchall()]
    assert "select 1 as a" in sent
    assert "select @P1 as b" in sent
