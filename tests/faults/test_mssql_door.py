"""A wire that breaks, or falls silent, while a connection to SQL Server is being made."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from tests.servers import mssql as server
from tests.servers.proxy import Proxy, Wire

from hygge.core.errors import ConnectionFailed
from hygge.databases.hanging_up import within
from hygge.databases.mssql import Mssql
from hygge.databases.mssql_dialling import Dialling
from hygge.databases.mssql_line import Bulk, Talk
from hygge.databases.mssql_settings import MssqlSettings

pytestmark = pytest.mark.timeout(60)
HANDSHAKE, LOGIN, QUESTION = 4, 7, 9
"""Messages of a connection: TLS, within packets; who we are; the first thing we want to know."""


@pytest.fixture
def wire() -> Iterator[Proxy]:
    at = server.address()
    with Proxy(at.host, at.port) as made:
        yield made


def settings(wire: Proxy, seconds: int) -> dict[str, Any]:
    at = server.address()
    known = {"server": "127.0.0.1", "port": wire.port, "user": at.user, "password": at.password}
    believed = {"encrypt": "yes", "trust_server_certificate": True}
    return {**known, **believed, "connect_seconds": seconds}


def made(kind: type[Talk] | type[Bulk], wire: Proxy, seconds: int) -> Talk | Bulk:
    return kind(MssqlSettings(**settings(wire, seconds)), Dialling(seconds))


@pytest.mark.parametrize("kind", [Talk, Bulk])
def test_a_wire_that_breaks_at_the_door_is_no_matter_of_settings(
    kind: type[Talk] | type[Bulk], wire: Proxy
) -> None:
    """Nor of certificates: whoever is cut off in a handshake may come again."""
    for at in range(1, QUESTION + 2):
        wire.arm(Wire.RESET, at)
        with pytest.raises(ConnectionFailed):
            made(kind, wire, 30)
    made(kind, wire, 30).close()


@pytest.mark.parametrize("at", [HANDSHAKE, LOGIN, QUESTION])
@pytest.mark.parametrize("kind", [Talk, Bulk])
def test_nobody_waits_at_the_door_for_ever(
    kind: type[Talk] | type[Bulk], wire: Proxy, at: int
) -> None:
    wire.arm(Wire.STALL, at)
    with pytest.raises(ConnectionFailed):
        made(kind, wire, 1)
    assert wire.met


@pytest.mark.parametrize("at", [HANDSHAKE, QUESTION])
def test_who_waits_at_the_door_can_be_called_away(wire: Proxy, at: int) -> None:
    wire.arm(Wire.STALL, at)
    failures = list[BaseException]()
    with closing(Mssql.build(settings(wire, 3600)).connect()) as session:

        def ask() -> None:
            with pytest.raises(ConnectionFailed) as failed:
                session.rows("select 1")
            failures.append(failed.value)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        while not wire.met:
            within(0.01, asking.join)
        session.interrupt()
        asking.join()
    assert failures
