"""What importing hygge costs, and that every name in its tables leads somewhere."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import hygge
from hygge import registry

HEAVY = ("polars", "pyarrow", "pydantic", "tenacity", "yaml", "rich", "asyncio")
TARGETS = [
    (kind, name, target)
    for kind, names in registry.TABLES.items()
    for name, target in names.items()
]


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh Python has loaded after running this code."""
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys, json; print(json.dumps(list(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return {name.partition(".")[0] for name in json.loads(told)}


@pytest.mark.parametrize("code", ["import hygge", "import hygge; dir(hygge)"])
def test_importing_hygge_loads_nothing_heavy(code: str) -> None:
    assert not loaded_by(code).intersection(HEAVY)


def test_the_registry_can_be_read_without_loading_what_it_names() -> None:
    code = (
        "from hygge import registry; registry.resolve('homes', 'parquet'); registry.table('homes')"
    )
    assert not loaded_by(code).intersection(HEAVY)


def test_the_command_line_can_be_asked_for_help_without_the_heavy_libraries() -> None:
    code = """
import contextlib, io, sys
from hygge.cli.main import main
sys.argv = ["hygge", "--help"]
with contextlib.redirect_stdout(io.StringIO()) as told, contextlib.suppress(SystemExit):
    main()
assert "go" in told.getvalue()
"""
    assert not loaded_by(code).intersection({"polars", "pyarrow", "pydantic", "yaml"})


def test_the_public_names_are_one_table() -> None:
    assert sorted(hygge.__all__) == sorted(hygge._NAMES)
    assert dir(hygge) == hygge.__all__


@pytest.mark.parametrize("name", hygge.__all__)
def test_every_public_name_leads_somewhere(name: str) -> None:
    found = getattr(hygge, name)
    assert found.__name__ == name
    assert found.__module__ == hygge._NAMES[name]


def test_type_checkers_see_the_same_names() -> None:
    """The imports under TYPE_CHECKING and the lazy table must not drift apart."""
    assert hygge.__file__ is not None
    tree = ast.parse(Path(hygge.__file__).read_text())
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == hygge._NAMES


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Hoem'"):
        hygge.Hoem  # noqa: B018 - the access is the test


@pytest.mark.parametrize(("kind", "name", "target"), TARGETS, ids=lambda text: str(text))
def test_every_entry_of_the_registry_leads_somewhere(kind: str, name: str, target: str) -> None:
    module, _, attribute = target.partition(":")
    assert isinstance(getattr(import_module(module), attribute), type)
    found = registry.find(kind, name)  # type: ignore[arg-type]
    assert found.target == target


def test_every_scheme_leads_to_a_filesystem() -> None:
    assert set(registry.SCHEMES.values()) <= set(registry.TABLES["filesystems"])
