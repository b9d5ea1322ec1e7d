"""What tables a database says it has."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from tests.rigs import mysql
from tests.servers import postgres

from hygge.core.errors import Unsupported
from hygge.core.home import HomeConfig
from hygge.flow.factory import NoConnections, home_of

Place = Mapping[str, Any]


def entities(place: Place, table: str) -> Mapping[str, str]:
    home = home_of(HomeConfig.create({**place, "table": table}), NoConnections())
    return asyncio.run(home.entities())


def sqlite(tmp: Path) -> Place:
    with sqlite3.connect(tmp / "shop.db") as db:
        for name in ("users", "orders", "_hygge_loads", "sqlitish"):
            db.execute(f"create table {name} (id integer primary key autoincrement)")
        db.execute("create view seen as select * from users")
    return {"type": "sqlite", "path": str(tmp / "shop.db")}


def in_duckdb(tmp: Path) -> Place:
    with duckdb.connect(tmp / "shop.db") as db:
        db.execute("create schema sales")
        for name in ("users", "orders", "_hygge_loads", "sqlitish", "sales.orders"):
            db.execute(f"create table {name} (id integer)")
        db.execute("create view seen as select * from users")
    return {"type": "duckdb", "path": str(tmp / "shop.db")}


def in_mysql(tmp: Path) -> Place:
    name = f"home_{secrets.token_hex(6)}"
    mysql.ask(None, f"create database {name}")
    for table in ("users", "orders", "_hygge_loads", "sqlitish"):
        mysql.ask(name, f"create table {table} (id integer)")
    mysql.ask(name, "create view seen as select * from users")
    return {"type": "mysql", "connection": mysql.url(name)}


def in_postgres(tmp: Path) -> Place:
    name = f"home_{secrets.token_hex(6)}"
    with psycopg.connect(postgres.url(), autocommit=True) as db:
        db.execute(f"create database {name}".encode())
    url = f"{postgres.url().rpartition('/')[0]}/{name}"
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("create schema sales")
        for table in ("users", "_hygge_loads", "sqlitish", "sales.orders"):
            db.execute(f"create table {table} (id integer)".encode())
        db.execute("create table orders (id integer) partition by range (id)")
        db.execute("create table orders_1 partition of orders for values from (1) to (9)")
        db.execute("create view seen as select * from users")
    return {"type": "postgres", "connection": url}


MADE = [sqlite, in_duckdb, in_mysql, in_postgres]


@pytest.mark.parametrize("make", MADE)
def test_tables_are_found_views_and_our_own_are_not(
    make: Callable[[Path], Place], tmp_path: Path
) -> None:
    found = entities(make(tmp_path), "*")
    sales = {"sales.orders"} if make in (in_duckdb, in_postgres) else set()
    assert set(found) == {"users", "orders", "sqlitish"} | sales
    assert found["users"].rpartition(".")[2] == "users"
    assert found["users"] != "users"


@pytest.mark.parametrize("make", MADE)
def test_what_stands_around_the_name_narrows_it(
    make: Callable[[Path], Place], tmp_path: Path
) -> None:
    place = make(tmp_path)
    assert set(entities(place, "*ers")) == {"us", "ord"} | (
        {"sales.ord"} if make in (in_duckdb, in_postgres) else set()
    )
    if make in (in_duckdb, in_postgres):
        assert entities(place, "sales.*") == {"orders": "sales.orders"}


def test_a_query_stands_for_no_other_table(tmp_path: Path) -> None:
    config = HomeConfig.create({**sqlite(tmp_path), "query": "select 1 as one"})
    with pytest.raises(Unsupported, match="stands for one table"):
        asyncio.run(home_of(config, NoConnections()).entities())
