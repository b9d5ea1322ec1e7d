"""TLS, if it is asked for: to a server for whom somebody vouches, or not at all."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.faults.scene import Named
from tests.servers import mysql, postgres
from tests.servers.certificates import Papers
from tests.workspace.project import written

from hygge.core.errors import ConfigError
from hygge.core.home import HomeConfig
from hygge.databases.database import Database
from hygge.databases.found import found
from hygge.databases.mysql import Mysql
from hygge.databases.postgres import Postgres
from hygge.flow.factory import home_of
from hygge.homes.sql import SqlHome
from hygge.homes.sql_config import SqlHomeConfig
from hygge.testing.harness import gathered, rows_of

KINDS = ["postgres", "mysql"]
HOW = {
    "postgres": "select version from pg_stat_ssl where pid = pg_backend_pid()",
    "mysql": "show session status like 'Ssl_version'",
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def papers(kind: str) -> Papers:
    return postgres.encrypted()[1] if kind == "postgres" else mysql.encrypted()[1]


def settings(kind: str, host: str = "localhost", **more: Any) -> dict[str, Any]:
    if kind == "postgres":
        url = urlsplit(postgres.encrypted()[0])
        return {"host": host, "port": url.port, "user": url.username, **more}
    return {"host": host, "port": mysql.encrypted()[0], "user": "root", "dbname": "mysql", **more}


def database(kind: str, host: str = "localhost", **more: Any) -> Database:
    known: type[Database] = Postgres if kind == "postgres" else Mysql
    return known.build(settings(kind, host, **more))


def version(made: Database) -> str:
    """By which version of TLS we speak; empty if by none."""
    with closing(made.connect()) as session:
        return str(session.rows(HOW[made.name])[0][-1] or "")


def trust(kind: str) -> dict[str, Any]:
    return {"tls": True, "ca": str(papers(kind).ca)}


def test_what_is_said_is_encrypted(kind: str) -> None:
    assert version(database(kind, **trust(kind))).startswith("TLSv1.")


def test_rows_are_encrypted_too(kind: str) -> None:
    """They come by another driver, or another connection."""
    query = {
        "postgres": HOW["postgres"],
        "mysql": "select variable_value as version from information_schema.session_status "
        "where variable_name = 'Ssl_version'",
    }
    config = HomeConfig.create({"type": kind, "connection": "db", "query": query[kind]})
    home = home_of(config, Named(type=kind, **settings(kind, **trust(kind))))
    assert isinstance(home, SqlHome)
    ((told,),) = rows_of(asyncio.run(gathered(home)))
    assert str(told).startswith("TLSv1.")


def refused(made: Database) -> str:
    with closing(made.connect()) as session, pytest.raises(ConfigError) as failed:
        session.rows("select 1")
    return str(failed.value)


def test_a_certificate_that_nobody_we_trust_vouches_for(kind: str) -> None:
    told = refused(database(kind, tls=True, ca=str(papers(kind).stranger)))
    assert "not sure who answers" in told
    assert "give `ca`" in told


def test_without_a_ca_only_those_count_whom_the_machine_trusts(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "not sure who answers" in refused(database(kind, tls=True))
    monkeypatch.setenv("SSL_CERT_FILE", str(papers(kind).ca))
    assert version(database(kind, tls=True)).startswith("TLSv1.")


def test_the_wrong_name(kind: str) -> None:
    told = refused(database(kind, "127.0.0.1", **trust(kind)))
    assert "not sure who answers" in told
    assert "by the name that the certificate has" in told


def test_the_name_counts_without_a_ca_too(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(papers(kind).ca))
    assert "by the name" in refused(database(kind, "127.0.0.1", tls=True))


def test_a_server_without_tls() -> None:
    url = urlsplit(postgres.url())
    made = Postgres.build({"host": url.hostname, "port": url.port, "user": "hygge", "tls": True})
    told = refused(made)
    assert "not sure who answers" in told
    assert "`tls: false`" in told


def test_a_mysql_server_without_tls() -> None:
    host, port = mysql.address()
    told = refused(Mysql.build({"host": host, "port": port, "user": "root", "tls": True}))
    assert "not sure who answers" in told
    assert "`tls: false`" in told


def test_no_tls(kind: str) -> None:
    assert version(database(kind, "127.0.0.1", tls=False)) == ""


def test_by_default_it_is_encrypted_if_the_server_can(kind: str) -> None:
    assert version(database(kind, "127.0.0.1")).startswith("TLSv1.")


def test_a_url_says_less_than_tls(kind: str) -> None:
    if kind == "postgres":
        url = f"{postgres.encrypted()[0]}?sslmode=disable"
        assert version(Postgres.build({"url": url})) == ""
    else:
        url = f"mysql://root@localhost:{mysql.encrypted()[0]}/mysql"
    known: type[Database] = Postgres if kind == "postgres" else Mysql
    assert version(known.build({"url": url, **trust(kind)})).startswith("TLSv1.")


@pytest.mark.parametrize("url", [True, False])
def test_as_libpq_has_it(url: bool) -> None:
    """Beside a URL, too."""
    known = {"url": postgres.encrypted()[0]} if url else settings("postgres")
    full = {"sslmode": "verify-full", "sslrootcert": str(papers("postgres").ca)}
    assert version(Postgres.build({**known, **full})).startswith("TLSv1.")
    full["sslrootcert"] = str(papers("postgres").stranger)
    assert "not sure who answers" in refused(Postgres.build({**known, **full}))
    assert version(Postgres.build({**known, "sslmode": "disable"})) == ""


def test_two_ways_to_say_it() -> None:
    with pytest.raises(ConfigError, match="not both"):
        Postgres.build({"tls": True, "sslmode": "require"})


def test_a_ca_that_is_not_there(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "nothing.crt"
    assert str(path) in refused(database(kind, tls=True, ca=str(path)))


def test_a_ca_lies_in_the_workspace(kind: str, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(papers(kind).ca.read_bytes())
    told = "".join(f"  {key}: {value}\n" for key, value in settings(kind, ca="ca.crt").items())
    text = f"connections:\n db:\n  type: {kind}\n  tls: true\n{told}"
    workspace = written(tmp_path, {"hygge.yml": text})
    config = SqlHomeConfig(connection="db", table="t")
    assert version(found(config, workspace.connections)).startswith("TLSv1.")
