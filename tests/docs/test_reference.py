"""The settings page says what the settings are: all of them, and as they are now."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest
from pydantic import Field
from tests.docs.page import ROOT

from hygge import registry
from hygge.core.config import Settings
from hygge.flow.settings import FlowSettings


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_not_stale(tool: ModuleType) -> None:
    stale = "docs/reference/settings.md is stale\n  try: .venv/bin/python tools/reference.py"
    assert tool.PAGE.read_text() == tool.page(), stale


def test_every_setting_has_a_description(tool: ModuleType) -> None:
    assert "None |" not in tool.page()
    assert "| None" not in tool.page()


def test_every_setting_of_a_flow_is_there(tool: ModuleType) -> None:
    for name, field in FlowSettings.model_fields.items():
        assert f"| `{name}` |" in tool.page()
        assert str(field.description) in tool.page()


def test_every_home_store_and_format_has_its_section(tool: ModuleType) -> None:
    text = tool.page()
    for kind in ("home", "store"):
        for name in registry.table("homes" if kind == "home" else "stores"):
            assert f"## `{kind}: {{type: {name}}}`" in text
    for name in registry.TABLES["formats"]:
        assert f"## Format `{name}`" in text


def test_a_setting_is_told_with_its_type_and_default(tool: ModuleType) -> None:
    class Inner(Settings):
        deep: bool = Field(default=True, description="How deep")

    class Outer(Settings):
        many: tuple[str, ...] = Field(default=("a", "b"), description="Some")
        inner: Inner | None = Field(default=None, description="More")
        needed: int = Field(description="A number")

    told = "\n".join(tool._section("## Here", Outer))
    assert '| `many` | list of texts | `"a"`, `"b"` | Some |' in told
    assert "| `inner` | mapping, see below |  | More |" in told
    assert "| `needed` | whole number | *needed* | A number |" in told
    assert "#### `inner`" in told
    assert "| `deep` | true or false | `true` | How deep |" in told
