"""`hygge init` makes a workspace that runs as it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.cli.shell import everything, hygge, normal, story
from tests.golden.compare import golden

from hygge.cli.main import cli
from hygge.workspace.workspace import Workspace


def init(folder: Path, *words: str) -> Result:
    """Run it as seen from `folder`."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        return CliRunner().invoke(cli, ["init", *words])
    finally:
        os.chdir(before)


def test_it_runs_unmodified_by_the_commands_that_it_names(tmp_path: Path) -> None:
    made = hygge(tmp_path, "init", "tea")
    golden("cli/init.txt", story(made, tmp_path))
    assert made.stdout.splitlines()[-2:] == ["  cd tea", "  hygge go"]
    ran = hygge(tmp_path / "tea", "go")
    assert ran.returncode == 0, ran.stderr
    assert "1 flow, 8 rows" in ran.stdout
    assert list((tmp_path / "tea" / "lake" / "teas").glob("*.parquet"))


def test_what_is_only_proposed_works_once_it_is_uncommented(tmp_path: Path) -> None:
    init(tmp_path, "tea")
    tea = tmp_path / "tea"
    assert hygge(tea, "go").returncode == 0
    flow = tea / "flows" / "teas" / "flow.yml"
    flow.write_text(flow.read_text().replace("# run_type", "run_type").replace("# water", "water"))
    assert "1 flow, 8 rows" in hygge(tea, "go", "--full-drop").stdout
    with (tea / "data" / "teas.csv").open("a") as file:
        file.write("9,Matcha,Japan,2,30,2024-01-01\n")
    assert "1 flow, 1 row" in hygge(tea, "go").stdout


def test_every_file_is_as_agreed(tmp_path: Path) -> None:
    init(tmp_path, "tea")
    for name, held in everything(tmp_path / "tea").items():
        if held is not None:
            golden(f"cli/init/{name.replace('/', '-').lstrip('.')}", held.decode())


def test_it_plans_without_a_warning_whatever_the_folder_is_called(tmp_path: Path) -> None:
    for name in ("tea", "true", "42", "with space", "naïve: #1", "'quoted'", '"', "日本"):
        assert init(tmp_path, "./" + name).exit_code == 0
        plan = Workspace.find(tmp_path / name).plan()
        assert (plan.name, [flow.name for flow in plan.flows]) == (name, ["teas"])


def test_in_the_current_folder(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("mine")
    done = init(tmp_path)
    assert done.exit_code == 0, done.output
    assert normal(done.output, tmp_path) == (
        "made a workspace in FOLDER\nnext:\n  hygge go --dry-run\n  hygge go\n"
    )
    assert Workspace.find(tmp_path).plan().name == tmp_path.name


def test_a_second_time_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    assert init(tmp_path, "tea").exit_code == 0
    (tmp_path / "tea" / "hygge.yml").write_text("name: mine\n")
    before = everything(tmp_path)
    for words, folder in ((["tea"], tmp_path), ([], tmp_path / "tea")):
        done = init(folder, *words)
        assert done.exit_code == 1
        assert "already holds" in done.stderr
        assert "--force" in done.stderr
    assert everything(tmp_path) == before


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tea").mkdir()
    (tmp_path / "tea" / "letters.txt").write_text("dear")
    assert init(tmp_path, "tea").exit_code == 1
    assert init(tmp_path, "tea", "--force").exit_code == 0
    assert (tmp_path / "tea" / "letters.txt").read_text() == "dear"


def test_an_empty_folder_is_welcome(tmp_path: Path) -> None:
    (tmp_path / "tea").mkdir()
    assert init(tmp_path, "tea").exit_code == 0


def test_force_writes_anew(tmp_path: Path) -> None:
    init(tmp_path, "tea")
    (tmp_path / "tea" / "hygge.yml").write_text("name: mine\n")
    assert init(tmp_path, "tea", "--force").exit_code == 0
    assert "name: tea" in (tmp_path / "tea" / "hygge.yml").read_text()


@pytest.mark.parametrize("before", ["*.log", "*.log\n", ".env\n*.log\n"])
def test_what_git_ignores_already_stays_so(tmp_path: Path, before: str) -> None:
    (tmp_path / ".gitignore").write_text(before)
    assert init(tmp_path).exit_code == 0
    lines = (tmp_path / ".gitignore").read_text().splitlines()
    assert sorted(lines) == ["*.log", ".env", ".hygge/", "lake/"]


def test_name_and_flows_dir(tmp_path: Path) -> None:
    done = init(tmp_path, "tea", "--name", "Tea & Co", "--flows-dir", "work/moves")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "tea" / "work" / "moves" / "teas" / "flow.yml").is_file()
    plan = Workspace.find(tmp_path / "tea").plan()
    assert (plan.name, len(plan.flows)) == ("Tea & Co", 1)


@pytest.mark.parametrize("flows_dir", ["/abs", "../out", "a/../../b", "", "."])
def test_a_flows_dir_outside_is_refused(tmp_path: Path, flows_dir: str) -> None:
    done = init(tmp_path, "tea", "--flows-dir", flows_dir)
    assert done.exit_code == 2
    assert not (tmp_path / "tea").exists()


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "tea").write_text("a file")
    done = init(tmp_path, "tea")
    assert done.exit_code == 1
    assert done.stderr == "error: tea is a file\n  try: give a folder's name\n"
    assert init(tmp_path, "tea", "--force").exit_code == 1


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = init(tmp_path, "file/tea")
    assert done.exit_code == 1
    assert "cannot be written" in done.stderr
    assert "try: " in done.stderr
