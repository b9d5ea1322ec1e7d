"""What depends on a table's past is never called well without knowing it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.mirroring.cases_zone import LAST_UPDATE, aside, numbers, well
from tests.mirroring.landing import Landing, people, rows

from hygge.mirroring.names import ROW_MARKER, file_name
from hygge.mirroring.report import Outcome
from hygge.mirroring.rules.rule import Need
from hygge.mirroring.rules.table import ALL
from hygge.mirroring.rules.views import Limits

IN_THE_MIDDLE = numbers(57, 58)
CSV = {"R58"}
BY_TIME = {"R28"}
MANY = {"R36"}


def outcomes(landing: Landing, **more: Any) -> dict[str, Outcome]:
    report = landing.lint(**more)
    return {rule.id: report.outcome(rule.id) for rule in ALL}


@pytest.mark.parametrize("rule", [rule for rule in ALL if rule.need is not Need.NOTHING],
                         ids=lambda rule: str(rule.id))  # fmt: skip
def test_a_rule_that_needs_to_know_more_does_not_pass(rule: Any, tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    if rule.id in CSV:
        landing.table()
        landing.csv(57, "id,name\n1,a\n")
    elif rule.id in BY_TIME:
        landing.table(**LAST_UPDATE)
        landing.data("a.parquet", people(1))
    else:
        (numbers(*range(57, 69)) if rule.id in MANY else IN_THE_MIDDLE)(landing)
    report = landing.lint()
    assert report.outcome(rule.id) is Outcome.UNCHECKED
    told = [one for one in report.unchecked if one.rule == rule.id]
    assert all(one.why for one in told)


def test_a_story_from_number_1_tells_all_but_what_the_service_did(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    well(landing)
    found = outcomes(landing)
    open_ = [rule for rule, outcome in found.items() if outcome is Outcome.UNCHECKED]
    assert open_ == ["R12", "R19", "R24", "R25", "R26", "R35", "R51", "R60", "R61", "R62"]


def test_files_that_were_moved_aside_are_part_of_the_story(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    aside(landing)
    landing.data(4, rows(id=[9], title=["x"]))
    report = landing.lint()
    assert report.outcome("R56") is Outcome.FOUND
    assert report.outcome("R48") is Outcome.PASSED
    assert [f.where for f in report.findings if f.rule == "R56"] == [f"T/{file_name(4)}"]


def test_the_last_file_that_was_taken_waits_for_nothing(tmp_path: Path) -> None:
    """It stays in the folder, for as long as the table is idle."""
    landing = Landing(tmp_path)
    landing.table()
    for number in range(1, 20):
        landing.data(f"_ProcessedFiles/{file_name(number)}", people(number))
    landing.data(20, people(20))
    landing.age(f"T/{file_name(20)}", 49)
    found = outcomes(landing)
    assert (found["R36"], found["R61"]) == (Outcome.PASSED, Outcome.UNCHECKED)
    landing.took(*range(1, 21))
    found = outcomes(landing)
    assert (found["R36"], found["R61"]) == (Outcome.PASSED, Outcome.PASSED)


def test_moves_that_are_under_way_are_no_errors(tmp_path: Path) -> None:
    """1 and 3 were moved aside, 2 not yet."""
    landing = Landing(tmp_path)
    landing.table()
    for number in (1, 3):
        landing.data(f"_ProcessedFiles/{file_name(number)}", people(number))
    for number in (2, 4):
        landing.data(number, people(number))
    found = outcomes(landing)
    assert [found[rule] for rule in ("R23", "R24", "R25")] == [
        Outcome.PASSED,
        Outcome.UNCHECKED,
        Outcome.UNCHECKED,
    ]


def test_numbers_that_come_again_look_like_a_first_load(tmp_path: Path) -> None:
    """The service is past 5, and what it took is purged: only a state tells."""
    landing = Landing(tmp_path)
    numbers(1, 2, 3, 4, 5)(landing)
    assert outcomes(landing)["R25"] is Outcome.UNCHECKED
    landing.took(1, 2, 3, 4, 5)
    assert outcomes(landing)["R25"] is Outcome.FOUND


@pytest.mark.parametrize("second", [{"name": ["x"]}, {"src": ["a"]}])
def test_rows_are_followed_where_each_file_can_be(second: dict[str, Any], tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landing.table()
    landing.data(1, rows(id=[1], src=["a"]))
    landing.data(2, rows(id=[1], marker=[2]))
    landing.data(3, rows(id=[2], marker=[4], **second))
    found = outcomes(landing, source_id="src")["R51"]
    assert found is (Outcome.PASSED if "src" in second else Outcome.UNCHECKED)
    assert outcomes(landing, source_id="nowhere")["R51"] is Outcome.UNCHECKED


def test_of_two_columns_of_markers_none_is_judged(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landing.table()
    marks = pa.array([3], pa.int32())
    names = ["id", ROW_MARKER, ROW_MARKER]
    landing.data(1, pa.Table.from_arrays([marks, marks, marks], names=names))
    found = outcomes(landing)
    assert (found["R40"], found["R42"], found["R43"]) == (
        Outcome.FOUND,
        Outcome.UNCHECKED,
        Outcome.UNCHECKED,
    )


def test_what_only_strict_shows_has_not_passed(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landing.table()
    landing.data(1, rows({"id": pa.uint32()}, id=[1]))
    report = landing.lint()
    assert report.outcome("R32") is Outcome.FOUND
    (told,) = (rule for rule in report.as_dict()["rules"] if rule["rule"] == "R32")
    assert (told["outcome"], told["findings"], told["only_strict"]) == ("findings", 0, 1)


def test_a_state_that_does_not_tell_of_delimited_files(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    well(landing)
    landing.took(1, delimited=None)
    assert outcomes(landing)["R19"] is Outcome.UNCHECKED


def test_a_state_tells_what_the_files_do_not(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    IN_THE_MIDDLE(landing)
    landing.took(57, last=57)
    found = outcomes(landing)
    open_ = [rule for rule, outcome in found.items() if outcome is Outcome.UNCHECKED]
    assert open_ == ["R35", "R48", "R49", "R50", "R51", "R60"]
    assert set(found.values()) == {Outcome.PASSED, Outcome.UNCHECKED}


def test_a_table_that_a_state_does_not_know_is_new(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    IN_THE_MIDDLE(landing)
    assert outcomes(landing, state=True)["R22"] is Outcome.FOUND


def test_what_is_seen_is_told_although_not_all_is_known(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landing.table()
    landing.data(57, people(1))
    landing.data(58, rows({"name": None}, id=[1], title=["x"]))
    report = landing.lint()
    assert report.outcome("R56") is Outcome.FOUND
    assert "R56" in report.not_checked


def test_another_kind_of_identity_is_not_another_folder(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    well(landing)
    landing.took(1, identity="uuid:1234")
    assert outcomes(landing)["R62"] is Outcome.UNCHECKED


def test_more_keys_than_fit_are_not_looked_at(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    well(landing)
    report = landing.lint(limits=Limits(keys=3))
    assert report.outcome("R48") is Outcome.UNCHECKED
    assert "it has more than 3 keys" in {one.why for one in report.unchecked}


def test_a_zone_without_times_is_not_called_within_its_day(tmp_path: Path) -> None:
    from hygge.filesystems.filesystem import FileInfo, FileSystem
    from hygge.filesystems.local import LocalFileSystem
    from hygge.filesystems.locating import locate
    from hygge.mirroring.lint import lint

    class Timeless(LocalFileSystem):
        def list(self, folder: str = "") -> list[FileInfo]:
            return [FileInfo(f.path, f.size, f.version) for f in super().list(folder)]

    landing = Landing(tmp_path)
    well(landing)
    _, path = locate(str(landing.path))
    files: FileSystem = Timeless("/")
    assert lint(files, path).outcome("R59") is Outcome.UNCHECKED


def test_the_same_files_give_the_same_report(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    numbers(1, 3)(landing)
    assert landing.lint() == landing.lint()
