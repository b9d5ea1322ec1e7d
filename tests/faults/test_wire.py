"""A wire to the server that breaks at any message: nothing is lost, nothing comes twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.faults.scene import DATABASES, LONG, MODES, Scene, scene
from tests.servers.proxy import Wire

from hygge.core.errors import ConnectionFailed, FlowTimeout

pytestmark = [pytest.mark.crash, pytest.mark.timeout(480)]
COMMIT = b"commit"


def points() -> Iterator[int]:
    """The first thirty messages, and then powers of two."""
    yield from range(1, 31)
    yield from (2**n for n in range(5, 16))


def broken(
    stage: Scene, harm: Wire, at: int, about: Callable[[bytes], bool] | None
) -> list[str] | None:
    """One run whose wire breaks at this message, and what is wrong after the next one."""
    stage.put_back()
    stage.wire.arm(harm, at, about)
    report = stage.run(timeout=LONG if harm is Wire.STALL else None)
    if not stage.wire.met:
        assert report.error is None, report.error
        return None
    told = stage.complaints() if report.error is None else []
    if report.error is not None and not isinstance(report.error, ConnectionFailed | FlowTimeout):
        told.append(f"told as {type(report.error).__name__}: {report.error}")
    return [f"message {at} {stage.wire.met[:40]!r}: {x}" for x in told + stage.settled()]


def every(
    stage: Scene, harm: Wire, numbers: Iterator[int], about: Callable[[bytes], bool] | None = None
) -> tuple[int, list[str]]:
    met, found = 0, list[str]()
    for at in numbers:
        if (complaints := broken(stage, harm, at, about)) is None:
            break
        met += 1
        found += complaints
    return met, found


@pytest.mark.parametrize("harm", [Wire.RESET, Wire.HALF_OPEN, Wire.STALL], ids=str)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("database", DATABASES)
def test_broken_at_a_message(tmp_path: Path, database: str, mode: str, harm: Wire) -> None:
    with scene(tmp_path, database, mode) as stage:
        met, found = every(stage, harm, points())
    assert not found, "\n".join(found)
    assert met > 30


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("database", DATABASES)
def test_a_commit_whose_answer_is_lost(tmp_path: Path, database: str, mode: str) -> None:
    with scene(tmp_path, database, mode) as stage:
        met, found = every(
            stage, Wire.LOST_REPLY, iter(range(1, 99)), lambda data: COMMIT in data.lower()
        )
    assert not found, "\n".join(found)
    assert met > 3
