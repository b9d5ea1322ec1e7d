"""`hygge mirror lint`: what it tells, to whom, and with which exit code."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest
from tests.cli.shell import hygge, written
from tests.golden.compare import golden
from tests.mirroring.cases_zone import numbers, well
from tests.mirroring.landing import Landing, people, rows

from hygge.core.journal import to_json
from hygge.mirroring.names import file_name
from hygge.mirroring.rules.table import ALL
from hygge.mirroring.state import ZoneState

ZONE = "Files/LandingZone"


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path)


def fresh(landing: Landing) -> None:
    """So that no file has waited for long, whenever the test runs."""
    for file in landing.path.rglob("*"):
        file.touch()


def test_a_landing_zone_that_is_well(landing: Landing, tmp_path: Path) -> None:
    well(landing)
    fresh(landing)
    done = hygge(tmp_path, "mirror", "lint", ".")
    assert (done.returncode, done.stderr) == (0, "")
    golden("cli/mirror-lint-well.txt", done.stdout)


def test_the_worst_comes_first_and_many_alike_are_one_line(
    landing: Landing, tmp_path: Path
) -> None:
    landing.table("Fine")
    landing.data(1, people(1), "Fine")
    landing.table("Warned", isPartitionEnabled=True)
    landing.data(1, people(1), "Warned")
    landing.table("sales.schema/Orders", keys=("key",))
    for number in (1, 2, 4):
        landing.data(number, people(number), "sales.schema/Orders")
    landing.put("readme.txt", b"")
    fresh(landing)
    done = hygge(tmp_path, "mirror", "lint", ZONE)
    assert done.returncode == 1
    golden("cli/mirror-lint-broken.txt", done.stdout)


def test_what_only_strict_shows(landing: Landing, tmp_path: Path) -> None:
    landing.table()
    landing.data(1, rows(required=(), id=[1, None]))
    fresh(landing)
    lenient = hygge(tmp_path, "mirror", "lint", ZONE)
    assert lenient.returncode == 0
    assert "R44" not in lenient.stdout
    assert lenient.stdout.splitlines()[-1].startswith("1 table, 1 file: all well; 1 more with --st")
    strict = hygge(tmp_path, "mirror", "lint", ZONE, "--strict")
    assert strict.returncode == 1
    assert "  strict   R44  00000000000000000001.parquet: the key 'id' is NULL" in strict.stdout


def test_json_is_one_object_with_every_rule(landing: Landing, tmp_path: Path) -> None:
    numbers(1, 3)(landing)
    fresh(landing)
    done = hygge(tmp_path, "mirror", "lint", ZONE, "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert {key: told[key] for key in ("version", "ok", "strict", "tables", "files", "errors")} == {
        "version": 1, "ok": False, "strict": False, "tables": 1, "files": 2, "errors": 1,
    }  # fmt: skip
    assert told["findings"] == [
        {
            "rule": "R23",
            "severity": "error",
            "table": "T",
            "where": "T/00000000000000000003.parquet",
            "what": "blocked: 1 file from here on wait for 2",
            "try": "publish 00000000000000000002.parquet under exactly that name",
        }
    ]
    by_rule = {rule["rule"]: rule for rule in told["rules"]}
    assert list(by_rule) == [rule.id for rule in ALL]
    assert by_rule["R23"]["outcome"] == "findings"
    assert by_rule["R01"] == {
        "rule": "R01", "title": ALL[0].title, "outcome": "passed", "findings": 0,
        "only_strict": 0, "not_checked": [],
    }  # fmt: skip
    assert by_rule["R12"]["outcome"] == "not checked"
    assert by_rule["R12"]["not_checked"][0]["table"] == "T"


def test_the_json_form_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text()
    section = re.search(r"^## `hygge mirror lint`$(.*?)(?=^## |\Z)", page, re.M | re.S)
    assert section is not None
    names = (
        "version zone strict ok tables files errors warnings only_strict findings rule severity "
        "table where what try rules title outcome not_checked why"
    )
    keys = names.split()
    assert [key for key in keys if f"`{key}`" not in section[1]] == []


def test_a_state_is_read_from_a_file(landing: Landing, tmp_path: Path) -> None:
    numbers(57, 58)(landing)
    fresh(landing)
    landing.took(57)
    (tmp_path / "state.json").write_text(to_json(landing.state))
    without = hygge(tmp_path, "mirror", "lint", ZONE)
    assert "need --state); --strict names them" in without.stdout
    assert "R12" in hygge(tmp_path, "mirror", "lint", ZONE, "--strict").stdout
    done = hygge(tmp_path, "mirror", "lint", ZONE, "--state", "state.json")
    assert done.returncode == 0
    assert "R12" not in done.stdout


def test_two_writers_are_found_by_their_journals(landing: Landing, tmp_path: Path) -> None:
    well(landing)
    landing.took(1)
    (tmp_path / "a.json").write_text(to_json(landing.state))
    other = dataclasses.replace(landing.known["T"], processed={file_name(1): "0" * 64})
    (tmp_path / "b.json").write_text(to_json(ZoneState({"T": other})))
    words = ["--journal", "a.json", "--journal", "b.json"]
    done = hygge(tmp_path, "mirror", "lint", ZONE, *words)
    assert done.returncode == 1
    assert "R60" in done.stdout


def test_limits_are_given_by_name(landing: Landing, tmp_path: Path) -> None:
    well(landing)
    fresh(landing)
    done = hygge(
        tmp_path, "mirror", "lint", ZONE, "--limit", "tables=0", "--limit", "column_name=3"
    )
    assert done.returncode == 1
    assert "R06  1 tables; a mirrored database takes 0" in done.stdout
    assert "R35  00000000000000000001.parquet and 1 more: the column 'name'" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([f"{ZONE}/T"], "is the folder of a table"),
        (["nowhere"], "nowhere is no folder here, and no connection"),
        (["memory://nowhere/zone"], "there is no landing zone at"),
        ([ZONE, "--state", "broken.json"], "is not the state of a landing zone"),
        ([ZONE, "--state", "gone.json"], "gone.json cannot be read"),
        ([ZONE, "--limit", "tabels=2"], "did you mean tables?"),
        ([ZONE, "--limit", "tables=many"], "'many' is no number"),
        ([], "missing argument"),
    ],
)
def test_what_cannot_be_asked_is_said_kindly(
    words: list[str], said: str, landing: Landing, tmp_path: Path
) -> None:
    well(landing)
    (tmp_path / "broken.json").write_text("{")
    done = hygge(tmp_path, "mirror", "lint", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "try: " in done.stderr
    assert done.stdout == ""


CONNECTIONS = """
connections:
  lake: {type: memory}
  shop: {type: sqlite, path: shop.db}
flows:
  one: {home: a.csv, store: b}
"""


def test_a_connection_is_a_place_too(tmp_path: Path) -> None:
    written(tmp_path, {"hygge.yml": CONNECTIONS})
    done = hygge(tmp_path, "mirror", "lint", "lake")
    assert done.returncode == 2
    assert "there is no landing zone at memory://Files/LandingZone" in done.stderr
    inside = hygge(tmp_path, "mirror", "lint", "lake/some/zone")
    assert "there is no landing zone at memory://some/zone" in inside.stderr
    database = hygge(tmp_path, "mirror", "lint", "shop")
    assert "the connection 'shop' is a database's" in database.stderr
    assert database.returncode == 2


def test_the_group_alone_shows_its_help(tmp_path: Path) -> None:
    done = hygge(tmp_path, "mirror")
    assert done.returncode == 0
    assert "lint" in done.stdout
    wrong = hygge(tmp_path, "mirror", "lnt")
    assert wrong.returncode == 2
    assert "no such command 'lnt'" in wrong.stderr.lower()
