"""Two workshops for all crash tests, and the count of crash points at the end of the run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.crash.points import Tally, Workshop

POINTS = "crash_points"


@pytest.fixture(scope="session")
def workshops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Workshop]]:
    made = [Workshop(tmp_path_factory.mktemp(f"workshop-{n}")) for n in range(2)]
    yield made
    for workshop in made:
        workshop.close()


@pytest.fixture
def passed(record_property: pytest.RecordProperty) -> object:  # type: ignore[name-defined]
    """Counts a tally's points for the summary, and fails the test for its failures."""

    def count(tally: Tally, least: int = 1) -> None:
        record_property(POINTS, tally.points)
        assert not tally.failures, str(tally)
        assert tally.points >= least

    return count
