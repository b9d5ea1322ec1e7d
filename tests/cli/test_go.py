"""`hygge go`, as a shell sees it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.cli.projects import landed, shop, source, table
from tests.cli.shell import COMMAND, environment, everything, hygge, story, written
from tests.golden.compare import golden

from hygge.cli.main import cli

MISSING = "  missing: {home: data/none.parquet, store: lake/missing}\n"
NO_COLUMN = "  odd: {home: data/users.parquet, store: lake/odd, columns: [nome]}\n"


def sorted_lines(text: str) -> str:
    """Flows that run side by side end in no particular order."""
    return "\n".join(sorted(text.splitlines()))


def test_a_run_that_succeeds(tmp_path: Path) -> None:
    done = hygge(shop(tmp_path), "go")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].endswith("2 succeeded")
    assert done.stdout.startswith("1 flow, 2 tables, 6 rows, ")
    assert sorted(line.split()[0] for line in done.stderr.splitlines()) == [
        "[shop.orders]",
        "[shop.users]",
    ]
    assert {name: landed(tmp_path / "lake" / name) for name in ("users", "orders")} == {
        "users": 3,
        "orders": 3,
    }


def test_again_it_leaves_the_same(tmp_path: Path) -> None:
    shop(tmp_path)
    assert [hygge(tmp_path, word).returncode for word in ("go", "start")] == [0, 0]
    assert landed(tmp_path / "lake") == 6


@pytest.mark.parametrize(
    ("name", "more", "words", "code"),
    [
        ("ok", "", ["--flow", "shop", "--entity", "shop.users"], 0),
        ("failed", MISSING, ["--flow", "missing"], 1),
        ("config", "  odd: {home: a.parquet, stor: lake}\n", [], 2),
        ("config-of-a-flow", NO_COLUMN, ["--flow", "odd"], 2),
        ("connection", source("Unreachable"), ["--flow", "unreachable"], 3),
        ("surprise", source("Odd"), ["--flow", "odd"], 1),
        ("mixed", MISSING + source("Unreachable"), ["--flow", "missing,unreachable"], 1),
        ("no-such-flow", "", ["--flow", "shpo"], 2),
    ],
)
def test_every_ending_has_its_code(
    tmp_path: Path, name: str, more: str, words: list[str], code: int
) -> None:
    done = hygge(shop(tmp_path, more=more), "go", "--concurrency", "1", *words)
    assert done.returncode == code
    golden(f"cli/go-{name}.txt", story(done, tmp_path))
    assert "Traceback" not in done.stderr


def test_a_run_whose_journal_fails_stops_and_is_summed_up(tmp_path: Path) -> None:
    shop(tmp_path)
    written(tmp_path, {".hygge/journal.db": "no database at all" * 100})
    done = hygge(tmp_path, "go", "--entity", "shop.users")
    golden("cli/go-broken-journal.txt", story(done, tmp_path))
    assert done.returncode == 1
    assert not landed(tmp_path / "lake")


def test_failures_do_not_stop_the_others(tmp_path: Path) -> None:
    done = hygge(shop(tmp_path, more=MISSING), "go")
    assert done.returncode == 1
    assert landed(tmp_path / "lake") == 6
    assert done.stdout.splitlines()[-3] == "failed missing"
    assert done.stdout.splitlines()[-1].startswith("    try: ")


def test_outside_a_workspace(tmp_path: Path) -> None:
    for command in ("go", "debug", "history"):
        done = hygge(tmp_path, command)
        assert done.returncode == 2
        assert f"there is no hygge.yml; searched {tmp_path}, " in done.stderr
        assert "hygge init" in done.stderr.splitlines()[-1]


def test_from_a_folder_below(tmp_path: Path) -> None:
    shop(tmp_path)
    assert hygge(tmp_path / "data", "go").returncode == 0
    assert landed(tmp_path / "lake") == 6


def test_a_dry_run_touches_nothing(tmp_path: Path) -> None:
    shop(tmp_path, more=MISSING + source("Unreachable"))
    before = everything(tmp_path)
    done = hygge(tmp_path, "go", "--dry-run", "--concurrency", "3")
    golden("cli/go-dry-run.txt", story(done, tmp_path))
    assert "3 at once" in done.stdout
    as_json = hygge(tmp_path, "go", "--dry-run", "--json", "--flow", "shop")
    assert [flow["name"] for flow in json.loads(as_json.stdout)["flows"]] == [
        "shop.users",
        "shop.orders",
    ]
    assert everything(tmp_path) == before


@pytest.mark.parametrize(
    ("words", "flows"),
    [
        (["--entity", "shop.users,shop.orders"], ["shop.users", "shop.orders"]),
        (["--entity", "shop.users", "--entity", " shop.orders ,"], ["shop.users", "shop.orders"]),
        (["--flow", "shop", "--flow", "missing"], ["shop.users", "shop.orders", "missing"]),
        (["--flow", "shop,missing"], ["shop.users", "shop.orders", "missing"]),
    ],
)
def test_choosing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], flows: list[str]
) -> None:
    monkeypatch.chdir(shop(tmp_path, more=MISSING))
    done = CliRunner().invoke(cli, ["go", "--dry-run", "--json", *words])
    assert [flow["name"] for flow in json.loads(done.stdout)["flows"]] == flows


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--incremental", "--full-drop"], "--incremental and --full-drop exclude each other"),
        (["--var", "flow.shop.parallel"], "--var flow.shop.parallel has no value"),
        (["--var", "flow.shpo.parallel=2"], "there is no flow 'shpo'"),
        (["--dry-run", "--abandon", "x"], "--dry-run changes nothing, --abandon does"),
        (["--incremental"], "an incremental run needs a `watermark`"),
    ],
)
def test_what_cannot_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(shop(tmp_path))
    done = CliRunner().invoke(cli, ["go", *words])
    assert done.exit_code == 2
    assert said in done.stderr
    assert not (tmp_path / ".hygge").exists()


def test_var_sets_one_setting(tmp_path: Path) -> None:
    written(tmp_path, {"hygge.yml": "flows: {a: {home: none.parquet, store: lake/a}}\n"})
    table(tmp_path / "other.parquet", 2)
    done = hygge(tmp_path, "go", "--var", "flow.a.home.path=other.parquet")
    assert done.returncode == 0, done.stderr
    assert landed(tmp_path / "lake" / "a") == 2


def test_nothing_new_is_skipped_and_well(tmp_path: Path) -> None:
    flow = "{home: {path: data, type: parquet}, store: lake, run_type: incremental, watermark: id}"
    written(tmp_path, {"hygge.yml": f"flows: {{a: {flow}}}\n"})
    table(tmp_path / "data" / "1.parquet", 3)
    assert hygge(tmp_path, "go").returncode == 0
    again = hygge(tmp_path, "go")
    assert again.returncode == 0
    assert "1 skipped (nothing new)" in again.stdout
    assert "[a] nothing new" in again.stderr
    assert landed(tmp_path / "lake") == 3


def test_json_is_the_same_story_for_programs(tmp_path: Path) -> None:
    done = hygge(shop(tmp_path, more=MISSING), "go", "--json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.stderr == ""
    assert done.returncode == 1
    assert told[0]["event"] == "run_started"
    assert told[-1]["event"] == "summary"
    assert (told[-1]["succeeded"], told[-1]["failed"], told[-1]["rows"]) == (2, 1, 6)
    assert "batch_staged" not in {line["event"] for line in told}


def test_verbose_tells_of_parts_and_batches(tmp_path: Path) -> None:
    shop(tmp_path)
    plain = hygge(tmp_path, "go", "--verbose", "--entity", "shop.users")
    assert "[shop.users] batch staged: 3 rows" in plain.stderr
    as_json = hygge(tmp_path, "go", "--verbose", "--json", "--entity", "shop.users")
    assert {"batch_staged", "part_staged"} <= {
        json.loads(line)["event"] for line in as_json.stdout.splitlines()
    }


def test_a_traceback_only_for_those_who_ask(tmp_path: Path) -> None:
    written(tmp_path, {"hygge.yml": "flowz: {}\n"})
    assert "Traceback" not in hygge(tmp_path, "go").stderr
    for words in (["go", "--verbose"], ["--verbose", "go"]):
        told = hygge(tmp_path, *words).stderr
        assert "Traceback" in told
        assert told.splitlines()[-1].startswith("  try: ")


def test_verbose_traces_a_flow_that_failed(tmp_path: Path) -> None:
    written(tmp_path, {"hygge.yml": f"flows:\n{source('Odd')}"})
    told = hygge(tmp_path, "go", "--verbose").stderr
    assert "Traceback" in told
    assert "raise ZeroDivisionError" in told


def test_a_reader_that_goes_away_does_not_stop_the_run(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "go", "--json"],
        cwd=shop(tmp_path),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
        assert process.wait(60) == 0
    assert landed(tmp_path / "lake") == 6
    assert (
        told == "the output above is not complete (BrokenPipeError: [Errno 32] Broken pipe); "
        "the run itself is\n"
    )


def test_a_terminal_gets_the_live_view(tmp_path: Path) -> None:
    shop(tmp_path, more=MISSING)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "go"],
        cwd=tmp_path,
        env=environment(TERM="xterm", COLUMNS="80", LINES="24"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        screen = read_all(ours)
        assert process.wait(60) == 1
    assert "✓" in screen
    assert "shop.users" in screen
    assert "2 flows, 3 tables, 6 rows" in screen
    assert "\x1b[?25h" in screen, "the cursor is shown again"
    assert "[shop.users]" not in screen


def read_all(terminal: int) -> str:
    """Everything written to a terminal until nobody holds it any more."""
    found = b""
    try:
        while piece := os.read(terminal, 65536):
            found += piece
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(terminal)
    return found.decode()
