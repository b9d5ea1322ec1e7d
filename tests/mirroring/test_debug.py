"""`hygge debug` refuses what `hygge go` would, before it is night."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.mirroring.test_runs import workspace as workspace

import hygge
from hygge.cli.main import cli

GREEN = "flows/green/flow.yml"
FOLDER = "lake/Files/LandingZone/dbo.schema/green"


def _rename(root: Path) -> None:
    (root / "data/green.csv").write_text("id,title\n1,a\n2,b\n")


def _other_keys(root: Path) -> None:
    (root / GREEN).write_text((root / GREEN).read_text().replace("keys: id", "keys: name"))


def _lose(root: Path) -> None:
    (root / FOLDER / "00000000000000000001.parquet").unlink()


def _intrude(root: Path) -> None:
    (root / FOLDER / "00000000000000000007.parquet").write_bytes(b"")


def _other_case(root: Path) -> None:
    text = (root / GREEN).read_text().replace("schema: dbo", "schema: DBO")
    (root / GREEN).write_text(text)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (_rename, "another name for name, which is gone"),
        (_other_keys, "the last load's keys were id, now name"),
        (_lose, "last files are gone"),
        (_intrude, "files here that hygge did not put"),
        (_other_case, "Fabric takes dbo.green for DBO.green"),
    ],
)
def test_what_a_run_would_refuse_is_said_before(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, harm: Callable[[Path], None], told: str
) -> None:
    monkeypatch.chdir(workspace)
    assert hygge.run(workspace).ok
    assert CliRunner().invoke(cli, ["debug"]).exit_code == 0
    harm(workspace)
    before = sorted(path for path in workspace.rglob("*") if "_hygge" in path.parts)
    found = CliRunner().invoke(cli, ["debug", "--flow", "green"])
    assert found.exit_code == 1
    assert told in found.output
    assert sorted(path for path in workspace.rglob("*") if "_hygge" in path.parts) == before
    ran = CliRunner().invoke(cli, ["go", "--flow", "green"])
    assert ran.exit_code == 1
    assert told in ran.output
