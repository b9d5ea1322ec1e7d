"""A rig's store with other settings, and SQL that somebody else sends to its database."""

from __future__ import annotations

from typing import Any

from tests.rigs import mysql, postgres
from tests.rigs.duckdb import DuckdbStoreRig
from tests.rigs.mssql import MssqlStoreRig
from tests.rigs.mysql import MysqlStoreRig
from tests.rigs.postgres import PostgresStoreRig
from tests.rigs.sqlite import SqliteStoreRig

from hygge.core.store import StoreConfig
from hygge.flow.factory import NoConnections
from hygge.stores.sql import SqlStore
from hygge.testing.harness import Row, StoreRig

RIGS: dict[str, type[StoreRig]] = {
    "duckdb": DuckdbStoreRig,
    "mssql": MssqlStoreRig,
    "mysql": MysqlStoreRig,
    "postgres": PostgresStoreRig,
    "sqlite": SqliteStoreRig,
}


def chosen(rig: StoreRig, **settings: Any) -> SqlStore:
    """As a user would have set it."""
    store = rig.store()
    assert isinstance(store, SqlStore)
    known = store.config.model_dump(exclude_unset=True, by_alias=True)
    config = StoreConfig.create({**known, **settings})
    made = type(store).build(config, NoConnections())  # type: ignore[arg-type]
    assert isinstance(made, SqlStore)
    return made


def asked(rig: StoreRig, sql: str) -> list[Row]:
    """Of a database that knows the rig's schema by `@`, which is left out where there is none."""
    match rig:
        case MysqlStoreRig():
            return mysql.ask(rig.database, sql.replace("@", ""))
        case PostgresStoreRig():
            return postgres.ask(sql.replace("@", f"{rig.schema}."))
        case MssqlStoreRig():
            return rig.ask(sql.replace("@", f"{rig.schema}."))
        case DuckdbStoreRig() | SqliteStoreRig():
            return list(rig.ask(sql.replace("@", "")))
    raise AssertionError(rig)
