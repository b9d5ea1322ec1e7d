"""The page of guarantees says what its tool says, and promises nothing that no test speaks for."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from tests.docs.page import ROOT


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    path = ROOT / "tools" / "guarantees.py"
    spec = importlib.util.spec_from_file_location("guarantees", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for their types
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_tool_makes_of_its_numbers(tool: ModuleType) -> None:
    assert tool.PAGE.read_text() == tool.page(json.loads(tool.COUNTS.read_text()))


def test_every_promise_has_tests_and_crash_points(tool: ModuleType) -> None:
    numbers = json.loads(tool.COUNTS.read_text())
    for promise in tool.PROMISES:
        told = numbers[f"{promise.what}: {promise.run}"]
        assert told["tests"] > 30
        assert told["points"] > 10
    assert all(numbers[reading.home]["tests"] > 20 for reading in tool.READINGS)


def test_results_are_counted_by_what_they_speak_for(tool: ModuleType, tmp_path: Path) -> None:
    case = '<testcase classname="{}" name="{}">{}</testcase>'
    points = '<properties><property name="crash_points" value="7"/></properties>'
    store = "tests.contracts.test_stores.TestStores"
    file = tmp_path / "results.xml"
    cases = [
        case.format(store, "test_append[SqliteStoreRig]", ""),
        case.format(store, "test_merge[SqliteStoreRig]", "<skipped/>"),
        case.format("tests.crash.test_kill", "test_x[incremental-sqlite]", points),
        case.format("tests.crash.test_kill", "test_x[incremental-merge-sqlite]", points),
        case.format("tests.faults.test_wire", "test_x[mysql-append-reset]", points),
        case.format(store, "test_merge[MssqlStoreRig]", ""),
        case.format("tests.faults.test_wire", "test_x[mssql-merge-reset]", points),
        case.format("tests.crash.test_kill", "test_x[incremental-merge-mssql]", points),
        case.format("tests.crash.test_kill", "test_x[full_drop-changed-mssql]", points),
        case.format("tests.faults.test_mssql", "test_x[1205]", ""),
        case.format("tests.contracts.test_homes.TestHomes", "test_x[MssqlHomeRig]", ""),
        case.format("tests.homes.test_late_rows", "test_x[mssql-id]", ""),
        case.format("tests.homes.test_mssql_following", "test_changes", ""),
    ]
    file.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    told = tool.counted(list(tool.results(file)))
    assert told["SQLite: incremental, append"] == {"tests": 1, "points": 7}
    assert told["SQLite: incremental, merge"] == {"tests": 1, "points": 7}
    assert told["MySQL, MariaDB: incremental, append"] == {"tests": 0, "points": 7}
    assert told["MySQL, MariaDB: full_drop"] == {"tests": 0, "points": 0}
    assert told[f"{tool.SQL_SERVER}: full_drop"] == {"tests": 1, "points": 7}
    assert told[f"{tool.SQL_SERVER}: incremental, append"] == {"tests": 1, "points": 0}
    assert told[f"{tool.SQL_SERVER}: incremental, merge"] == {"tests": 1, "points": 14}
    assert told[tool.SQL_SERVER] == {"tests": 3}


def test_a_failed_test_guarantees_nothing(tool: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "results.xml"
    file.write_text('<testsuites><testcase name="test_x"><failure/></testcase></testsuites>')
    with pytest.raises(SystemExit, match="test_x failed"):
        list(tool.results(file))
