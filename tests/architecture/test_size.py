"""Small things: files and functions that can be read in one sitting."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "hygge").rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 300, 40

LONG_FILES = {
    "testing/contracts/": "a suite is a list of short tests; two files would hide half of it",
}
"""Longer files, each with its reason. A folder ends with `/`."""


def name_of(file: Path) -> str:
    return file.relative_to(ROOT / "src" / "hygge").as_posix()


def excused(name: str) -> bool:
    return any(
        name == known or (known[-1] == "/" and name.startswith(known)) for known in LONG_FILES
    )


def functions(file: Path) -> Iterator[tuple[str, int]]:
    """Every function with its length: from `def` to its last line, without its docstring."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                first = node.body[0]
                assert first.end_lineno is not None
                length -= first.end_lineno - first.lineno + 1
            yield f"{name_of(file)}:{node.lineno} {node.name}", length


def test_no_file_is_long() -> None:
    lengths = {name_of(file): len(file.read_text().splitlines()) for file in SOURCES}
    assert len(lengths) > 20
    assert not {n: x for n, x in lengths.items() if x > LONGEST_FILE and not excused(n)}


def test_what_is_excused_is_still_long() -> None:
    long = {name_of(f) for f in SOURCES if len(f.read_text().splitlines()) > LONGEST_FILE}
    assert [known for known in LONG_FILES if not any(name.startswith(known) for name in long)] == []


def test_no_function_is_long() -> None:
    found = [item for file in SOURCES for item in functions(file)]
    assert len(found) > 200
    assert not {name: length for name, length in found if length > LONGEST_FUNCTION}


@pytest.mark.parametrize("word", ["utils", "helpers", "manager", "base", "common", "misc"])
def test_no_file_is_named_for_nothing(word: str) -> None:
    assert not [name_of(file) for file in SOURCES if file.stem == word or file.parent.name == word]


def test_every_file_says_what_it_is() -> None:
    silent = [name_of(f) for f in SOURCES if f.read_text() and not first_line(f)]
    assert not silent


def first_line(file: Path) -> str:
    """The first line of a module's docstring, if it is a sentence or a name of its own."""
    return (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0].strip()
