"""A wire to the server that breaks at any message: nothing is lost, nothing comes twice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from tests.faults.scene import DATABASES, LONG, MODES, Scene, scene
from tests.servers.proxy import Wire

from hygge.core.errors import ConnectionFailed, FlowTimeout
from hygge.flow.report import FlowReport

pytestmark = [pytest.mark.crash, pytest.mark.timeout(480)]
A_FEW = [(Wire.RESET, 5), (Wire.RESET, 40), (Wire.HALF_OPEN, 90), (Wire.STALL, 4)]
A_FEW += [(Wire.LOST_REPLY, 3)]
HARMS = {Wire.RESET: 6, Wire.HALF_OPEN: 6, Wire.STALL: 15}
"""Of the first thirty messages each mode has every so many, and all modes together every third of
that; then come powers of two. A stall takes its time."""


def points(mode: str, step: int) -> Iterator[int]:
    yield from range(1 + list(MODES).index(mode) * step // 3, 31, step)
    yield from (2**n for n in range(5, 16))


def _says_commit(data: bytes) -> bool:
    return re.search(rb"\bcommit\b", data.lower().replace(b"\0", b"")) is not None


def harmed(stage: Scene, harm: Wire, at: int, patience: float) -> FlowReport:
    """The run; a stalled one gives up after so many seconds."""
    stage.put_back()
    commits = harm is Wire.LOST_REPLY
    stage.wire.arm(harm, at, _says_commit if commits else None)
    return stage.run(timeout=patience if harm is Wire.STALL else None)


def broken(stage: Scene, harm: Wire, at: int) -> list[str] | None:
    """One run whose wire breaks at this message, and what is wrong after the next one."""
    report = harmed(stage, harm, at, LONG)
    if not stage.wire.met and isinstance(report.error, FlowTimeout):  # a slow machine
        report = harmed(stage, harm, at, 20 * LONG)
    if not stage.wire.met:
        assert report.error is None, report.error
        return None
    told = stage.wrong_rows() if report.error is None else []
    if report.error is not None and not isinstance(report.error, ConnectionFailed | FlowTimeout):
        told.append(f"told as {type(report.error).__name__}: {report.error}")
    return [f"message {at} {stage.wire.met[:40]!r}: {x}" for x in told + stage.settled()]


def every(stage: Scene, harm: Wire, numbers: Iterable[int]) -> tuple[int, list[str]]:
    """How many points were met, and all that was wrong."""
    met, found = 0, list[str]()
    for at in numbers:
        if (complaints := broken(stage, harm, at)) is None:
            break
        met += 1
        found += complaints
    return met, found


@pytest.mark.parametrize("mode", ["merge"])
@pytest.mark.parametrize("database", DATABASES)
def test_broken_at_a_few_messages(
    tmp_path: Path,
    database: str,
    mode: str,
    record_property: pytest.RecordProperty,  # type: ignore[name-defined]
) -> None:
    with scene(tmp_path, database, mode) as stage:
        found = [broken(stage, harm, at) for harm, at in A_FEW]
    met = [complaints for complaints in found if complaints is not None]
    record_property("crash_points", len(met))
    assert len(met) == len(A_FEW)
    assert not any(met), met


@pytest.mark.long
@pytest.mark.parametrize("harm", HARMS, ids=str)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("database", DATABASES)
def test_broken_at_a_message(
    tmp_path: Path,
    database: str,
    mode: str,
    harm: Wire,
    record_property: pytest.RecordProperty,  # type: ignore[name-defined]
) -> None:
    step = HARMS[harm]
    with scene(tmp_path, database, mode) as stage:
        met, found = every(stage, harm, points(mode, step))
    record_property("crash_points", met)
    assert not found, "\n".join(found)
    assert met > 30 // step


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("database", DATABASES)
def test_a_commit_whose_answer_is_lost(
    tmp_path: Path,
    database: str,
    mode: str,
    record_property: pytest.RecordProperty,  # type: ignore[name-defined]
) -> None:
    with scene(tmp_path, database, mode) as stage:
        met, found = every(stage, Wire.LOST_REPLY, range(1, 99))
    record_property("crash_points", met)
    assert not found, "\n".join(found)
    assert met > 3
