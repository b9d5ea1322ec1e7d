"""Who may come in, and how."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from mssql_python import connect as raw
from tests.servers import mssql
from tests.servers.mssql import connection_text as text

_ACCESS_TOKEN = 1256


def token(value: str) -> dict[int, int | str | bytes]:
    wide = value.encode("utf-16-le")
    return {_ACCESS_TOKEN: struct.pack("<I", len(wide)) + wide}


def only(session: Any, sql: str, *values: Any) -> Any:
    return session.execute(sql, *values).fetchone()[0]


def test_the_database_that_was_asked_for(session: Any, database: str) -> None:
    assert only(session, "select db_name()") == database
    assert only(session, "select original_login()") == mssql.USER


def test_a_wrong_password() -> None:
    with pytest.raises(Exception, match="Login failed for user 'sa'"):
        raw(text(PWD="wrong"))


def test_an_unknown_database() -> None:
    with pytest.raises(Exception, match=r"Cannot open database|Login failed"):
        raw(text(Database="nowhere"))


def strict() -> str:
    where = mssql.encrypted()[0]
    given = {"Server": f"{where.host},{where.port}", "Encrypt": "yes"}
    return text(**given, TrustServerCertificate="no")


def test_all_is_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(mssql.encrypted()[1].ca))
    with raw(strict()) as session:
        found = "select encrypt_option from sys.dm_exec_connections where session_id = @@spid"
        assert only(session, found) == "TRUE"


def test_a_certificate_that_nobody_vouches_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(mssql.encrypted()[1].stranger))
    with pytest.raises(Exception, match=r"(?i)certificate|SSL"):
        raw(strict())


def test_all_is_encrypted_from_the_first_byte_on() -> None:
    where, papers = mssql.encrypted()
    given = {"Server": f"{where.host},{where.port}", "Encrypt": "strict"}
    known, stranger = (
        text(**given, TrustServerCertificate=None, ServerCertificate=file)
        for file in (papers.cert, papers.stranger)
    )
    with raw(known) as session:
        assert only(session, "select 1") == 1
    with pytest.raises(Exception, match=r"(?i)certificate|SSL"):
        raw(stranger)


def test_a_token_in_place_of_a_password() -> None:
    with raw(text(UID=None, PWD=None), attrs_before=token("let-me-in")) as session:
        assert only(session, "select 1") == 1


def test_a_token_that_is_not_known() -> None:
    with pytest.raises(Exception, match="Login failed"):
        raw(text(UID=None, PWD=None), attrs_before=token("stranger"))


def test_a_token_that_has_expired() -> None:
    with (
        pytest.raises(Exception, match="expired"),
        raw(text(UID=None, PWD=None), attrs_before=token("expired")) as session,
    ):
        session.execute("select 1")
