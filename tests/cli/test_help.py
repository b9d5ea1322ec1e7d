"""What the command line says of itself, what that costs, and that the docs say the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from tests.cli.shell import ROOT, environment, hygge
from tests.golden.compare import golden

from hygge.cli.main import COMMANDS, cli

PAGE = ROOT / "docs" / "reference" / "cli.md"
HEAVY = {"polars", "pyarrow", "pydantic", "rich", "yaml", "tenacity", "asyncio", "sqlite3"}


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its whole name."""
    context = click.Context(cli, info_name="hygge")
    for name in cli.list_commands(context):
        found = cli.get_command(context, name)
        assert found is not None
        yield name, found
        if isinstance(found, click.Group):
            for inner in found.list_commands(context):
                command = found.get_command(context, inner)
                assert command is not None
                yield f"{name} {inner}", command


def loaded(*words: str, cwd: Path) -> set[str]:
    """The top-level modules that a command has loaded when it is done."""
    code = f"""
import sys, json, atexit
atexit.register(lambda: print(json.dumps(list(sys.modules)), file=sys.stderr))
sys.argv = ["hygge", *{list(words)!r}]
from hygge.cli.main import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


@pytest.mark.parametrize("name", ["", *(name for name, _ in commands())])
def test_help_is_as_agreed(name: str) -> None:
    words = name.split()
    done = CliRunner().invoke(cli, [*words, "--help"], terminal_width=80, max_content_width=80)
    assert done.exit_code == 0
    golden(f"cli/help{'-'.join(['', *words])}.txt", done.output)


def test_no_command_at_all_is_a_question_for_help() -> None:
    runner = CliRunner()
    alone, asked = runner.invoke(cli, []), runner.invoke(cli, ["-h"])
    assert (alone.exit_code, alone.output) == (0, asked.output)


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["-h"],
        ["version"],
        ["--version"],
        ["init", "--help"],
        ["go", "--help"],
        ["debug", "-h"],
        ["mirror", "--help"],
        ["mirror", "lint", "--help"],
    ],
)
def test_help_loads_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    assert not loaded(*words, cwd=tmp_path) & HEAVY
    assert not list(tmp_path.iterdir()), "and writes nothing"


def test_init_loads_nothing_heavy(tmp_path: Path) -> None:
    assert not loaded("init", "tea", cwd=tmp_path) & HEAVY


def test_the_listed_line_of_a_command_is_the_start_of_what_it_says() -> None:
    """The table holds these lines so that no command is loaded for `hygge --help`."""
    for name, command in commands():
        if name in COMMANDS and name != "start":
            line, said = COMMANDS[name][1].rstrip("."), " ".join((command.help or "").split())
            assert line.split(":")[0].split()[0] == said.split()[0], name


def test_every_command_and_option_is_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## `hygge ([a-z ]+)`$(.*?)(?=^## |\Z)", page, re.M | re.S))
    for name, command in commands():
        assert name in sections, f"docs/reference/cli.md has no section `hygge {name}`"
        for option in command.params:
            if isinstance(option, click.Option):
                missing = [o for o in option.opts if f"`{o}" not in sections[name]]
                assert not missing or name == "start", f"hygge {name}: {missing} is not documented"
            elif option.human_readable_name.strip("[]") not in sections[name]:
                pytest.fail(f"hygge {name}: the argument {option.human_readable_name} is not told")


def test_the_docs_name_no_option_that_is_not_there() -> None:
    page = PAGE.read_text(encoding="utf-8")
    known = {o for _, command in commands() for option in command.params for o in option.opts}
    known |= {o for option in cli.params for o in option.opts} | {"--help"}
    assert set(re.findall(r"`(--[a-z-]+)", page)) <= known


def test_every_exit_code_is_documented() -> None:
    from hygge.cli.exit_codes import ExitCode

    page = PAGE.read_text(encoding="utf-8")
    assert all(re.search(rf"^\| {code.value} \|", page, re.M) for code in ExitCode)


def test_versions_of_what_a_bug_report_needs() -> None:
    done = CliRunner().invoke(cli, ["version"])
    assert [line.split()[0] for line in done.output.splitlines()] == [
        "hygge",
        "python",
        "polars",
        "pyarrow",
        "pydantic",
    ]
    assert CliRunner().invoke(cli, ["--version"]).output == done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gp"], "error: there is no command 'gp', did you mean 'go'?\n  try: hygge --help\n"),
        (
            ["go", "--run-type", "incremental"],
            "error: there is no option --run-type\n  try: --incremental or --full-drop\n",
        ),
        (["go", "--flw", "a"], "error: there is no option --flw\n  try: "),
        (["go", "--concurrency", "0"], "error: invalid value for '--concurrency'"),
        (["go", "--concurrency"], "error: option '--concurrency' requires an argument"),
        (["history", "--limit", "many"], "error: invalid value for '--limit'"),
        (["journal", "export"], "error: missing argument"),
    ],
)
def test_a_slip_of_the_fingers_is_told_kindly(words: list[str], said: str) -> None:
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 2
    assert done.stderr.startswith(said)
    assert "try: " in done.stderr
    assert not done.stdout


def test_the_module_runs_as_the_command_does(tmp_path: Path) -> None:
    done = hygge(tmp_path, "version")
    assert done.returncode == 0
    assert done.stdout.startswith("hygge ")
