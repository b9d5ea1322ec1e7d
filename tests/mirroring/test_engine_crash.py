"""Killed wherever you like, the next apply makes all exact: nothing lost, nothing twice."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.mirroring import killing
from tests.mirroring.killing import outcome, prepared
from tests.mirroring.zones import Zone, ordered

from hygge.core.errors import StoreError
from hygge.filesystems.local import LocalFileSystem
from hygge.mirroring.names import file_name
from hygge.testing.zygote import Zygote

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]
Tell = Callable[[str, object], None]
EVERY = 9
"""Of the file operations, so many are met by a kill, and the rest by the fault layer."""


@pytest.fixture
def zygote() -> Iterator[Zygote]:
    with Zygote("tests.mirroring.killing", "hygge.filesystems.local") as made:
        yield made


class Place:
    """One folder, made again as it was before each crash."""

    def __init__(self, tmp: Path) -> None:
        self.folder, self._template = tmp / "here", tmp / "template"
        prepared(self.folder)
        shutil.copytree(self.folder, self._template)
        self.zone = Zone(self.folder)
        self.zone.apply()
        self.wanted = outcome(self.zone)

    def fresh(self) -> Zone:
        shutil.rmtree(self.folder)
        shutil.copytree(self._template, self.folder)
        return self.zone


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_story_is_what_it_is_meant_to_be(place: Place) -> None:
    assert place.wanted["T"] == ordered(
        [(1, "one"), (3, "three"), (4, "row 4"), (5, "row 5"), (8, "again"), (8, "eight")]
    )
    assert place.wanted["anew"] == place.wanted["new"] == place.wanted["sales.schema/T"]
    assert place.wanted["gone"] is None
    assert place.wanted["late"] == ordered([(1, "a"), (2, "a"), (2, "b")])
    assert "__rowMarker__ is 3" in place.wanted["bad remembered"][3]


@pytest.mark.parametrize("step", [2, pytest.param(1, marks=pytest.mark.long)])
def test_an_error_at_every_side_effect(place: Place, record_property: Tell, step: int) -> None:
    points = 0
    while killing.broken(place.fresh(), step * points + 1) is not None:
        points += 1
        place.zone.apply()
        assert outcome(place.zone) == place.wanted, f"point {points}"
    record_property("crash_points", points)
    assert points > 80 // step


def test_two_errors_one_after_the_other(place: Place) -> None:
    for first in range(3, 200, 17):
        if killing.broken(place.fresh(), first) is None:
            return
        killing.broken(place.zone, first // 2 + 1)
        place.zone.apply()
        assert outcome(place.zone) == place.wanted, f"point {first}"


def test_a_kill_at_many_file_operations(
    place: Place,
    zygote: Zygote,
    record_property: Tell,
) -> None:
    at, points = 1, 0
    while True:
        place.fresh()
        ending = zygote.run(killing.killed, place.folder, at)
        if not ending.killed:
            assert ending.code == 0, ending.trace
            break
        place.zone.apply()
        assert outcome(place.zone) == place.wanted, f"file operation {at}"
        at, points = at + EVERY, points + 1
    record_property("crash_points", points)
    assert points > 15


def test_what_a_killed_apply_left_goes_after_an_hour(place: Place) -> None:
    table = place.zone.into / "dbo" / "T"
    strangers = [
        table / "0123456789abcdef01234567.parquet",
        table / "_delta_log" / "_00000000000000000004.json.0123456789ab",
    ]
    for stranger in strangers:
        stranger.write_bytes(b"half")
    place.zone.apply()
    assert all(stranger.exists() for stranger in strangers), "a slow writer may be at it"
    for stranger in strangers:
        os.utime(stranger, (1, 1))
    place.zone.apply()
    assert not any(stranger.exists() for stranger in strangers)
    assert place.zone.rows() == place.wanted["T"]


def test_a_table_that_was_half_deleted_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder is moved away and back, and in between an apply is killed while it deletes."""
    zone = Zone(tmp_path)
    zone.metadata()
    for number in (1, 2):
        zone.put(number, [(number, "x", 0)])
    zone.apply()
    zone.folder().rename(tmp_path / "away")

    def half(self: LocalFileSystem, folder: str) -> None:
        newest = max((zone.into / "dbo" / "T" / "_delta_log").glob("*.json"))
        newest.unlink()
        raise StoreError("killed here")

    monkeypatch.setattr(LocalFileSystem, "delete_folder", half)
    with pytest.raises(StoreError, match="killed here"):
        zone.apply()
    monkeypatch.undo()
    (tmp_path / "away").rename(zone.folder())
    assert zone.apply().of("T").waits == file_name(1)
    assert zone.rows() is None
