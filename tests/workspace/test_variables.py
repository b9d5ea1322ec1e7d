"""`${VAR}`, `${VAR:-default}` and `.env`."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hygge.core.errors import ConfigError
from hygge.workspace.variables import expand, variables

plain = st.text().filter(lambda text: "$" not in text and "{" not in text and "}" not in text)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


@given(st.text().filter(lambda text: "${" not in text))
def test_text_without_a_variable_is_left_as_it_is(text: str) -> None:
    assert expand(text, {}) == text


@given(plain, names, st.text(), plain)
def test_a_value_lands_between_its_neighbours_whatever_it_holds(
    before: str, name: str, value: str, after: str
) -> None:
    assert expand(f"{before}${{{name}}}{after}", {name: value}) == before + value + after


@given(names, plain)
def test_a_default_stands_in_for_what_is_unset_or_empty(name: str, default: str) -> None:
    text = f"${{{name}:-{default}}}"
    assert expand(text, {}) == expand(text, {name: ""}) == default
    assert expand(text, {name: "set"}) == "set"


@given(st.text(), names, st.text())
def test_a_doubled_dollar_keeps_a_variable_as_text(before: str, name: str, value: str) -> None:
    kept = before.replace("$", "")
    assert expand(f"{kept}$${{{name}}}", {name: value}) == f"{kept}${{{name}}}"


@given(st.text(alphabet="${}:-AB "))
def test_every_text_expands_or_is_refused(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(expand(text, {"A": "1"}), str)


def test_defaults_hold_variables_and_braces() -> None:
    assert expand("${A:-${B:-c}}", {}) == "c"
    assert expand("${A:-${B:-c}}", {"B": "b"}) == "b"
    assert expand("${DATA:-data}/{entity}/${X:-{entity}}", {}) == "data/{entity}/{entity}"


def test_an_empty_variable_is_set() -> None:
    assert expand("<${A}>", {"A": ""}) == "<>"


@pytest.mark.parametrize("text", ["${", "${A", "${A:-", "a ${A:-{} b"])
def test_an_open_variable_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not closed"):
        expand(text, {"A": "1"})


@pytest.mark.parametrize("text", ["${}", "${1A}", "${A-b}", "${A B}", "${A:?no}"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not a variable's name"):
        expand(text, {"A": "1"})


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(ConfigError, match=re.escape("the variable DATABASE_URL is not set")):
        expand("x ${DATABASE_URL}", {"DATABASE": "secret"})


def test_the_environment_beats_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYGGE_T_BOTH", "environment")
    monkeypatch.delenv("HYGGE_T_FILE", raising=False)
    (tmp_path / ".env").write_text("HYGGE_T_BOTH=file\nHYGGE_T_FILE=file\n")
    found = variables(tmp_path)
    assert (found["HYGGE_T_BOTH"], found["HYGGE_T_FILE"]) == ("environment", "file")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("HYGGE_T=a b # note", "a b"),
        ("HYGGE_T=a#b", "a#b"),
        ("HYGGE_T=", ""),
        ("HYGGE_T= # note", ""),
        ("export HYGGE_T = a=b", "a=b"),
        ("HYGGE_T='a #\\n\"b'", 'a #\\n"b'),
        ('HYGGE_T="a\\n\\"b\\" \\\\ #" # note', 'a\n"b" \\ #'),
        ("HYGGE_T=${OTHER}", "${OTHER}"),
    ],
)
def test_dotenv_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, value: str
) -> None:
    monkeypatch.delenv("HYGGE_T", raising=False)
    (tmp_path / ".env").write_text(f"\n  # all of it\n{line}\r\n")
    assert variables(tmp_path)["HYGGE_T"] == value


@pytest.mark.parametrize("line", ["NOTHING", "A B=c", "=x", "A='open", 'A="a" b', 'A="open\\"'])
def test_a_wrong_dotenv_line_is_named_and_not_shown(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"A=1\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        variables(tmp_path)
    assert caught.value.place == ".env:2"
    assert "open" not in str(caught.value)


def test_dotenv_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        variables(tmp_path)
