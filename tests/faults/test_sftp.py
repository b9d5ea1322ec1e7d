"""A wire to an SFTP server that breaks at any message: nothing is lost, nothing comes twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.rigs.file_homes import ParquetFilesRig
from tests.rigs.files import ParquetFolderRig
from tests.servers import sshd
from tests.servers.proxy import Proxy, Wire

from hygge.connections.named import NamedConnections
from hygge.core.errors import ConnectionFailed
from hygge.core.home import HomeConfig
from hygge.core.store import StoreConfig
from hygge.flow.factory import FlowFactory
from hygge.flow.report import FlowReport
from hygge.flow.settings import FlowSettings
from hygge.flow.terms import Terms
from hygge.journal.memory import MemoryJournal
from hygge.testing.harness import people, rows_of, unordered

pytestmark = [pytest.mark.crash, pytest.mark.timeout(480)]
MODES: dict[str, dict[str, Any]] = {
    "full_drop": {},
    "watermark": {"run_type": "incremental", "watermark": "id"},
    "new_files": {"run_type": "incremental", "new_files": True},
}


class Scene:
    """Files of a server on their way into another folder of it, by one wire."""

    def __init__(self, tmp: Path, mode: str, wire: Proxy) -> None:
        self.mode, self.wire = mode, wire
        self.source, self.target = ParquetFilesRig(tmp), ParquetFolderRig(tmp)
        self.journal, self.folder = MemoryJournal(), tmp
        self.source.give(people(0, 5), people(5, 5))
        report = self.run(retries=3)
        assert report.error is None, report.error

    def more(self, number: int) -> None:
        """Another file arrives."""
        frame = people(10 + number * 5, 5)
        frame.write_parquet(self.source.folder / f"{number + 2:04}.parquet")
        self.wanted = [people(0, 10 + (number + 1) * 5)]

    def run(self, **settings: Any) -> FlowReport:
        told = {**sshd.server().settings(self.wire.port), "type": "sftp"}
        connections = NamedConnections({"server": {**told, "folder": str(self.folder)}})
        end = {"type": "parquet", "connection": "server"}
        flow = FlowFactory.build(
            "people",
            HomeConfig.create({**end, "path": "people", "partition_mb": 0.0001}),
            StoreConfig.create({**end, "path": "lake/people"}),
            FlowSettings(**{"retries": 0, "parallel": 2, **MODES[self.mode], **settings}),
            self.journal,
            connections=connections,
        )
        return asyncio.run(flow.run(Terms(pause=lambda _: asyncio.sleep(0))))

    def complaints(self) -> list[str]:
        found = [f"left: {path}" for path in self.target.leftovers()]
        if unordered(self.target.look()) != unordered(rows_of(self.wanted)):
            found.append("not the rows of the source")
        return found


@pytest.fixture
def wire() -> Iterator[Proxy]:
    with Proxy("127.0.0.1", sshd.server().port) as made:
        yield made


POINTS = [*range(1, 10), 20, 45, 90, 130, 170, 210, 250, 300, 350, 400, 500, 600, 800, 1000]


LONG = [
    pytest.param(mode, harm, 1, marks=pytest.mark.long)
    for mode in MODES
    for harm in (Wire.RESET, Wire.LOST_REPLY)
]


@pytest.mark.parametrize(
    ("mode", "harm", "step"),
    [("watermark", Wire.RESET, 4), ("new_files", Wire.LOST_REPLY, 4), *LONG],
)
def test_broken_at_a_message(tmp_path: Path, wire: Proxy, mode: str, harm: Wire, step: int) -> None:
    scene, met = Scene(tmp_path, mode, wire), 0
    for number, at in enumerate(POINTS[::step]):
        scene.more(number)
        wire.arm(harm, at, (lambda sent: True) if harm is Wire.LOST_REPLY else None)
        report = scene.run()
        met += bool(wire.met)
        wire.arm(harm, 0)
        if report.error is None:
            assert not scene.complaints(), f"at {at}"
            continue
        assert isinstance(report.error, ConnectionFailed), f"at {at}: {report.error}"
        report = scene.run(retries=2)
        assert report.error is None, f"after {at}: {report.error}"
        assert not scene.complaints(), f"after {at}"
    assert met > 3
