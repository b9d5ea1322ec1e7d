"""One file before it is published, and files that are damaged."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.mirroring.cases_zone import well
from tests.mirroring.landing import PEOPLE, Landing, people, rows

from hygge.core.errors import ConfigError, SourceMissing
from hygge.core.journal import from_json, to_json
from hygge.filesystems.locating import locate
from hygge.filesystems.memory import forget
from hygge.mirroring.lint import facts_of, file_findings, lint
from hygge.mirroring.metadata import TableMetadata
from hygge.mirroring.names import METADATA, file_name
from hygge.mirroring.places import landing_zone
from hygge.mirroring.rules.rule import Severity
from hygge.mirroring.state import ZoneState

KEYED = TableMetadata(keys=("id",))


def test_a_file_is_judged_before_it_is_published(tmp_path: Path) -> None:
    files, path = locate(str(Landing(tmp_path).data("_half.parquet", rows(id=[1], marker=[3]))))
    facts = facts_of(files, path, KEYED, file_name(1))
    found = file_findings(facts, KEYED, (), first=True, marked=False)
    assert [(one.rule, one.where) for one in found] == [
        ("R42", file_name(1)),
        ("R46", file_name(1)),
    ]
    assert [one.severity for one in found] == [Severity.ERROR, Severity.WARNING]
    later = file_findings(facts, KEYED, PEOPLE, first=False, marked=True)
    assert [one.rule for one in later] == ["R42", "R55"]
    assert [one.rule for one in file_findings(facts, KEYED, None, first=False, marked=True)] == [
        "R42"
    ]


def test_what_hygge_writes_itself_breaks_no_rule(tmp_path: Path) -> None:
    files, path = locate(str(Landing(tmp_path).data(1, people(1, marker=[4]))))
    facts = facts_of(files, path, KEYED)
    assert file_findings(facts, KEYED, PEOPLE, first=False, marked=True) == []


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    files, path = locate(str(tmp_path / "x.parquet"))
    with pytest.raises(SourceMissing):
        facts_of(files, path, KEYED)


def test_facts_are_counted_over_row_groups(tmp_path: Path) -> None:
    marker = [0, 1, 2, 4] * 50
    landing = Landing(tmp_path)
    file = landing.data(1, people(*range(200), marker=marker), row_group_size=7)
    files, path = locate(str(file))
    facts = facts_of(files, path, KEYED)
    assert facts.markers == {0: 50, 1: 50, 2: 50, 4: 50}
    assert facts.rows == 200
    assert facts.seen == PEOPLE
    assert facts.codecs == ("zstd",)


@pytest.mark.parametrize("seed", range(8))
def test_no_damage_ends_the_process(seed: int, tmp_path: Path) -> None:
    file = Landing(tmp_path).data(1, people(1, 2, marker=[1, 4]))
    whole, dice = file.read_bytes(), random.Random(seed)
    files, path = locate(str(file))
    broken = 0
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 3)):
            data[dice.randrange(4, len(data))] = dice.randrange(256)
        file.write_bytes(data[: dice.choice([len(data), len(data), dice.randrange(len(data))])])
        broken += facts_of(files, path, KEYED).broken is not None
    assert broken > 20


@pytest.mark.parametrize("inside", ["", "Files", "Files/LandingZone"])
def test_a_landing_zone_is_found_from_above(inside: str, tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    well(landing)
    files, path = locate(str(tmp_path / inside))
    report = lint(files, path)
    assert report.zone == str(landing.path)
    assert (report.tables, report.files) == (1, 2)


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("Files/LandingZone/T", "the folder of a table"),
        ("Files/LandingZone/a.schema", "the folder of a schema"),
        ("Files/LandingZone/a.schema/T", "the folder of a table"),
        ("Files/LandingZone/bare", "the folder of a table"),
        ("nowhere", "there is no landing zone"),
    ],
)
def test_what_is_no_landing_zone_is_said_to_be_what_it_is(
    inside: str, said: str, tmp_path: Path
) -> None:
    landing = Landing(tmp_path)
    well(landing)
    landing.table("a.schema/T")
    landing.data(1, people(1), "bare")
    files, path = locate(str(tmp_path / inside))
    with pytest.raises(ConfigError, match=said) as failed:
        landing_zone(files, path)
    assert str(failed.value.hint).endswith("LandingZone")


def test_a_landing_zone_may_lie_anywhere(tmp_path: Path) -> None:
    forget("lint-test")
    files, _ = locate("memory://lint-test/zone")
    files.replace("zone/sales.schema/T/" + METADATA, KEYED.to_bytes())
    files.replace(f"zone/sales.schema/T/{file_name(1)}", b"")
    report = lint(files, "zone", strict=True)
    found = {(one.rule, one.table, one.where) for one in report.findings}
    assert ("R29", "sales.T", f"sales.schema/T/{file_name(1)}") in found
    forget("lint-test")


def test_a_state_comes_back_from_json(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    well(landing)
    landing.took(1, 2)
    assert from_json(ZoneState, to_json(landing.state)) == landing.state
