"""YAML as we read it: strict, with lines, and never changed in structure by a variable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hygge.core.errors import ConfigError
from hygge.workspace.complaints import Complaints
from hygge.workspace.marked import Marked, Spot
from hygge.workspace.yaml_file import read_yaml, scalar


def read(folder: Path, text: str | bytes, **values: str) -> Marked:
    file = folder / "f.yml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    complaints = Complaints()
    made = read_yaml(file, "f.yml", values, complaints)
    complaints.raise_any()
    return made


def refused(folder: Path, text: str | bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("22:30", "22:30"),
        ("2013-01-01", "2013-01-01"),
        ("007", "007"),
        ("1_000", "1_000"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("1.5", 1.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1e-3", -0.001),
        (".inf", float("inf")),
        ("9" * 40, "9" * 40),
        ("'12'", "12"),
        ("!!str 12", "12"),
        (".", "."),
        ("-", [None]),
        ("1.2.3", "1.2.3"),
    ],
)
def test_plain_scalars(tmp_path: Path, text: str, value: Any) -> None:
    found = read(tmp_path, f"a: {text}\n" if text != "-" else "a:\n-\n").plain["a"]
    assert found == value
    assert type(found) is type(value)


def test_lines_are_those_of_the_keys(tmp_path: Path) -> None:
    made = read(tmp_path, "# note\na:\n  b: 1\n  c:\n    - x\n    - y\n")
    assert made.items["a"].spot == Spot("f.yml", 2)
    assert made.items["a"].items["b"].spot == Spot("f.yml", 3)
    assert made.items["a"].items["c"].value[1].spot == Spot("f.yml", 6)


def test_keys_are_text_whatever_they_look_like(tmp_path: Path) -> None:
    assert read(tmp_path, "2013: a\non: b\nnull: c\n").plain == {
        "2013": "a",
        "on": "b",
        "null": "c",
    }


def test_anchors_and_merge_keys(tmp_path: Path) -> None:
    made = read(
        tmp_path, "a: &a {x: 1, y: 2}\nb:\n  y: 3\n  <<: *a\nc: *a\nd: {<<: [{x: 4}, *a]}\n"
    )
    assert made.plain["b"] == {"x": 1, "y": 3}
    assert made.plain["c"] == {"x": 1, "y": 2}
    assert made.plain["d"] == {"x": 4, "y": 2}


def test_an_empty_file_is_an_empty_mapping(tmp_path: Path) -> None:
    assert read(tmp_path, "# nothing yet\n").plain == {}
    assert read(tmp_path, b"\xef\xbb\xbfa: 1\n").plain == {"a": 1}


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb:\n\tc: 1\n", 3, "a tab"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' is given twice, first in line 1"),
        ("a: {b: 1,\n  b: 2}\n", 2, "'b' is given twice"),
        ("a: [1,\n", 2, "a `[`"),
        ("a: {b: 1\nc: 2\n", 2, "a `{` is not closed"),
        ("a: b: c\n", 1, "a `:` where none can be"),
        ("a: 'x\n", 2, "a quote is not closed"),
        ("a: 1\n- b\n", 2, "lines that do not belong together"),
        ("a: 1\n---\nb: 2\n", 2, "more than one YAML document"),
        ("a: 1\nb: !secret x\n", 2, "tags"),
        ("a: !!python/object:os.system x\n", 1, "tags"),
        ("a: !!int x\n", 1, "tags"),
        ("a: 1\nb: @x\n", 2, "cannot begin like this"),
        ("a: &x [*x]\n", 1, "an alias stands inside what it names"),
        ("a: 1\n? [b]\n: 2\n", 2, "a key must be a plain word"),
        ("a: 1\nb: {<<: 3}\n", 2, "`<<` takes a mapping"),
        ("a: 1\nb: \x07\n", 2, "a character that YAML forbids"),
        (b"a: 1\nb: \xff\n", 2, "not UTF-8"),
        ("a: " + "[" * 5000, 1, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, text: str | bytes, line: int, what: str
) -> None:
    failed = refused(tmp_path, text)
    assert what in failed.what
    assert failed.where == {"file": "f.yml", "line": line}


@pytest.mark.parametrize(
    "value", ["*hunter2", "!hunter2 x", "@hunter2", "'hunter2", "hunter2: x: y"]
)
def test_a_password_in_broken_yaml_is_not_shown(tmp_path: Path, value: str) -> None:
    assert "hunter2" not in str(refused(tmp_path, f"password: {value}\n"))


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        read_yaml(tmp_path, "f.yml", {}, Complaints())
    assert caught.value.place == "f.yml"


def test_variables_fill_nested_scalars_and_are_kept_as_written(tmp_path: Path) -> None:
    made = read(tmp_path, "a: {b: ['${X}', \"p/${X}\"], c: '${Y:-z}'}\n${X}: 1\n", X="1")
    assert made.plain == {"a": {"b": ["1", "p/1"], "c": "z"}, "${X}": 1}
    assert made.items["a"].shown == {"b": ["${X}", "p/${X}"], "c": "${Y:-z}"}


@given(value=st.text())
def test_a_value_never_becomes_structure(
    tmp_path_factory: pytest.TempPathFactory, value: str
) -> None:
    folder = tmp_path_factory.mktemp("yaml")
    assert read(folder, 'a: ${X}\nb: [x, "${X}"]\n', X=value).plain == {
        "a": value,
        "b": ["x", value],
    }


def test_a_variable_in_braces_wants_quotes(tmp_path: Path) -> None:
    failed = refused(tmp_path, "a: 1\nb: {path: ${DATA}/x}\n")
    assert failed.where["line"] == 2
    assert failed.hint == "within { } and [ ] put a `${…}` in quotes"


def test_every_missing_variable_is_told_with_its_line(tmp_path: Path) -> None:
    told = str(refused(tmp_path, "a: ${ONE}\nb:\n  - x\n  - ${TWO}\n"))
    assert "the variable ONE is not set (f.yml:1)" in told
    assert "the variable TWO is not set (f.yml:4)" in told


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("true", True),
        ("snappy", "snappy"),
        ("a: b # c", "a: b # c"),
        ("${X}", "${X}"),
        ("[a, 2]", ["a", 2]),
        ("{a: 1}", {"a": 1}),
        ("", None),
    ],
)
def test_one_value_of_a_command_line(text: str, value: Any) -> None:
    assert scalar(text, Spot("--var x")).plain == value


def test_a_broken_value_of_a_command_line_names_the_option() -> None:
    with pytest.raises(ConfigError) as caught:
        scalar("[a", Spot("--var flow.a.keys"))
    assert caught.value.where["file"] == "--var flow.a.keys"
