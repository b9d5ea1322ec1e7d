"""A database of its own for each test of the server."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import mssql_python
import pytest
from tests.servers.mssql import connection_text as text

_numbers = itertools.count(1)

Connect = Callable[..., Any]


@pytest.fixture(scope="session", autouse=True)
def no_pool() -> None:
    mssql_python.pooling(enabled=False)


@pytest.fixture
def database() -> Iterator[str]:
    name = f"tests {os.getpid()} {next(_numbers)}"
    with mssql_python.connect(text(), autocommit=True) as admin:
        admin.execute(f"create database [{name}]")
        yield name
        admin.execute(f"alter database [{name}] set single_user with rollback immediate")
        admin.execute(f"drop database [{name}]")


@pytest.fixture
def connect(database: str) -> Iterator[Connect]:
    """Connections to that database, closed with the test."""
    made = []

    def one(*, autocommit: bool = True) -> Any:
        made.append(mssql_python.connect(text(Database=database), autocommit=autocommit))
        return made[-1]

    yield one
    for connection in made:
        connection.close()


@pytest.fixture
def session(connect: Connect) -> Any:
    return connect()
