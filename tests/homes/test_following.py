"""A table that others write to as they like, followed by runs that fail, are stopped, or meet.

Whatever happens, once everybody has committed and two more runs are through, the destination has
the rows of the source: none is missing, none is old, none is there twice. Deletes are not noticed,
unless keys are compared: then what is gone is gone, too.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.flow.stage import Stage
from tests.rigs import mysql
from tests.servers import postgres

from hygge.core.errors import ConnectionFailed, FlowBusy
from hygge.core.home import HomeConfig
from hygge.core.store import Store
from hygge.flow.factory import NoConnections, home_of
from hygge.flow.report import FlowReport
from hygge.homes import sql_bound
from hygge.testing.faulty_store import FaultyStore
from hygge.testing.harness import unordered

OTHERS = st.sampled_from(["first", "second"])
ANYBODY = st.sampled_from(["first", "second", "at once"])
CALLS = st.integers(1, 12)
COLUMNS = "(id, number, at, word)"


class Following(RuleBasedStateMachine):
    """The source on a real server; `kind`, `column` and `write` are those of the case."""

    kind: ClassVar[str]
    column: ClassVar[str]
    write: ClassVar[str]
    finds: ClassVar[bool]
    """Whether rows that are gone are to be found."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.stage = Stage(Path(self.folder.name))
        self.table = f"orders_{secrets.token_hex(6)}"
        self.open: dict[str, Any] = {}
        self.touched: dict[str, set[int]] = {}
        self.known, self.deleted = set[int](), set[int]()
        self._make()

    def _make(self) -> None:
        if self.kind == "mysql":
            mysql.ask(None, f"create database {self.table}")
        self.plain = self._connected(autocommit=True)
        stamp = "timestamptz" if self.kind == "postgres" else "timestamp(6)"
        columns = f"id bigint primary key, number bigint, at {stamp} null, word varchar(20)"
        self._ask(f"create table {self.table} ({columns})")
        self._ask(f"create sequence {self.table}_numbers")

    def _connected(self, *, autocommit: bool) -> Any:
        if self.kind == "postgres":
            return psycopg.connect(postgres.url(), autocommit=autocommit)
        db = mysql.connected(self.table)
        with db.cursor() as cursor:
            cursor.execute("set session transaction isolation level read committed")
        db.autocommit(autocommit)
        return db

    @property
    def _number(self) -> str:
        """The next one, as SQL."""
        return (
            f"nextval({self.table}_numbers)"
            if self.kind == "mysql"
            else (f"nextval('{self.table}_numbers')")
        )

    @property
    def _now(self) -> str:
        return "now()" if self.kind == "postgres" else "now(6)"

    @property
    def _url(self) -> str:
        return postgres.url() if self.kind == "postgres" else mysql.url(self.table)

    def _may(self, who: str, *, adding: bool) -> bool:
        """Whether the server lets it without waiting for others."""
        return True

    def _ask(self, sql: str, who: str = "at once") -> list[tuple[Any, ...]]:
        if who != "at once" and who not in self.open:
            self.open[who], self.touched[who] = self._connected(autocommit=False), set()
        with self.open.get(who, self.plain).cursor() as cursor:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    # what others do

    def _insert(self, who: str, *, place: bool = True, rows: int = 1) -> None:
        if not self._may(who, adding=True):
            return
        new = range(len(self.known), len(self.known) + rows)
        ((value,),) = self._ask(f"select {self._number}", who)
        told = f"{value}, {self._now}" if place else "null, null"
        values = ", ".join(f"({n}, {told}, 'new')" for n in new)
        self._ask(f"insert into {self.table} {COLUMNS} values {values}", who)
        self.known |= set(new)
        self.touched.get(who, set()).update(new)

    @initialize()
    def begin(self) -> None:
        self._insert("at once")
        self.run()

    @rule(who=ANYBODY, rows=st.integers(1, 3))
    def insert(self, who: str, rows: int) -> None:
        self._insert(who, rows=rows)

    @precondition(lambda self: self.write == "merge")
    @rule(who=ANYBODY)
    def insert_without_a_place(self, who: str) -> None:
        self._insert(who, place=False)

    @precondition(lambda self: self.write == "merge")
    @rule(who=ANYBODY, pick=st.integers(0, 99))
    def update(self, who: str, pick: int) -> None:
        free = sorted(self.known - self.deleted - set().union(*self.touched.values()))
        if not free or not self._may(who, adding=False):
            return
        chosen = free[pick % len(free)]
        sets = f"number = {self._number}, at = {self._now}, word = 'changed {pick}'"
        self._ask(f"update {self.table} set {sets} where id = {chosen}", who)
        self.touched.get(who, set()).add(chosen)

    @rule(pick=st.integers(0, 99))
    def delete(self, pick: int) -> None:
        """Not the newest, if they are not found: a source that goes back is refused."""
        sql = f"select id from {self.table}"
        if not self.finds:
            sql += f" where {self.column} < (select max({self.column}) from {self.table})"
        sql += " order by id"
        busy = set().union(*self.touched.values())
        old = [n for (n,) in self._ask(sql) if n not in busy]
        if old and self._may("at once", adding=False):
            self.deleted.add(chosen := old[pick % len(old)])
            self._ask(f"delete from {self.table} where id = {chosen}")

    @precondition(lambda self: self.finds and self.deleted)
    @rule(pick=st.integers(0, 99))
    def insert_again(self, pick: int) -> None:
        if not self._may("at once", adding=True):
            return
        chosen = sorted(self.deleted)[pick % len(self.deleted)]
        values = f"({chosen}, {self._number}, {self._now}, 'again')"
        self._ask(f"insert into {self.table} {COLUMNS} values {values}")
        self.deleted.discard(chosen)

    @rule(who=OTHERS, commits=st.booleans())
    def end(self, who: str, commits: bool) -> None:
        if (db := self.open.pop(who, None)) is not None:
            db.commit() if commits else db.rollback()
            db.close()
            del self.touched[who]

    # runs

    def _how(self) -> dict[str, Any]:
        """The settings of a run."""
        merges: dict[str, Any] = {"keys": "id"} if self.write == "merge" else {}
        if self.finds:
            merges |= {"detect_deletes": "by_key_compare", "max_delete_fraction": 1}
        nulls = "include" if self.write == "merge" else "fail"
        return {"watermark": {"column": self.column, "nulls": nulls}, **merges}

    def _run(self, store: Store[Any] | None = None) -> Any:
        place = {"connection": self._url, "table": self.table}
        config = HomeConfig.create({"type": self.kind, **place})
        how = {"run_type": "incremental", "write": self.write, "retries": 0, **self._how()}
        home = home_of(config, NoConnections()).following(how.get("incremental"))
        return self.stage.flow(home, store, **how).run(self.stage.terms())

    @rule()
    def run(self) -> None:
        report: FlowReport = asyncio.run(self._run())
        assert report.error is None, report.error

    @rule(calls=CALLS)
    def run_that_fails(self, calls: int) -> None:
        def fail() -> None:
            raise ConnectionFailed("gone")

        asyncio.run(self._run(self._harmed(calls, fail)))

    @rule(calls=CALLS)
    def run_that_is_stopped(self, calls: int) -> None:
        async def story() -> None:
            running = asyncio.ensure_future(
                self._run(self._harmed(calls, lambda: running.cancel()))
            )
            await asyncio.wait([running])

        asyncio.run(story())

    @rule()
    def two_runs_at_once(self) -> None:
        async def story() -> list[FlowReport]:
            return list(await asyncio.gather(self._run(), self._run()))

        errors = [report.error for report in asyncio.run(story()) if report.error is not None]
        assert all(isinstance(error, FlowBusy) for error in errors), errors

    def _harmed(self, calls: int, harm: Callable[[], object]) -> Store[Any]:
        left = calls

        def trigger(_: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                harm()

        return FaultyStore(self.stage.target.store(), trigger)

    def teardown(self) -> None:
        try:
            for who in list(self.open):
                self.end(who, commits=True)
            self.run()
            self.run()
            there = self._ask(f"select id, number, word from {self.table}")
            rows = [(row[0], row[1], row[3]) for row in self.stage.rows]
            if not self.finds:
                rows = [row for row in rows if row[0] not in self.deleted]
            assert unordered(rows) == unordered(there)
        finally:
            for db in (*self.open.values(), self.plain):
                db.close()
            self.folder.cleanup()


SHORT = [
    ("postgres", "number", "merge", True),
    ("postgres", "at", "append", False),
    ("mysql", "number", "merge", True),
    ("mysql", "at", "merge", False),
]
LONG = [
    (kind, column, write, finds)
    for kind in ("postgres", "mysql")
    for column in ("number", "at")
    for write, finds in (("merge", False), ("merge", True), ("append", False))
    if (kind, column, write, finds) not in SHORT
]
CASES = [*SHORT, *(pytest.param(*case, marks=pytest.mark.long) for case in LONG)]


@pytest.mark.parametrize(("kind", "column", "write", "finds"), CASES)
def test_the_destination_follows_the_source(
    monkeypatch: pytest.MonkeyPatch, kind: str, column: str, write: str, finds: bool
) -> None:
    monkeypatch.setattr(sql_bound, "PATIENCE", 0.0)
    case = {"kind": kind, "column": column, "write": write, "finds": finds}
    run_as_test(type("Case", (Following,), case))


def run_as_test(machine: type[Following]) -> None:
    few = settings(
        max_examples=4,
        stateful_step_count=20,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # to find a shorter story would take minutes
    )
    run_state_machine_as_test(machine, settings=few)
