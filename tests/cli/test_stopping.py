"""Ctrl-C: once to finish what runs, twice to suspend it, three times to leave at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.cli.projects import landed, source, table
from tests.cli.shell import COMMAND, environment, hygge, written

Process = subprocess.Popen[str]


def gated(folder: Path, **more: object) -> Path:
    """Two flows, one at a time: the first waits at its gate, the second would be quick."""
    os.mkfifo(folder / "gate")
    table(folder / "later.parquet", 3)
    flows = source("Gated", gate=folder / "gate", **more)
    flows += "  later: {home: later.parquet, store: lake/later}\n"
    written(folder, {"hygge.yml": f"concurrency: 1\nflows:\n{flows}"})
    return folder


@contextmanager
def running(folder: Path) -> Iterator[Process]:
    """A run whose first flow waits at its gate."""
    with subprocess.Popen(
        [*COMMAND, "go", "--json"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            until(process, "partitions_planned")
            yield process
        finally:
            process.kill()


def until(process: Process, event: str) -> dict[str, Any]:
    """Read the run's lines up to this event."""
    assert process.stdout is not None
    for line in process.stdout:
        told: dict[str, Any] = json.loads(line)
        if told["event"] == event:
            return told
    raise AssertionError(f"{event} was never told: {process.stderr and process.stderr.read()}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_once_lets_running_loads_finish(tmp_path: Path, number: signal.Signals) -> None:
    with running(gated(tmp_path)) as process:
        process.send_signal(number)
        assert until(process, "run_stopping")["hard"] is False
        (tmp_path / "gate").write_bytes(b"open")
        summary = until(process, "summary")
        assert process.wait(60) == 130
    assert (summary["succeeded"], summary["failed"]) == (1, 0)
    assert (summary["not_started"], summary["not_started_flows"]) == (1, ["later"])
    assert landed(tmp_path / "lake" / "gated") == 3
    assert not (tmp_path / "lake" / "later").exists()


def test_twice_suspends_them(tmp_path: Path) -> None:
    with running(gated(tmp_path)) as process:
        process.send_signal(signal.SIGINT)
        until(process, "run_stopping")
        process.send_signal(signal.SIGINT)
        assert until(process, "run_stopping")["hard"] is True
        summary = until(process, "summary")
        assert process.wait(60) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert (summary["succeeded"], summary["failed"], summary["suspended"]) == (0, 0, 1)
    assert summary["flows"][0]["error"] == "stopped before it was done\n  try: run again"
    assert not landed(tmp_path / "lake")
    assert [run["status"] for run in told_of_gated(tmp_path)] == ["suspended"]


def test_three_times_leaves_at_once(tmp_path: Path) -> None:
    with running(gated(tmp_path, stubborn="true")) as process:
        for hard in (False, True):
            process.send_signal(signal.SIGINT)
            assert until(process, "run_stopping")["hard"] is hard
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    (tmp_path / "hygge.yml").write_text("flows: {later: {home: later.parquet, store: lake/later}}")
    assert hygge(tmp_path, "go").returncode == 0, "nothing is left that stands in the way"


def told_of_gated(folder: Path) -> list[dict[str, Any]]:
    done = hygge(folder, "history", "--flow", "gated", "--json")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_history_tells_of_runs_that_go_on_and_of_killed_ones(tmp_path: Path) -> None:
    with running(gated(tmp_path)) as process:
        (alive,) = told_of_gated(tmp_path)
        assert (alive["status"], alive["finish_time"]) == ("running", None)
        assert alive["message"].startswith(f"process {process.pid} on ")
        process.kill()
        process.wait(60)
    (killed,) = told_of_gated(tmp_path)
    assert killed == {**alive, "status": "cut off", "message": killed["message"]}
    assert "the next run finishes, resumes or erases what it began" in killed["message"]
    line = hygge(tmp_path, "history").stdout.splitlines()[1]
    assert line.split()[2:5] == ["gated", "cut", "off"]
    assert hygge(tmp_path, "history", "--flow", "later").stdout == ""
    with running(tmp_path) as process:
        (tmp_path / "gate").write_bytes(b"open")
        assert process.wait(60) == 0
    assert [run["status"] for run in told_of_gated(tmp_path)] == ["success"]


def test_what_a_killed_run_left_is_told_when_it_is_erased(tmp_path: Path) -> None:
    with running(gated(tmp_path)) as process:
        process.kill()
        process.wait(60)
    (killed,) = (tmp_path / "lake" / "_hygge" / "staging" / "gated").iterdir()
    looked = hygge(tmp_path, "debug", "--flow", "gated")
    assert looked.returncode == 0
    assert f"load {killed.name} is not finished" in looked.stdout
    opened = os.open(tmp_path / "gate", os.O_RDWR | os.O_NONBLOCK)  # before the run, to wait in it
    os.write(opened, b"open")
    done = hygge(tmp_path, "go")
    os.close(opened)
    assert done.returncode == 0
    assert f"[gated] what an unfinished load had staged was erased: {killed.name}" in done.stderr
    assert "is not finished" not in hygge(tmp_path, "debug").stdout


def test_the_words_for_people(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "go", "--verbose"],
        cwd=gated(tmp_path),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any("1 partition planned" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        said = next(process.stderr)
        (tmp_path / "gate").write_bytes(b"open")
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 130
    assert said.startswith("stopping: no new flow starts, running loads finish")
    assert "1 succeeded, 1 not started" in out
