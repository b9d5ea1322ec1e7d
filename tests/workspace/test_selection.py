"""Which flows a command line means, and which settings it changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.workspace.project import ENDS, plan, refused

from hygge.core.errors import ConfigError
from hygge.flow.settings import RunType
from hygge.workspace.selection import select

TABLES = [("a", None), ("b", "x"), ("b", "y"), ("c", "x")]
TWO = {
    "flows/a/flow.yml": ENDS.replace("lake", "lake/a"),
    "flows/b/flow.yml": ENDS.replace("lake", "lake/b") + "entities: [x, y]\n",
}


@pytest.mark.parametrize(
    ("flows", "entities", "chosen"),
    [
        ((), (), {"a", "b.x", "b.y", "c.x"}),
        (("b",), (), {"b.x", "b.y"}),
        (("a", "c"), (), {"a", "c.x"}),
        (("a, c",), (), {"a", "c.x"}),
        ((), ("b.y",), {"b.y"}),
        ((), ("b.y,c.x",), {"b.y", "c.x"}),
        (("b",), ("b.y",), {"b.y"}),
        (("a",), ("b.y",), {"a", "b.y"}),
        ((" ", ""), (), {"a", "b.x", "b.y", "c.x"}),
    ],
)
def test_options_repeat_and_hold_lists(
    flows: tuple[str, ...], entities: tuple[str, ...], chosen: set[str]
) -> None:
    assert select(TABLES, flows, entities) == chosen


@pytest.mark.parametrize(
    ("flows", "entities", "told", "hint"),
    [
        (("d",), (), "no flow 'd'; there are a, b, c", "one of those"),
        (("b.x",), (), "no flow 'b.x'", "--entity b.x"),
        ((), ("b.z",), "no entity 'b.z'; there are a, b.x, b.y, c.x", "did you mean 'b.y'?"),
        ((), ("x",), "no entity 'x'", "an entity is named flow.entity"),
        ((), ("b",), "no entity 'b'", "an entity is named flow.entity"),
    ],
)
def test_a_name_that_nothing_has_lists_what_exists(
    flows: tuple[str, ...], entities: tuple[str, ...], told: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        select(TABLES, flows, entities)
    assert told in caught.value.what
    assert caught.value.hint == hint


def test_the_nearest_flow_is_proposed() -> None:
    with pytest.raises(ConfigError, match="no flow 'flihgts'") as caught:
        select([("flights", None), ("weather", None)], ("flihgts",), ())
    assert caught.value.hint == "did you mean 'flights'?"


def test_a_long_list_is_cut() -> None:
    with pytest.raises(ConfigError, match=r"f19 … \(30 in all\)"):
        select([(f"f{n}", None) for n in range(30)], ("x",), ())


def test_only_the_chosen_are_planned_in_the_order_written(tmp_path: Path) -> None:
    made = plan(tmp_path, TWO, flows=("b",), entities=("b.y", "b.x"))
    assert [flow.name for flow in made.flows] == ["b.x", "b.y"]


def test_the_command_line_beats_every_run_type_of_what_is_chosen(tmp_path: Path) -> None:
    files = {**TWO, "hygge.yml": "defaults: {watermark: at}\n"}
    files["flows/b/entities/z.yml"] = "run_type: full_drop\n"
    made = plan(tmp_path, files, run_type=RunType.INCREMENTAL)
    assert {flow.settings.run_type for flow in made.flows} == {RunType.INCREMENTAL}
    files["hygge.yml"] = "defaults: {watermark: at, run_type: incremental}\n"
    made = plan(tmp_path, files, run_type=RunType.FULL_DROP)
    assert {flow.settings.run_type for flow in made.flows} == {RunType.FULL_DROP}


def test_what_is_not_chosen_keeps_its_run_type(tmp_path: Path) -> None:
    files = {**TWO, "flows/b/flow.yml": TWO["flows/b/flow.yml"] + "watermark: at\n"}
    made = plan(tmp_path, files, flows=("b",), run_type=RunType.INCREMENTAL)
    assert len(made.flows) == 2  # and `a`, which has no watermark, is not complained of
    failed = refused(tmp_path, files, run_type=RunType.INCREMENTAL)
    assert failed.place == "--incremental, flow a"


def test_one_field_is_changed_and_its_neighbours_are_kept(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        TWO,
        overrides={
            "flow.a.home.path": "other",
            "flow.a.store.options.compression": "snappy",
            "flow.a.keys": "[x, y]",
            "flow.a.columns": "x, y",
            "flow.a.parallel": "3",
            "flow.a.where": "a: b",
        },
    )
    flow = made.flows[0]
    assert flow.home.places() == (str(tmp_path / "other"),)
    assert flow.store_shown == {
        "type": "parquet",
        "path": "lake/a",
        "options": {"compression": "snappy"},
    }
    assert (flow.settings.keys, flow.settings.parallel) == (("x", "y"), 3)
    assert flow.settings.columns == ("x", "y")
    assert flow.settings.where == "a: b"
    assert made.flows[1].settings.parallel == 1


def test_entities_join_the_new_path_and_obey_the_rest(tmp_path: Path) -> None:
    files = {**TWO, "flows/b/entities/z.yml": "home: old\nparallel: 9\n"}
    given = {"flow.b.home.path": "/new", "flow.b.parallel": "2"}
    made = plan(tmp_path, files, flows=("b",), overrides=given)
    assert [flow.home.places() for flow in made.flows] == [("/new/x",), ("/new/y",), ("/new/old",)]
    assert {flow.settings.parallel for flow in made.flows} == {2}


@pytest.mark.parametrize(
    ("name", "told", "hint"),
    [
        ("flow.aa.where", "no flow 'aa'", "did you mean"),
        ("flow.a.hme.path", "no setting 'hme'", "did you mean 'home'?"),
        ("flow.a.entities", "no setting 'entities'", "did you mean"),
        ("flow.a.x", "no setting 'x'", "there are columns"),
        ("flow.a", "names no setting", "--var flow.NAME"),
        ("a.where", "names no setting", "--var flow.NAME"),
        ("flow.a..x", "names no setting", "--var flow.NAME"),
    ],
)
def test_a_variable_that_names_nothing(tmp_path: Path, name: str, told: str, hint: str) -> None:
    failed = refused(tmp_path, TWO, overrides={name: "x"})
    assert told in failed.what
    assert hint in str(failed.hint)


def test_a_wrong_value_names_the_option(tmp_path: Path) -> None:
    failed = refused(tmp_path, TWO, overrides={"flow.a.parallel": "many"})
    assert failed.place == "--var flow.a.parallel, flow a"


def test_a_broken_workspace_is_told_before_a_name_that_is_missing_for_it(tmp_path: Path) -> None:
    failed = refused(tmp_path, {**TWO, "flows/c/flow.yml": "\tx"}, flows=("c",))
    assert failed.place == "flows/c/flow.yml:1"
