"""Values with their places: merging keeps both."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hygge.workspace.marked import Marked, Spot, furthest, mentioned, nested, over

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4)
    ),
    max_leaves=12,
)
mappings = st.dictionaries(st.sampled_from("abcd"), values, max_size=4)


def marked(value: Any, file: str = "f") -> Marked:
    spot = Spot(file, 1)
    if isinstance(value, dict):
        return Marked({key: marked(item, file) for key, item in value.items()}, spot)
    if isinstance(value, list):
        return Marked([marked(item, file) for item in value], spot)
    return Marked(value, spot)


def expected(upper: Any, lower: Any) -> Any:
    """The rule, said another way."""
    if not isinstance(upper, dict) or not isinstance(lower, dict):
        return upper
    keys = {*upper, *lower}
    return {
        k: expected(upper.get(k, lower.get(k)), lower.get(k)) if k in upper else lower[k]
        for k in keys
    }


@given(values)
def test_marking_and_unmarking_gives_the_value(value: Any) -> None:
    assert marked(value).plain == marked(value).shown == value


@given(mappings, mappings)
def test_mappings_merge_and_all_else_replaces(upper: Any, lower: Any) -> None:
    assert over(marked(upper), marked(lower)).plain == expected(upper, lower)


@given(mappings, mappings, mappings)
def test_layers_may_be_merged_in_either_grouping(a: Any, b: Any, c: Any) -> None:
    first, second, third = (marked(tree) for tree in (a, b, c))
    one = over(over(first, second), third).plain
    other = over(first, over(second, third)).plain
    # a scalar between two mappings hides the lowest one only where it is met first
    assert one == other or _scalar_between(a, b, c)


def _scalar_between(a: Any, b: Any, c: Any) -> bool:
    if not (isinstance(a, dict) and isinstance(c, dict)):
        return False
    if not isinstance(b, dict):
        return True
    return any(_scalar_between(a[k], b[k], c[k]) for k in a if k in b and k in c)


@given(mappings, mappings)
def test_every_value_keeps_its_place(upper: Any, lower: Any) -> None:
    merged = over(marked(upper, "upper"), marked(lower, "lower"))
    for key, item in merged.items.items():
        assert item.spot.file == ("upper" if key in upper else "lower")


def test_merging_changes_neither_side() -> None:
    upper, lower = marked({"a": {"b": 1}}), marked({"a": {"c": 2}})
    over(upper, lower)
    assert (upper.plain, lower.plain) == ({"a": {"b": 1}}, {"a": {"c": 2}})


def test_what_came_from_the_environment_is_shown_as_written() -> None:
    secret = Marked("hunter2", Spot("f", 1), written="${PASSWORD}")
    tree = Marked({"a": Marked([secret], Spot("f", 1))}, Spot("f", 1))
    assert tree.plain == {"a": ["hunter2"]}
    assert tree.shown == {"a": ["${PASSWORD}"]}


def test_a_spot_is_found_in_the_tree_that_goes_furthest() -> None:
    near = nested(["a"], 1, Spot("near", 1))
    far = nested(["a", "b"], [Marked(1, Spot("item", 7))], Spot("far", 2))
    assert furthest(["a", "b", 0, "c"], near, far).spot == Spot("item", 7)
    assert furthest(["x"], near, far).spot == Spot("near", 1)


def test_a_sentence_points_at_the_setting_it_speaks_of() -> None:
    tree = Marked({**nested(["options", "level"], 3, Spot("f", 2)).items}, Spot("f", 1))
    tree = tree.having({**tree.items, "run": Marked("incremental", Spot("f", 5))})
    assert mentioned("options.level: too high", tree) == tree.items["options"].items["level"]
    assert mentioned("an incremental run needs more", tree) == tree.items["run"]
    assert mentioned("nothing of it", tree) is None
