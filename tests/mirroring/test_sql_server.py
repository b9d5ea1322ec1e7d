"""From SQL Server into a landing zone: Change Tracking's deletes, and a full_drop that waits."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Any

import pytest
from tests.rigs import mssql
from tests.rigs.open_mirroring import MirrorRig

from hygge.core import events
from hygge.core.home import HomeConfig
from hygge.flow.factory import FlowFactory, NoConnections
from hygge.flow.report import FlowReport
from hygge.flow.settings import FlowSettings
from hygge.flow.terms import Terms
from hygge.journal.memory import MemoryJournal
from hygge.testing.harness import unordered


class Shop:
    """A tracked table, and its mirror."""

    def __init__(self, tmp: Path) -> None:
        self.database, self.rig = f"shop_{secrets.token_hex(6)}", MirrorRig(tmp)
        self.journal, self.heard, self.waits = MemoryJournal(), list[events.Event](), list[float]()
        mssql.ask(f"create database {self.database}")
        self.ask(
            f"alter database {self.database} set allow_snapshot_isolation on",
            f"alter database {self.database} set change_tracking = on "
            "(change_retention = 2 days, auto_cleanup = on)",
            "create table people (id int not null primary key, name nvarchar(20) null)",
            "alter table people enable change_tracking",
        )

    def ask(self, *statements: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        for sql in statements:
            found = mssql.ask(sql, database=self.database)
        return found

    def run(self, **settings: Any) -> FlowReport:
        home = {"type": "mssql", "connection": mssql.url(self.database), "table": "people"}
        known = {"run_type": "incremental", "incremental": "change_tracking", "keys": ["id"]}
        flow = FlowFactory.build(
            "people",
            HomeConfig.create(home),
            self.rig.store().config,
            FlowSettings(**{**known, "retries": 0, **settings}),
            self.journal,
            connections=NoConnections(),
            listen=self.heard.append,
        )

        async def pause(seconds: float) -> None:
            self.waits.append(seconds)
            await asyncio.sleep(seconds)

        report = asyncio.run(flow.run(Terms(pause=pause)))
        if report.error is not None:
            raise report.error
        return report

    def agree(self) -> None:
        source = self.ask("select id, name from people")
        assert unordered(self.rig.look()) == unordered(source)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_changes_and_deletes_are_mirrored(shop: Shop) -> None:
    shop.ask("insert into people values (1, 'ann'), (2, 'bob'), (3, null)")
    shop.run()
    shop.agree()
    shop.ask(
        "delete from people where id = 1",
        "update people set name = 'bo' where id = 2",
        "insert into people values (4, 'dee')",
        "delete from people where id = 4",
        "update people set id = 5 where id = 3",
    )
    shop.run()
    shop.agree()
    shop.ask("insert into people values (1, 'ann again')")
    shop.run()
    shop.agree()


def test_a_full_drop_waits_without_a_place_and_is_finished(shop: Shop) -> None:
    shop.rig.settings = {"folder_deletion_wait_seconds": 1}
    shop.ask("insert into people values (1, 'ann'), (2, 'bob')")
    shop.run()
    shop.agree()
    shop.ask("delete from people where id = 2")
    report = shop.run(run_type="full_drop", incremental=None)
    assert report.rows == 1
    assert len(shop.waits) == 1
    assert 0 < shop.waits[0] <= 1
    told = [e.why for e in shop.heard if isinstance(e, events.LoadWaiting)]
    assert told == [
        "the table is gone until this is done: for up to 1 s Fabric is left to forget it"
    ]
    shop.agree()
    shop.ask("insert into people values (3, 'cid')")
    shop.run()
    shop.agree()
