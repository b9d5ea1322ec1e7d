"""The page of rules says what the rules are."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest
from tests.docs.page import ROOT

from hygge.mirroring.rules.table import ALL
from hygge.mirroring.rules.views import Limits


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mirror_rules", ROOT / "tools/mirror_rules.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_not_stale(tool: ModuleType) -> None:
    stale = "docs/reference/mirror-rules.md is stale\n  try: .venv/bin/python tools/mirror_rules.py"
    assert tool.PAGE.read_text() == tool.page(), stale


def test_every_rule_and_every_limit_has_its_line(tool: ModuleType) -> None:
    lines = tool.page().splitlines()
    for rule in ALL:
        assert sum(line.startswith(f"| {rule.id} | {rule.title} |") for line in lines) == 1
    for name in Limits.known():
        assert sum(line.startswith(f"| `{name}` |") for line in lines) == 1
