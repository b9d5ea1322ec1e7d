"""`hygge debug` asks what a run would ask, and touches nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.cli.projects import shop, source
from tests.cli.shell import everything, hygge, story
from tests.golden.compare import golden

from hygge.cli.main import cli

MISSING = "  missing: {home: data/none.parquet, store: lake/missing}\n"
NO_COLUMN = "  odd: {home: data/users.parquet, store: lake/odd, columns: [nome]}\n"


def test_all_is_well_and_nothing_is_touched(tmp_path: Path) -> None:
    shop(tmp_path)
    before = everything(tmp_path)
    golden("cli/debug-ok.txt", story(hygge(tmp_path, "debug"), tmp_path))
    assert everything(tmp_path) == before
    assert hygge(tmp_path, "go").returncode == 0
    before = everything(tmp_path)
    assert hygge(tmp_path, "debug").returncode == 0
    after = everything(tmp_path)
    assert set(after) == set(before)


def test_every_fault_with_its_remedy(tmp_path: Path) -> None:
    shop(tmp_path, more=MISSING + NO_COLUMN + source("Unreachable"))
    before = everything(tmp_path)
    golden("cli/debug-failed.txt", story(hygge(tmp_path, "debug"), tmp_path))
    assert everything(tmp_path) == before


def test_it_counts_what_it_shows(tmp_path: Path) -> None:
    said = hygge(shop(tmp_path, more=MISSING), "debug").stdout.splitlines()
    shown = [line for line in said if line.startswith(("ok", "failed"))]
    assert said[-1] == f"{len(shown)} checked: 1 failed"


@pytest.mark.parametrize(
    ("more", "flow", "code"),
    [
        ("", "shop", 0),
        (MISSING, "missing", 1),
        (NO_COLUMN, "odd", 2),
        (source("Unreachable"), "unreachable", 3),
        (source("Odd"), "odd", 1),
    ],
)
def test_the_exit_code_is_the_one_that_a_run_would_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, flow: str, code: int
) -> None:
    monkeypatch.chdir(shop(tmp_path, more=more))
    assert CliRunner().invoke(cli, ["debug", "--flow", flow]).exit_code == code
    assert CliRunner().invoke(cli, ["go", "--flow", flow]).exit_code == code


def test_json(tmp_path: Path) -> None:
    done = hygge(shop(tmp_path, more=MISSING), "debug", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["flow"] for line in found} == {"journal", "shop.users", "shop.orders", "missing"}
    assert [(line["flow"], line["what"]) for line in found if not line["ok"]] == [
        ("missing", "home")
    ]
    assert all(bool(line["error"]) is not line["ok"] for line in found)


def test_a_broken_journal_is_found(tmp_path: Path) -> None:
    shop(tmp_path)
    (tmp_path / ".hygge").mkdir()
    (tmp_path / ".hygge" / "journal.db").write_bytes(b"no database at all" * 100)
    done = hygge(tmp_path, "debug")
    assert done.returncode == 1
    assert "failed  journal" in done.stdout
    assert "try: " in done.stdout
