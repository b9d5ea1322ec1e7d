"""Two loads on top of one receipt: one of them is told, whatever way they came. Done is done."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from tests.crash.places import place_of
from tests.faults.scene import DATABASES, Scene, scene
from tests.rigs import mssql, mysql, postgres
from tests.servers import postgres as postgres_server

from hygge import registry
from hygge.core.errors import ConnectionFailed, LoadLost
from hygge.core.partition import Partition
from hygge.core.store import Mode, Receipt, StagedPart
from hygge.databases.database import Database, Table
from hygge.stores.sql_config import SqlStoreConfig
from hygge.stores.sql_load import SqlLoad
from hygge.stores.sql_publish import Publishing
from hygge.stores.sql_table import SqlTable
from hygge.testing.harness import people, request


def staged(
    database: Database, table: str, mode: Mode, base: Receipt | None
) -> tuple[SqlLoad, list[StagedPart]]:
    config = SqlStoreConfig(type="sql", table=table)
    load = SqlLoad(database, Table.of(table), request(mode, base), config)
    load.open()
    part = load.part(Partition("a"))
    part.open()
    part.write(people(0, 3))
    parts = [part.finish()]
    part.close()
    return load, parts


def raced(monkeypatch: pytest.MonkeyPatch, database: Database, one: str, two: str) -> list[Any]:
    """What two appends came to, the second of which comes while the first is publishing."""
    first, parts = staged(database, one, Mode.REPLACE, None)
    base = first.commit(parts)
    first.close()
    loads = [staged(database, table, Mode.APPEND, base) for table in (one, two)]
    inside, ended = threading.Event(), threading.Event()
    fill = Publishing.fill

    def slow(self: Publishing, *args: Any) -> Any:
        if not inside.is_set():
            inside.set()
            ended.wait(1)  # for whoever does not wait for its turn
        return fill(self, *args)

    monkeypatch.setattr(Publishing, "fill", slow)
    results = list[Any]()

    def commit(load: SqlLoad, parts: list[StagedPart]) -> None:
        try:
            results.append(load.commit(parts))
        except LoadLost as lost:
            results.append(lost)
        ended.set()

    threads = [threading.Thread(target=commit, args=load) for load in loads]
    threads[0].start()
    inside.wait()
    threads[1].start()
    for thread in threads:
        thread.join()
    for load, _ in loads:
        load.close()
    return results


@pytest.mark.parametrize("name", DATABASES)
@pytest.mark.parametrize("way", ["two_spellings", "an_old_snapshot"])
def test_one_of_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, way: str) -> None:
    place = place_of(name, tmp_path)
    assert place is not None
    place.make()
    url = urlsplit(place.url)
    schema = place.prefix.strip(".") or url.path.strip("/")
    schema = "dbo" if name == "mssql" else schema
    one = two = f"{schema}.people"
    if way == "two_spellings":
        one = "people"
    if name == "postgres":
        postgres.ask(f"alter role {schema} set search_path = {schema}")
        postgres.ask(f"alter role {schema} set default_transaction_isolation = 'repeatable read'")
    settings = {"url": place.url, "lock_seconds": 5}
    database: Database = registry.find("databases", name).load().build(settings)
    results = raced(monkeypatch, database, one, two)
    assert sorted(type(result).__name__ for result in results) == ["LoadLost", "Receipt"]
    assert len(place.look() or ()) == 6


WAITING = {
    "postgres": "select 1 from pg_stat_activity where wait_event_type = 'Lock' and usename = '{}'",
    "mysql": "select 1 from information_schema.processlist where db = '{}' and state like "
    "'Waiting for table metadata lock%'",
    "mssql": "select 1 from sys.dm_os_waiting_tasks where wait_type like 'LCK%'",
}


def connected(name: str, database: str) -> Any:
    if name == "mssql":
        return mssql.connected(database)
    if name == "mysql":
        return mysql.connected()
    return psycopg.connect(postgres_server.url(), autocommit=True)


@pytest.mark.parametrize("name", DATABASES)
def test_a_zombie_adds_no_row_to_a_table_that_was_staging(tmp_path: Path, name: str) -> None:
    """It is still writing when the load is published: its rows are seen, and left out."""
    place = place_of(name, tmp_path)
    assert place is not None
    place.make()
    where = urlsplit(place.url).path.strip("/")
    schema = "dbo" if name == "mssql" else place.prefix.strip(".") or where
    database: Database = registry.find("databases", name).load().build({"url": place.url})
    load, parts = staged(database, f"{schema}.people", Mode.REPLACE, None)
    done = list[Receipt]()

    def commit() -> None:
        with suppress(ConnectionFailed):  # a victim, where others have written meanwhile
            done.append(load.commit(parts))
            return
        done.append(load.commit(parts))

    committing = threading.Thread(target=commit)
    with (
        connected(name, where) as zombie,
        connected(name, where) as watching,
        zombie.cursor() as cursor,
    ):
        cursor.execute("begin transaction" if name == "mssql" else "begin")
        table = f"{schema}._hygge_{load.request.load_id}"
        cursor.execute(f"insert into {table} (_hygge_part, _hygge_row, id) values (7, 0, 99)")
        committing.start()
        looking = watching.cursor()
        while not looking.execute(WAITING[name].format(schema)) or not looking.fetchall():
            assert committing.is_alive()
        cursor.execute("commit")
    committing.join()
    load.close()
    assert [receipt.rows for receipt in done] == [3]
    assert sorted(place.look() or ()) == sorted(people(0, 3).rows())


def test_done_is_seen_by_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of other columns takes the place of the old one: until then it is not done."""
    with scene(tmp_path, "mysql", "full_drop") as stage:
        changed(stage)
        failures = [ConnectionFailed("broken on purpose")]
        replaced = SqlTable.replaced_by

        def broken(self: SqlTable, *args: Any, **more: Any) -> None:
            if failures:
                raise failures.pop()
            replaced(self, *args, **more)

        monkeypatch.setattr(SqlTable, "replaced_by", broken)
        report = stage.run()
        assert not failures
        assert report.error is None
        assert not stage.wrong_rows()


def changed(stage: Scene) -> None:
    stage.frames = [frame.drop("seen") for frame in stage.frames]
    stage.source.give(*stage.frames)
