"""Entities that are not listed, but found."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import polars as pl
import pytest
from blockbuster import BlockBuster
from click.testing import CliRunner
from tests.workspace.project import plan, refused, written

import hygge
from hygge.cli.main import cli
from hygge.core.config import Connections
from hygge.core.errors import (
    ConfigError,
    ConnectionFailed,
    HyggeError,
    SourceMissing,
    Unsupported,
)
from hygge.core.events import Event, FlowFinished, RunStarted
from hygge.core.home import Home, HomeConfig, ReadRequest
from hygge.core.journal import EntityRun, Status
from hygge.core.partition import WHOLE, Partition
from hygge.core.schema import TableSchema
from hygge.journal.sqlite import SqliteJournal
from hygge.workspace.workspace import Workspace

FLOW = "home: {type: sqlite, path: shop.db}\nstore: lake\n"


@pytest.fixture(autouse=True)
def shop(tmp_path: Path) -> Path:
    with sqlite3.connect(tmp_path / "shop.db") as db:
        for name in ("users", "orders", "orders_tmp", "old_tmp"):
            db.execute(f"create table {name} (id integer, name text)")
            db.execute(f"insert into {name} values (1, '{name}')")
    return tmp_path


def names(tmp: Path, written: str, **asked: object) -> list[str]:
    made = plan(tmp, {"flows/shop/flow.yml": f"{FLOW}{written}\n"}, **asked)  # type: ignore[arg-type]
    return [flow.name.removeprefix("shop.") for flow in made.flows]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("entities: all", ["old_tmp", "orders", "orders_tmp", "users"]),
        ("entities: 'main.o*'", ["old_tmp", "orders", "orders_tmp"]),
        ("entities: all\nexclude: ['*_tmp']", ["orders", "users"]),
        ("entities: all\nexclude: main.users", ["old_tmp", "orders", "orders_tmp"]),
        ("entities: ['us*', 'or*s']", ["users", "orders"]),
        ("entities: [users, '*_tmp']\nexclude: old_tmp", ["users", "orders_tmp"]),
    ],
)
def test_patterns_stand_for_tables(tmp_path: Path, written: str, found: list[str]) -> None:
    assert names(tmp_path, written) == found


def test_what_is_listed_keeps_its_own_settings(tmp_path: Path) -> None:
    flow = f"{FLOW}entities: [all, {{name: users, columns: [id]}}]\n"
    files = {"flows/shop/flow.yml": flow, "flows/shop/entities/orders.yml": "where: id > 1\n"}
    made = {flow.name: flow.settings for flow in plan(tmp_path, files).flows}
    assert len(made) == 4
    assert made["shop.users"].columns == ("id",)
    assert made["shop.orders"].where == "id > 1"
    assert made["shop.old_tmp"].columns is None


def test_new_tables_are_moved_by_the_next_run(tmp_path: Path) -> None:
    names(tmp_path, "entities: 'us*'")
    assert [flow.name for flow in hygge.run(tmp_path).flows] == ["shop.users"]
    with sqlite3.connect(tmp_path / "shop.db") as db:
        db.execute("create table usage (id integer)")
    assert [flow.name for flow in hygge.run(tmp_path).flows] == ["shop.usage", "shop.users"]
    assert (tmp_path / "lake" / "usage").is_dir()


def test_one_that_was_found_can_be_chosen(tmp_path: Path) -> None:
    assert names(tmp_path, "entities: all", entities=("shop.users",)) == ["users"]


def test_only_flows_that_are_meant_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "shop.db").unlink()
    files = {
        "flows/shop/flow.yml": f"{FLOW}entities: all\n",
        "flows/other/flow.yml": "home: source\nstore: other\n",
    }
    assert [flow.name for flow in plan(tmp_path, files, flows=("other",)).flows] == ["other"]
    made = Workspace.find(tmp_path).plan()
    assert [flow.name for flow in made.flows] == ["other"]
    assert [lost.name for lost in made.unready] == ["shop"]


def test_planning_works_where_a_loop_runs(
    tmp_path: Path, never_block_the_loop: BlockBuster
) -> None:
    never_block_the_loop.deactivate()
    names(tmp_path, "entities: all")

    async def story() -> int:
        return len(Workspace.find(tmp_path).plan().flows)

    assert asyncio.run(story()) == 4


def test_a_pattern_that_fits_nothing_is_refused(tmp_path: Path) -> None:
    failed = refused(tmp_path, {"flows/shop/flow.yml": f"{FLOW}entities: ['user?s']\n"})
    assert failed.what == "no table fits 'user?s'"
    assert failed.hint == "there are old_tmp, orders, orders_tmp, users"
    assert failed.place == "flows/shop/flow.yml:3, flow shop"


def odd(tmp_path: Path, files: dict[str, str]) -> list[str]:
    """What fails of a run whose other tables go their way."""
    found = plan(tmp_path, files)
    assert len(found.flows) == 4
    return [lost.error.what for lost in found.unready]


def test_a_table_that_can_be_no_entity_is_not_left_out_in_silence(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as db:
        db.execute('create table "a/b" (id integer)')
    files = {"flows/shop/flow.yml": f"{FLOW}entities: all\n"}
    assert odd(tmp_path, files) == ["tables have names that no entity can have: a/b"]
    files = {"flows/shop/flow.yml": f"{FLOW}entities: all\nexclude: a/b\n"}
    assert len(plan(tmp_path, files).flows) == 4


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("entities: [users]\nexclude: orders", "`exclude` needs a pattern"),
        ("entities: all\nexclude: {a: b}", "`exclude` takes names"),
        ("entities: all\nexclude: [1]", "`exclude` takes names"),
    ],
)
def test_an_exclude_that_cannot_be_is_refused(tmp_path: Path, written: str, told: str) -> None:
    assert refused(tmp_path, {"flows/shop/flow.yml": f"{FLOW}{written}\n"}).what.startswith(told)


def test_files_have_no_catalog(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="cannot say what tables there are"):
        plan(tmp_path, {"flows/f/flow.yml": "home: source\nstore: lake\nentities: all\n"})


def test_where_no_table_can_be_an_entity_nothing_is_moved(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as db:
        db.execute('create table "a/b" (id integer)')
    found = plan(tmp_path, {"flows/shop/flow.yml": f"{FLOW}entities: ['a/*']\n"})
    assert not found.flows
    assert len(found.unready) == 1


def test_a_dot_in_a_name_is_none_between_names(tmp_path: Path) -> None:
    """It would name another table's rows."""
    with sqlite3.connect(tmp_path / "shop.db") as db:
        db.execute('create table "main.users" (id integer)')
    files = {"flows/shop/flow.yml": f"{FLOW}entities: all\n"}
    assert odd(tmp_path, files) == ['tables have names that no entity can have: "main.users"']


