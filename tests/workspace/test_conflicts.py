"""Flows that would overwrite or read what they must not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.workspace.project import plan, refused


def flow(home: str, store: str, more: str = "") -> str:
    return f"home: '{home}'\nstore: '{store}'\n{more}"


@pytest.mark.parametrize(
    ("home", "store", "told"),
    [
        ("data", "data", "the store is the home itself"),
        ("data", "data/", "the store is the home itself"),
        ("data", "./x/../data", "the store is the home itself"),
        ("data", "Data", "the store is the home itself"),
        ("data", "data/lake", "the store lies inside the home"),
        ("data/**/*.csv", "data/lake", "the store lies inside the home"),
        ("lake/a/in.csv", "lake/a", "the home lies inside the store"),
        ("lake/a/*.csv", "lake/a", "the home lies inside the store"),
        ("memory://b/data", "memory://b/data/lake", "the store lies inside the home"),
    ],
)
def test_a_flow_that_would_read_its_own_output(
    tmp_path: Path, home: str, store: str, told: str
) -> None:
    failed = refused(tmp_path, {"flows/a/flow.yml": flow(home, store)})
    assert told in failed.what
    assert failed.place == "flows/a/flow.yml:2, flow a"
    assert failed.hint


@pytest.mark.parametrize(
    ("home", "store"),
    [
        ("data/users.parquet", "data/lake/users"),
        ("data", "data2"),
        ("data/*.csv", "data/lake"),
        ("data/a", "data/b"),
    ],
)
def test_neighbours_are_fine(tmp_path: Path, home: str, store: str) -> None:
    assert plan(tmp_path, {"flows/a/flow.yml": flow(home, store)}).flows


def test_a_flow_may_read_what_another_wrote(tmp_path: Path) -> None:
    files = {"flows/a/flow.yml": flow("in", "lake/a"), "flows/b/flow.yml": flow("lake/a", "out")}
    assert len(plan(tmp_path, files).flows) == 2


@pytest.mark.parametrize("other", ["lake/a", "./lake//a/", "Lake/A"])
def test_two_flows_with_one_destination(tmp_path: Path, other: str) -> None:
    files = {"flows/a/flow.yml": flow("in", "lake/a"), "flows/b/flow.yml": flow("in2", other)}
    failed = refused(tmp_path, files)
    assert "b and a settle in the same place" in failed.what
    assert ("upper and lower case" in failed.what) is (other == "Lake/A")
    assert "flows/a/flow.yml:2" in failed.what
    assert failed.place == "flows/b/flow.yml:2"


def test_entities_whose_names_differ_only_by_case(tmp_path: Path) -> None:
    files = {"flows/a/flow.yml": flow("in", "lake", "entities: [Users, users]\n")}
    assert "a.users and a.Users settle in the same place" in refused(tmp_path, files).what


def test_entities_that_share_a_folder_of_their_own(tmp_path: Path) -> None:
    files = {
        "flows/a/flow.yml": flow("in", "lake"),
        "flows/a/entities/x.yml": "store: all\n",
        "flows/a/entities/y.yml": "\nstore: {path: all}\n",
    }
    failed = refused(tmp_path, files)
    assert failed.place == "flows/a/entities/y.yml:2"
    assert "flows/a/entities/x.yml:1" in failed.what


@pytest.mark.parametrize(("first", "second"), [("lake", "lake/a/b"), ("lake/a/b", "lake")])
def test_a_destination_inside_another(tmp_path: Path, first: str, second: str) -> None:
    files = {"flows/a/flow.yml": flow("in", first), "flows/b/flow.yml": flow("in2", second)}
    assert "settles inside the folder of" in refused(tmp_path, files).what


def test_two_flows_that_land_in_one_table_of_memory(tmp_path: Path) -> None:
    ends = "home: {type: memory, table: a}\nstore: {type: memory, table: b}\n"
    files = {"flows/a/flow.yml": ends, "flows/b/flow.yml": ends}
    assert "b and a settle in the same place" in refused(tmp_path, files).what


def test_what_is_not_chosen_is_seen_all_the_same(tmp_path: Path) -> None:
    files = {"flows/a/flow.yml": flow("in", "lake"), "flows/b/flow.yml": flow("in", "lake")}
    assert "settle in the same place" in refused(tmp_path, files, flows=("a",)).what
