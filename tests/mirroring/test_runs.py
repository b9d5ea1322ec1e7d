"""hygge's own runs as a mirrored table: appended once a run, and never in a flow's way."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

import hygge
from hygge.core.errors import JournalError, StoreError
from hygge.core.journal import Status
from hygge.filesystems.locating import locate
from hygge.journal.mirrored import RunsHome
from hygge.mirroring.engine import apply
from hygge.mirroring.lint import lint
from hygge.stores.mirror_load import MirrorLoad

FLOW = """
home: data/{name}.csv
store: {{type: open_mirroring, account_url: ./lake, schema: dbo, keys: id, mirror_journal: true}}
run_type: incremental
watermark: id
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "hygge.yml").write_text("name: teas\n")
    (tmp_path / "data").mkdir()
    for name in ("green", "black"):
        (tmp_path / "data" / f"{name}.csv").write_text("id,name\n1,a\n2,b\n")
        (tmp_path / "flows" / name).mkdir(parents=True)
        (tmp_path / "flows" / name / "flow.yml").write_text(FLOW.format(name=name))
    return tmp_path


def mirrored(workspace: Path) -> pl.DataFrame:
    zone, into = (locate(str(workspace / name)) for name in ("lake", "mirror"))
    assert not apply(*zone, into).failed
    assert lint(*zone).ok
    return pl.read_delta(str(workspace / "mirror" / "hygge" / "entity_runs")).sort("run_number")


def test_runs_are_appended_once(workspace: Path) -> None:
    for _ in range(2):
        assert hygge.run(workspace).ok
    found = mirrored(workspace)
    assert found["run_number"].to_list() == [1, 2, 3, 4]
    assert sorted(found["flow"].unique()) == ["black", "green"]
    assert found["status"].to_list() == ["success", "success", "skip", "skip"]
    assert found["start_time"].dtype == pl.Datetime("us", "UTC")
    folder = workspace / "lake/Files/LandingZone/hygge.schema/entity_runs"
    assert len([*folder.rglob("*.parquet")]) == 2, "one file a run, not one a flow"


def test_a_failing_mirror_fails_no_flow_and_is_made_up_for(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = MirrorLoad.commit

    def refused(load: MirrorLoad, parts: object) -> object:
        if load.table.table.name == "entity_runs":
            raise StoreError("no room")
        return commit(load, parts)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(MirrorLoad, "commit", refused)
        report = hygge.run(workspace)
    assert report.ok
    assert len(report.of(Status.SUCCESS)) == 2
    assert hygge.run(workspace).ok
    assert mirrored(workspace)["run_number"].to_list() == [1, 2, 3, 4]


def test_a_journal_that_cannot_be_read_again_fails_no_flow(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(home: RunsHome, column: str) -> object:
        raise JournalError("the journal is locked")

    with monkeypatch.context() as patched:
        patched.setattr(RunsHome, "bound", refused)
        report = hygge.run(workspace)
    assert report.ok
    assert hygge.run(workspace).ok
    assert mirrored(workspace)["run_number"].to_list() == [1, 2, 3, 4]


def test_journals_publish_each_its_own(workspace: Path) -> None:
    """A journal that was lost, or another workspace: each begins with its first run, and goes on
    from its own last one."""
    other = workspace / "other"
    shutil.copytree(workspace, other, ignore=shutil.ignore_patterns("other"))
    for name in ("green", "black"):
        flow = (other / "flows" / name / "flow.yml").read_text()
        elsewhere = flow.replace("./lake, schema: dbo", "../lake, schema: second")
        (other / "flows" / name / "flow.yml").write_text(elsewhere)
    for place in (workspace, other, workspace, other, workspace):
        assert hygge.run(place).ok
    found = mirrored(workspace)
    assert sorted(found["run_number"].to_list()) == sorted([1, 2, 3, 4, 5, 6, 1, 2, 3, 4])
    shutil.rmtree(workspace / ".hygge")
    for _ in range(2):
        assert hygge.run(workspace).ok
    found = mirrored(workspace)
    assert found.height == 14
    assert found["entity_run_id"].n_unique() == 14


def test_a_journal_is_the_same_wherever_it_lies(workspace: Path) -> None:
    assert hygge.run(workspace).ok
    (journal,) = (workspace / ".hygge").glob("*.db")
    told = set[str]()
    for name in ("one.db", "two.db"):
        home = RunsHome(Path(shutil.copy(journal, workspace / name)))
        home.table_schema()
        told.add(home.identity)
    assert len(told) == 1
