"""SQL Server that does not let in, or do, or breaks off: a clear error or a safe retry."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.rigs import mssql
from tests.rigs.memory import MemoryHomeRig, MemoryStoreRig
from tests.servers import mssql as mssql_server

from hygge.core.errors import ConfigError, ConnectionFailed, DatabaseError, HyggeError, StoreError
from hygge.core.home import HomeConfig
from hygge.core.journal import Journal
from hygge.core.store import StoreConfig
from hygge.databases.mssql_settings import MssqlSettings
from hygge.flow.factory import NoConnections, home_of, store_of
from hygge.flow.flow import Flow
from hygge.flow.report import FlowReport
from hygge.flow.settings import FlowSettings
from hygge.flow.terms import Terms
from hygge.journal.memory import MemoryJournal
from hygge.testing.harness import people, unordered

MERGE: dict[str, Any] = {"run_type": "incremental", "watermark": "id", "keys": ["id"]}
scripted = pytest.mark.skipif(mssql_server.is_real(), reason="faults are scripted on our server")


class Named(NoConnections):
    """One connection, called db."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings

    def settings(self, name: str) -> dict[str, Any]:
        return self._settings


class Shop:
    """A database of its own with a source in memory, and a table to be loaded."""

    def __init__(self, tmp: Path) -> None:
        self.database = f"shop_{secrets.token_hex(6)}"
        mssql.ask(f"create database {self.database}")
        self.source, self.journal = MemoryHomeRig(tmp), MemoryJournal()
        self.rig = MemoryStoreRig(tmp)
        self.settings: dict[str, Any] = {"url": mssql.url(self.database), "lock_seconds": 2}

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return mssql.ask(sql, database=self.database)

    def run(self, rows: pl.DataFrame, **settings: Any) -> FlowReport:
        self.source.give(rows)
        config = StoreConfig.create({"type": "mssql", "connection": "db", "table": "people"})
        store = store_of(config, Named(type="mssql", **self.settings))
        journal: Journal = self.journal
        chosen = FlowSettings(**{"retries": 0, **settings})
        flow = Flow("people", self.source.home(), store, journal, chosen)
        return asyncio.run(flow.run(Terms(pause=lambda _: asyncio.sleep(0))))

    def rows(self) -> list[tuple[Any, ...]]:
        return unordered(self.ask("select * from people"))

    @contextmanager
    def failing(self, number: int, when: str, times: int = 1) -> Iterator[None]:
        fault = f"exec hygge_fault @number = {number}, @when = N'{when}', @times = {times}"
        self.ask(fault)
        yield
        assert (number, when, times) not in self.ask("exec hygge_faults"), "nothing met the fault"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def check(**settings: Any) -> None:
    config = HomeConfig.create({"type": "mssql", "connection": "db", "query": "select 1 as a"})
    home = home_of(config, Named(type="mssql", **settings))
    asyncio.run(home.check())


def parts(**more: Any) -> dict[str, Any]:
    at = mssql_server.address()
    known = {"server": at.host, "port": at.port, "user": at.user, "password": at.password}
    return {**known, "encrypt": "no", "trust_server_certificate": True, **more}


def test_a_login_that_nobody_knows() -> None:
    with pytest.raises(ConfigError, match=r"Login failed.*database shop") as failed:
        check(**parts(user="nobody", database="shop"))
    assert "user and password" in str(failed.value.hint)
    assert mssql_server.address().password not in str(failed.value)


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(ConnectionFailed, match=r"nobody answers: .*refused.*server .*,1") as failed:
        check(**parts(port=1))
    assert "port" in str(failed.value.hint)


def test_a_server_whose_name_nobody_knows() -> None:
    with pytest.raises(ConnectionFailed, match=r"nobody answers: .*server nowhere\.invalid"):
        check(**parts(server="nowhere.invalid"))


def test_a_server_that_takes_no_notice() -> None:
    late = pytest.raises(ConnectionFailed, match=r"did not let us in within 1 s")
    with socket.create_server(("127.0.0.1", 0)) as deaf, late as failed:
        check(**parts(server="127.0.0.1", port=deaf.getsockname()[1], connect_seconds=1))
    assert "port" in str(failed.value.hint)


@scripted
def test_only_a_certificate_that_is_believed(tmp_path: Path) -> None:
    address, papers = mssql_server.encrypted()
    known = parts(server=address.host, port=address.port, encrypt="yes")
    known["trust_server_certificate"] = False
    with pytest.raises(ConfigError, match="not sure who answers") as failed:
        check(**known)
    assert "trust_server_certificate" in str(failed.value.hint)
    check(**{**known, "trust_server_certificate": True})
    known["encrypt"] = "strict"
    check(**known, server_certificate=str(papers.cert))
    with pytest.raises(HyggeError):
        check(**known, server_certificate=str(papers.stranger))


@scripted
def test_tokens_are_shown_and_those_that_expired_are_told_of() -> None:
    known = {key: value for key, value in parts().items() if key not in ("user", "password")}
    check(**known, auth="token", token="let-me-in")
    with pytest.raises(ConfigError, match="Login failed"):
        check(**known, auth="token", token="another")
    with pytest.raises(ConnectionFailed, match="expired"):
        check(**known, auth="token", token="expired")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"auth": "service_principal", "client_id": "x"}, "needs `tenant_id`"),
        ({"auth": "token"}, "needs a `token`"),
        ({"auth": "password"}, "needs a `user`"),
        ({"url": "mssql://u:p@h/d?tls=1"}, "a url takes"),
        ({"credential": {"type": "entra"}, "user": "x"}, "not both"),
    ],
)
def test_what_cannot_be_a_way_in_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        MssqlSettings(**settings)


PLACES = ["begin transaction", "insert bulk", "insert into", "count_big", "create table", "update"]


