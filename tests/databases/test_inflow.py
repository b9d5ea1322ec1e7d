"""Rows pushed into a call that pulls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import polars as pl
import pytest
from tests.servers import postgres

from hygge.core.errors import DatabaseError, HyggeError
from hygge.core.inflow import Inflow
from hygge.databases.database import Table
from hygge.databases.postgres import Postgres

ROWS = pl.DataFrame({"id": pl.Series([1, 2, 3], dtype=pl.Int64)})


def heights(rows: pl.DataFrame) -> int:
    return rows.height


def test_the_call_gets_all_in_order() -> None:
    got = list[int]()
    inflow = Inflow(heights, lambda batches: got.extend(batches))
    for n in range(50):
        inflow.put(ROWS.head(n % 4))
    inflow.end()
    assert got == [n % 4 for n in range(50)]


def test_what_the_call_raises_is_raised_where_rows_are_put() -> None:
    def fails(batches: Iterator[int]) -> None:
        next(batches)
        raise DatabaseError("the disk is full")

    inflow = Inflow(heights, fails)
    with pytest.raises(DatabaseError, match="the disk is full"):  # noqa: PT012 - whichever it is
        for _ in range(10):
            inflow.put(ROWS)
    with pytest.raises(DatabaseError, match="the disk is full"):
        inflow.end()
    inflow.abandon()


def test_what_is_abandoned_is_told_to_the_call_as_a_failure() -> None:
    ended = list[str]()

    def takes(batches: Iterator[int]) -> None:
        try:
            for _ in batches:
                ended.append("took")
        except BaseException:
            ended.append("failed")
            raise
        ended.append("whole")

    inflow = Inflow(heights, takes)
    inflow.put(ROWS)
    inflow.abandon()
    inflow.abandon()
    assert ended[-1] == "failed"
    assert "whole" not in ended


def test_abandoning_what_has_ended_changes_nothing() -> None:
    got = list[int]()
    inflow = Inflow(heights, lambda batches: got.extend(batches))
    inflow.put(ROWS)
    inflow.end()
    inflow.abandon()
    assert got == [3]


def made() -> tuple[Postgres, Table]:
    database = Postgres.build({"url": postgres.url()})
    with closing(database.connect(write=True)) as session:
        session.change("drop table if exists poured")
        session.change("create table poured (id bigint)")
    return database, Table("poured")


def count(database: Postgres) -> int:
    with closing(database.connect()) as session:
        return int(session.rows("select count(*) from poured")[0][0])


def test_nothing_of_an_abandoned_copy_stays() -> None:
    database, table = made()
    with closing(database.connect(write=True)) as session:
        inflow = session.inflow(table)
        assert inflow is not None
        for _ in range(20):
            inflow.put(ROWS)
        inflow.abandon()
    assert count(database) == 0


def test_all_of_one_that_ends_is_there() -> None:
    database, table = made()
    with closing(database.connect(write=True)) as session:
        inflow = session.inflow(table)
        assert inflow is not None
        for _ in range(20):
            inflow.put(ROWS)
        inflow.end()
        assert session.rows("select count(*) from poured") == [(60,)]


def test_one_without_rows_needs_no_server() -> None:
    database, table = made()
    with closing(database.connect(write=True)) as session:
        inflow = session.inflow(table)
        assert inflow is not None
        inflow.end()
    assert count(database) == 0


def test_a_stopped_session_fails_whoever_waits_for_room() -> None:
    """The server waits for a lock that we hold, so nothing is taken."""
    database, table = made()
    failed = list[HyggeError]()
    with (
        closing(database.connect()) as keeper,
        closing(database.connect(write=True)) as session,
        keeper.transaction(),
    ):
        keeper.change("lock table poured in access exclusive mode")
        inflow = session.inflow(table)
        assert inflow is not None

        def pushes() -> None:
            try:
                for _ in range(1000):
                    inflow.put(ROWS)
            except HyggeError as raised:
                failed.append(raised)

        pushing = threading.Thread(target=pushes)
        pushing.start()
        pushing.join(0.2)  # it waits, sooner or later: either way it is to end
        session.interrupt()
        pushing.join(30)
        assert not pushing.is_alive()
        inflow.abandon()
    assert failed
    assert count(database) == 0
