"""From a plan to a run."""

from __future__ import annotations

import asyncio
from pathlib import Path

import polars as pl
import pytest
from tests.workspace.project import written

import hygge
from hygge.core.errors import ConfigError
from hygge.core.journal import Status

FILES = {
    "hygge.yml": "name: nyc\nconcurrency: 3\nmemory: 64MB\nfail_fast: true\n",
    "flows/copy/flow.yml": (
        "home: source\nstore: {path: lake}\nentities: [a, {name: b, columns: [y]}]\n"
    ),
    "flows/again/flow.yml": "home: lake/a\nstore: again\n",
}


def test_the_coordinator_is_as_the_workspace_says(tmp_path: Path) -> None:
    workspace = written(tmp_path, FILES)
    plan = workspace.plan()
    made = workspace.coordinator(plan)
    assert (made.name, made.concurrency, made.memory, made.fail_fast) == ("nyc", 3, 2**26, True)
    assert [flow.name for flow in made.flows] == ["again", "copy.a", "copy.b"]
    assert [flow.entity for flow in made.flows] == [None, "a", "b"]
    assert {id(flow.journal) for flow in made.flows} == {id(made.journal)}
    assert workspace.coordinator(plan, concurrency=7).concurrency == 7


def test_a_planned_workspace_runs(tmp_path: Path) -> None:
    workspace = written(tmp_path, FILES)
    (tmp_path / "source").mkdir()
    for name in ("a", "b"):
        pl.DataFrame({"x": [1, 2, 3], "y": [name] * 3}).write_parquet(
            tmp_path / "source" / f"{name}.parquet"
        )
    first = asyncio.run(workspace.coordinator(workspace.plan(flows=["copy"])).run())
    assert {report.status for report in first.flows} == {Status.SUCCESS}
    second = asyncio.run(workspace.coordinator(workspace.plan()).run())
    assert [report.rows for report in second.flows] == [3, 3, 3]
    assert pl.read_parquet(tmp_path / "lake/b/*.parquet").columns == ["y"]
    assert pl.read_parquet(tmp_path / "again/*.parquet")["x"].to_list() == [1, 2, 3]
    assert workspace.journal_path.is_file()


def test_run_in_one_line(tmp_path: Path) -> None:
    written(tmp_path, FILES)
    (tmp_path / "source").mkdir()
    pl.DataFrame({"x": [1], "y": ["a"]}).write_parquet(tmp_path / "source/a.parquet")
    report = hygge.run(tmp_path, flows="copy", entities="copy.a", run_type="full_drop")
    assert [(one.name, one.rows) for one in report.flows] == [("copy.a", 1)]
    with pytest.raises(ConfigError, match="no run type 'full-drop'") as failed:
        hygge.run(tmp_path, run_type="full-drop")
    assert failed.value.hint == "did you mean 'full_drop'?"


def test_what_run_cannot_take(tmp_path: Path) -> None:
    written(tmp_path, FILES)
    with pytest.raises(ConfigError, match="concurrency must be at least 1, not 0"):
        hygge.run(tmp_path, concurrency=0)
    with pytest.raises(ConfigError, match="overrides is a mapping"):
        hygge.run(tmp_path, overrides=["flow.copy.where=1"])  # type: ignore[arg-type]