@scripted
@pytest.mark.parametrize("number", [1205, 37396])
@pytest.mark.parametrize("when", [*PLACES, "commit"])
def test_what_passes_is_tried_again(shop: Shop, number: int, when: str) -> None:
    """The victim of a deadlock, and a connection whose token has come to its end."""
    assert shop.run(people(0, 3), **MERGE).error is None
    with shop.failing(number, when):
        report = shop.run(people(0, 6, "new"), retries=2, **MERGE)
    assert report.error is None, report.error
    assert shop.rows() == unordered(people(0, 6, "new").rows()[2:] + people(0, 2).rows())


@scripted
@pytest.mark.parametrize("number", [1205, 37396])
@pytest.mark.parametrize("when", ["sys.columns", "select [id]"])
def test_who_reads_is_let_in_again(shop: Shop, number: int, when: str) -> None:
    shop.ask("create table words (id bigint not null primary key, word nvarchar(9))")
    shop.ask("insert into words values (1, N'one'), (2, N'two')")
    place = {"type": "mssql", "connection": "db", "table": "words"}
    home = home_of(HomeConfig.create(place), Named(type="mssql", **shop.settings))
    store = shop.rig.store()
    flow = Flow("words", home, store, shop.journal, FlowSettings(retries=1))
    with shop.failing(number, when):
        report = asyncio.run(flow.run(Terms(pause=lambda _: asyncio.sleep(0))))
    assert report.error is None, report.error
    assert unordered(shop.rig.look()) == [(1, "one"), (2, "two")]


@scripted
@pytest.mark.parametrize(("number", "when"), [(229, "insert into"), (262, "create table")])
def test_what_is_not_allowed_is_told_and_changes_nothing(
    shop: Shop, number: int, when: str
) -> None:
    assert shop.run(people(0, 3)).error is None
    with shop.failing(number, when, times=99):
        report = shop.run(people(0, 6), retries=2)
    assert isinstance(report.error, DatabaseError)
    assert report.error.hint == "ask for the right to do this"
    assert shop.rows() == unordered(people(0, 3).rows())


def test_two_rows_of_a_key_that_are_equally_late_are_refused(shop: Shop) -> None:
    tied = pl.concat([people(0, 3), people(2, 1, "other")])
    report = shop.run(tied, **MERGE)
    assert isinstance(report.error, StoreError)
    assert "on_tie" in str(report.error.hint)


def test_a_name_that_is_too_long_is_refused(shop: Shop) -> None:
    report = shop.run(pl.DataFrame({"x" * 129: [1]}))
    assert isinstance(report.error, HyggeError)
    assert "longer than 128 letters" in str(report.error)
    assert shop.ask("select name from sys.tables where name = 'people'") == []


def test_a_table_that_others_refer_to_is_loaded_or_left(shop: Shop) -> None:
    """Its rows are replaced by delete and insert: a foreign key is minded, and nothing is lost."""
    shop.ask(
        "create table people (id bigint not null primary key, word nvarchar(max) collate "
        "Latin1_General_100_BIN2 null, day date null, seen datetimeoffset(6) null)"
    )
    shop.ask("create table pets (owner bigint not null references people (id))")
    assert shop.run(people(0, 3), **MERGE).error is None
    shop.ask("insert into pets values (1)")
    before = shop.rows()
    report = shop.run(people(5, 3))
    assert isinstance(report.error, HyggeError)
    assert "FOREIGN KEY" in str(report.error)
    assert shop.rows() == before
    assert len(before) == 3


@pytest.mark.parametrize("settings", [{}, MERGE], ids=["full_drop", "merge"])
def test_rows_that_its_own_foreign_key_refuses(shop: Shop, settings: dict[str, Any]) -> None:
    shop.ask("create table ids (id bigint not null primary key)")
    shop.ask("insert into ids values (0), (1), (2), (3)")
    shop.ask(
        "create table people (id bigint null references ids (id), word nvarchar(max) collate "
        "Latin1_General_100_BIN2 null, born date null, seen datetimeoffset(6) null)"
    )
    assert shop.run(people(0, 3), **settings).error is None
    before = shop.rows()
    report = shop.run(people(0, 6), **settings)
    assert isinstance(report.error, HyggeError)
    assert "FOREIGN KEY" in str(report.error)
    assert shop.rows() == before
    assert len(before) == 3


@pytest.mark.parametrize("settings", [{}, MERGE], ids=["full_drop", "merge"])
def test_a_table_with_a_trigger_is_loaded(shop: Shop, settings: dict[str, Any]) -> None:
    assert shop.run(people(0, 3), **settings).error is None
    shop.ask("create trigger watch on people after delete as select 1")
    assert shop.run(people(0, 6), **settings).error is None
    assert shop.rows() == unordered(people(0, 6).rows())
    assert len(shop.ask("select name from sys.triggers where name = 'watch'")) == 1


def test_a_run_that_is_at_it_is_waited_for_and_then_told_of(shop: Shop) -> None:
    assert shop.run(people(0, 3)).error is None
    with mssql.connected(shop.database) as db, db.cursor() as other:
        other.execute("begin transaction")
        other.execute(
            "declare @r int; exec @r = sp_getapplock @Resource = N'hygge dbo.people', "
            "@LockMode = 'Exclusive', @LockOwner = 'Transaction'; select @r"
        )
        other.fetchall()
        report = shop.run(people(0, 6))
        assert isinstance(report.error, ConnectionFailed)
        assert "another run has been publishing" in str(report.error)
        assert shop.rows() == unordered(people(0, 3).rows())
        other.execute("rollback")
    assert shop.run(people(0, 6), retries=1).error is None
    assert shop.rows() == unordered(people(0, 6).rows())
