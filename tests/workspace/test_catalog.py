"""Entities that are not listed, but found."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from blockbuster import BlockBuster
from tests.workspace.project import plan, refused

import hygge
from hygge.core.errors import HyggeError, Unsupported
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
    with pytest.raises(HyggeError) as failed:
        Workspace.find(tmp_path).plan()
    assert failed.value.where["flow"] == "shop"


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


def test_a_table_that_can_be_no_entity_is_not_left_out_in_silence(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as db:
        db.execute('create table "a/b" (id integer)')
    files = {"flows/shop/flow.yml": f"{FLOW}entities: all\n"}
    assert "'a/b' has a name that no entity can have" in refused(tmp_path, files).what
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


def test_a_dot_in_a_name_is_none_between_names(tmp_path: Path) -> None:
    """It would name another table's rows."""
    with sqlite3.connect(tmp_path / "shop.db") as db:
        db.execute('create table "main.users" (id integer)')
    files = {"flows/shop/flow.yml": f"{FLOW}entities: all\n"}
    assert "has a name that no entity can have" in refused(tmp_path, files).what
