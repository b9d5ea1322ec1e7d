"""Files to files: a second run, a retry, an empty source, harm on the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.rigs.file_homes import ParquetFilesRig
from tests.rigs.files import ParquetFolderRig, VersionedParquetRig

from hygge.core.errors import ConnectionFailed, VerificationFailed
from hygge.core.journal import Status
from hygge.core.store import Store
from hygge.flow.flow import Flow
from hygge.flow.report import FlowReport
from hygge.flow.settings import FlowSettings
from hygge.flow.terms import Terms
from hygge.journal.sqlite import SqliteJournal
from hygge.testing import faults
from hygge.testing.faulty_store import FaultyStore
from hygge.testing.harness import people, rows_of, unordered

INCREMENTAL: dict[str, Any] = {"run_type": "incremental", "watermark": "id"}
BOTH = pytest.mark.parametrize("settings", [{}, INCREMENTAL], ids=["full_drop", "incremental"])


class Files:
    """A folder of parquet on its way into another, with a journal on disk."""

    def __init__(self, tmp: Path, target: type[ParquetFolderRig]) -> None:
        (tmp / "from").mkdir()
        self.source, self.target = ParquetFilesRig(tmp / "from"), target(tmp)
        self.journal = tmp / "journal.db"

    def run(
        self, settings: dict[str, Any], trigger: Callable[[str], Any] = lambda what: None
    ) -> FlowReport:
        home = self.source.home()
        store: Store[Any] = FaultyStore(self.target.store(), trigger)

        async def story() -> FlowReport:
            async with SqliteJournal(self.journal) as journal:
                chosen = FlowSettings(parallel=2, **settings)
                flow = Flow("people", home, store, journal, chosen)
                report = await flow.run(Terms(pause=lambda seconds: asyncio.sleep(0)))
                self.unfinished = len(await journal.unfinished("people"))
                return report

        return asyncio.run(story())

    def settled(self, *frames: pl.DataFrame) -> bool:
        """Exactly these rows, and nothing of ours beside them."""
        same = unordered(self.target.look()) == unordered(rows_of(frames))
        return same and not self.target.leftovers() and not self.unfinished


@pytest.fixture(params=[ParquetFolderRig, VersionedParquetRig], ids=["folder", "versioned"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    return Files(tmp_path, request.param)


@BOTH
def test_a_second_run_leaves_the_same_rows(files: Files, settings: dict[str, Any]) -> None:
    files.source.give(people(0, 5), people(5, 4))
    for expected in (Status.SUCCESS, Status.SKIP if settings else Status.SUCCESS):
        assert files.run(settings).status is expected
        assert files.settled(people(0, 9))


@BOTH
def test_more_rows_arrive(files: Files, settings: dict[str, Any]) -> None:
    files.source.give(people(0, 5))
    files.run(settings)
    files.source.give(people(0, 5), people(5, 4))
    assert files.run(settings).rows == (4 if settings else 9)
    assert files.settled(people(0, 9))


@BOTH
def test_keys_merge_nothing_where_nothing_is_merged(files: Files, settings: dict[str, Any]) -> None:
    files.source.give(people(0, 3), people(0, 3, "again"))
    files.run({**settings, "keys": "id", "write": "append"})
    assert files.settled(people(0, 3), people(0, 3, "again"))


@BOTH
def test_an_empty_source(files: Files, settings: dict[str, Any]) -> None:
    files.source.give(people(0, 0))
    report = files.run(settings)
    assert report.status is (Status.SKIP if settings else Status.SUCCESS)
    assert files.target.look() == (None if settings else [])
    files.source.give(people(0, 3))
    files.run(settings)
    assert files.settled(people(0, 3))
    files.source.give(people(0, 0))
    files.run(settings)
    assert files.settled(people(0, 3 if settings else 0))


@BOTH
@pytest.mark.parametrize("step", ["open", "write", "finish", "verify", "commit", "committed"])
def test_a_retry_does_not_double(files: Files, settings: dict[str, Any], step: str) -> None:
    files.source.give(people(0, 5))
    files.run(settings)
    files.source.give(people(0, 5), people(5, 3), people(8, 3))
    tries = 0

    def drop_once(what: str) -> None:
        nonlocal tries
        tries += what == step
        if what == step and tries == 1:
            raise ConnectionFailed("for a moment")

    assert files.run(settings, drop_once).status is Status.SUCCESS
    assert tries >= 1
    assert files.settled(people(0, 11))


@pytest.mark.parametrize(
    "harm", [faults.lose, faults.truncate, faults.double_rows, faults.flip_a_byte]
)
def test_a_harmed_file_is_not_published(files: Files, harm: Callable[[Path], None]) -> None:
    files.source.give(people(0, 5))
    files.run({})
    files.source.give(people(0, 5, "new"), people(5, 5, "new"))
    staging = files.target.own / "staging"

    async def sabotage(what: str) -> None:
        if what == "verify":
            await asyncio.to_thread(lambda: harm(next(staging.rglob("*.parquet"))))

    report = files.run({"retries": 0}, sabotage)
    assert isinstance(report.error, VerificationFailed)
    assert unordered(files.target.look()) == unordered(people(0, 5).rows())
    files.run({})
    assert files.settled(people(0, 5, "new"), people(5, 5, "new"))