BOTH = {
    "flows/shop/flow.yml": f"{FLOW}run_type: incremental\nwatermark: id\nentities: [all, users]\n",
    "flows/other/flow.yml": "home: {type: sqlite, path: there.db, table: t}\nstore: other\n",
}
GONE = [
    ("home: {type: sqlite, path: shop.db}", SourceMissing),
    ("home: {type: 'tests.workspace.test_catalog:Locked'}", ConfigError),
    ("home: {type: 'tests.workspace.test_catalog:Down'}", ConnectionFailed),
]


class LockedConfig(HomeConfig):
    """Nothing to be set."""


class Locked(Home[LockedConfig]):
    """A database that lets nobody in."""

    Config = LockedConfig
    error: ClassVar[HyggeError] = ConfigError("no such user")
    identity = "nowhere"

    @classmethod
    def build(cls, config: LockedConfig, connections: Connections) -> Self:
        return cls()

    async def entities(self) -> Mapping[str, str]:
        raise self.error

    async def schema(self) -> TableSchema:
        raise self.error

    async def check(self) -> None:
        raise self.error

    async def read(
        self, request: ReadRequest, partition: Partition = WHOLE
    ) -> AsyncGenerator[pl.DataFrame, None]:
        raise self.error
        yield  # a generator all the same


class Down(Locked):
    """One that does not answer."""

    error: ClassVar[HyggeError] = ConnectionFailed("no answer")


