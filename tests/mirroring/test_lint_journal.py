"""A journal tells the linter what was published, and what of it the service has taken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.mirroring.test_runs import workspace as workspace

import hygge
from hygge.cli.main import cli
from hygge.filesystems.locating import locate
from hygge.mirroring.engine import apply

JOURNAL = ".hygge/journal.db"
FOLDER = "lake/Files/LandingZone/dbo.schema/green"


@pytest.fixture(autouse=True)
def here(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("green", "black"):
        flow = workspace / "flows" / name / "flow.yml"
        flow.write_text(flow.read_text().replace("mirror_journal: true", "mirror_journal: false"))
    monkeypatch.chdir(workspace)
    return workspace


def lint(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(cli, ["mirror", "lint", "lake", "--json", *words])
    assert done.exit_code in (0, 1), done.output
    found: dict[str, Any] = json.loads(done.output)
    return found


def more(here: Path, *lines: str) -> None:
    with (here / "data" / "green.csv").open("a") as file:
        file.writelines(f"{line}\n" for line in lines)
    assert hygge.run(here).ok


def test_what_was_published_is_known_by_the_journal(here: Path) -> None:
    """Whether the service has taken nothing, or all of it, or is behind by a file."""
    assert hygge.run(here).ok
    for night, served in enumerate((False, True, False, True)):
        if served:
            apply(*locate(str(here / "lake")), locate(str(here / "m")))
        told = lint("--state", JOURNAL, "--strict")
        assert not told["findings"], told["findings"]
        by_rule = {rule["rule"]: rule["outcome"] for rule in told["rules"]}
        assert {by_rule[rule] for rule in ("R12", "R24", "R25", "R26")} == {"passed"}, by_rule
        assert by_rule["R62"] == "not checked", "a journal knows no folder"
        more(here, f"{night + 3},late")


def test_what_the_service_is_past_is_no_file_of_now(here: Path) -> None:
    assert hygge.run(here).ok
    more(here, "7,late")
    apply(*locate(str(here / "lake")), locate(str(here / "m")))
    first = here / FOLDER / "_ProcessedFiles" / "00000000000000000001.parquet"
    shutil.copy(first, here / FOLDER / first.name)
    rules = {found["rule"] for found in lint("--state", JOURNAL)["findings"]}
    assert "R24" in rules or "R25" in rules


def test_two_journals_claim_a_number(here: Path) -> None:
    assert hygge.run(here).ok
    one = shutil.copy(here / JOURNAL, here / "one.db")
    shutil.rmtree(here / "lake")
    more(here, "9,other")
    shutil.rmtree(here / ".hygge")
    shutil.rmtree(here / "lake")
    assert hygge.run(here).ok
    found = lint("--journal", str(one), "--journal", JOURNAL)["findings"]
    assert {one["rule"] for one in found} == {"R60"}
    assert "green" in found[0]["where"]