@pytest.fixture
def half(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A workspace of two flows, one of which has nobody to ask for its tables."""
    (tmp_path / "shop.db").unlink()
    with sqlite3.connect(tmp_path / "there.db") as db:
        db.execute("create table t (id integer)")
    home = getattr(request, "param", GONE[0][0])
    shop = BOTH["flows/shop/flow.yml"].replace("home: {type: sqlite, path: shop.db}", home)
    files = {**BOTH, "flows/shop/flow.yml": shop.replace("store: lake", "store: lake\nretries: 0")}
    written(tmp_path, files)
    return tmp_path


@pytest.mark.parametrize(("half", "kind"), GONE, indirect=["half"])
def test_a_catalog_that_does_not_answer_fails_its_own_flow(
    half: Path, kind: type[HyggeError]
) -> None:
    heard = list[Event]()
    report = hygge.run(half, listen=heard.append)
    assert {flow.name: flow.status for flow in report.flows} == {
        "shop": Status.FAIL,
        "other": Status.SUCCESS,
    }
    assert not report.ok
    (failed,) = report.of(Status.FAIL)
    assert isinstance(failed.error, kind)
    assert failed.error.where["flow"] == "shop"
    finished = {e.flow: e.status for e in heard if isinstance(e, FlowFinished)}
    assert finished == {"shop": "fail", "other": "success"}
    assert [e.flows for e in heard if isinstance(e, RunStarted)] == [("shop", "other")]
    rows = asyncio.run(history(Workspace.find(half).journal_path))
    assert {row.flow: row.message for row in rows} == {"shop": str(failed.error), "other": None}


async def history(path: Path) -> Sequence[EntityRun]:
    journal = SqliteJournal(path)
    try:
        return await journal.history()
    finally:
        await journal.close()


def test_one_of_its_tables_that_is_chosen_is_its_failure(half: Path) -> None:
    report = hygge.run(half, entities="shop.users")
    assert [(flow.name, flow.status) for flow in report.flows] == [("shop", Status.FAIL)]
    assert [flow.name for flow in hygge.run(half, flows="other").flows] == ["other"]
    report = hygge.run(half, flows="other", entities="shop.users")
    assert {flow.name for flow in report.flows} == {"shop", "other"}
    with pytest.raises(ConfigError, match="there is no flow 'shpo'"):
        hygge.run(half, flows="shpo")


def test_what_else_is_wrong_is_told_first(half: Path) -> None:
    (half / "flows/third").mkdir()
    (half / "flows/third/flow.yml").write_text("home: source\n")
    with pytest.raises(ConfigError, match="the flow has no store"):
        hygge.run(half)
    assert not (half / "other").exists()


def test_a_setting_of_its_can_be_overridden(half: Path) -> None:
    report = hygge.run(half, overrides={"flow.shop.retries": "1"})
    assert {flow.name for flow in report.flows} == {"shop", "other"}


def test_a_server_that_is_away_for_a_moment_is_asked_again(
    half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = half / "flows/shop/flow.yml"
    told = f"{GONE[2][0]}\nstore: lake\nretries: 1\nentities: all\n"
    flow.write_text(told)
    asked = list[int]()

    async def there_soon(self: Down) -> Mapping[str, str]:
        asked.append(1)
        if len(asked) == 1:
            raise self.error
        return {"users": "users"}

    monkeypatch.setattr(Down, "entities", there_soon)
    plan = Workspace.find(half).plan()
    assert len(asked) == 2
    assert [lost.name for lost in plan.unready] == []


def test_one_wrong_key_is_the_only_complaint(tmp_path: Path) -> None:
    """Nobody asks for tables then: the flow is not one of a single table for that."""
    files = {**BOTH, "flows/shop/flow.yml": f"{FLOW}entities: all\nwatermerk: id\n"}
    assert refused(tmp_path, files).what == "unknown key 'watermerk'"


def test_fail_fast_counts_it(half: Path) -> None:
    (half / "hygge.yml").write_text("fail_fast: true")
    report = hygge.run(half)
    assert [flow.name for flow in report.flows] == ["shop"]
    assert report.not_started == ("other",)
    assert not (half / "other").exists()


@pytest.mark.parametrize(
    ("half", "code"),
    [(home, code) for (home, _), code in zip(GONE, (1, 2, 3), strict=True)],
    indirect=["half"],
)
def test_the_commands_name_it(half: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(half)
    for words in (["go", "--dry-run"], ["debug"], ["go"]):
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == code, words
        assert "shop" in done.stdout
        assert "other" in done.stdout


def test_what_it_loaded_before_is_not_called_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, {"flows/shop/flow.yml": BOTH["flows/shop/flow.yml"]})
    assert hygge.run(tmp_path, entities="shop.users").ok
    (tmp_path / "shop.db").unlink()
    monkeypatch.chdir(tmp_path)
    for words in (["undo", "last"], ["go", "--abandon", "0" * 24]):
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 1
        assert "there is no such database file" in done.output


def test_a_table_that_is_misspelt_is_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = "home: {type: sqlite, path: shop.db, table: usres}\nstore: lake\n"
    written(tmp_path, {"flows/shop/flow.yml": home})
    monkeypatch.chdir(tmp_path)
    assert "did you mean users?" in CliRunner().invoke(cli, ["debug"]).stdout


def test_keys_that_are_not_the_primary_key_are_doubted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that share such a key become one in the table, as keys mean it."""
    with sqlite3.connect(tmp_path / "shop.db") as db:
        db.execute("create table lines (id integer primary key, word text)")
    home = "home: {type: sqlite, path: shop.db, table: lines}\n"
    store = (
        "store: {type: sqlite, path: lake.db, table: lines}\nrun_type: incremental\nwatermark: id\n"
    )
    for keys, doubted in (("[word]", True), ("[word, id]", False), ("id", False)):
        written(tmp_path, {"flows/shop/flow.yml": f"{home}{store}keys: {keys}\n"})
        monkeypatch.chdir(tmp_path)
        said = CliRunner().invoke(cli, ["debug"])
        assert said.exit_code == 0, said.output
        assert ("rows that share their word become one" in said.stdout) is doubted
