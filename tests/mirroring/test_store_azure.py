"""A landing zone in Azure's storage that is not well: whatever is refused, cut off or not answered,
the mirror is what the source is in the end, and no number is given twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.filesystems.conftest import settings
from tests.mirroring.publisher import Load, Publisher
from tests.servers.adls import access, onelake
from tests.servers.adls.asking import Request
from tests.servers.adls.faults import Fault, Kind
from tests.servers.adls.server import Running, start

from hygge.connections.named import NamedConnections
from hygge.core.errors import ConfigError, HyggeError, NotYet, StoreError
from hygge.core.store import Mode, StoreConfig
from hygge.filesystems import azure_errors
from hygge.filesystems.filesystem import FileSystem
from hygge.stores.mirror_config import OpenMirroringConfig
from hygge.stores.mirror_place import placed
from hygge.stores.open_mirroring import OpenMirroringStore
from hygge.testing.harness import people, rows_of

SEED = Load.of(Mode.MERGE, people(0, 3))
MORE = Load.of(Mode.MERGE, people(2, 2, "new"), people(4, 1))
ANEW = Load.of(Mode.REPLACE, people(70, 2), keys=("id",))
AFTER = {
    "more": rows_of([people(0, 2), people(2, 2, "new"), people(4, 1)]),
    "anew": people(70, 2).rows(),
}
LOADS = {"more": MORE, "anew": ANEW}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = start(tmp_path / "azure")
    made.service.account("lake")
    yield made
    made.stop()


class AtAzure(Publisher):
    """Each with a container of its own."""

    count = 0

    def __init__(self, folder: Path, running: Running) -> None:
        AtAzure.count += 1
        self.container, self.running = f"c{AtAzure.count}", running
        running.service.accounts["lake"].make_container(self.container)
        super().__init__(folder / self.container)

    def found(self, place: str) -> tuple[FileSystem, str]:
        told = settings(self.running, "lake", container=self.container)
        config = OpenMirroringConfig.model_validate(
            {"type": "open_mirroring", "connection": "lake", "table": "people"}
        )
        return placed(config, NamedConnections({"lake": {"type": "adls", **told}}))


@dataclass
class Cut:
    """The n-th request that changes something goes wrong; or, for good, all from there on are
    refused, and nobody asks again."""

    running: Running
    kind: Kind
    at: int
    for_good: bool = False

    def __enter__(self) -> Fault:
        def counts(request: Request) -> bool:
            return request.method not in ("GET", "HEAD")

        times, status = (10**9, 403) if self.for_good else (1, 503)
        self.fault = Fault(counts, self.kind, status, after=self.at - 1, times=times)
        self.running.service.faults.append(self.fault)
        return self.fault

    def __exit__(self, *exc: object) -> None:
        self.running.service.faults.clear()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long before asking again."""
    monkeypatch.setattr(azure_errors, "_WAIT", 0.001)


def each(
    running: Running,
    tmp_path: Path,
    what: str,
    step: int,
    cut: Callable[[int], Cut],
    *,
    always: bool = False,
) -> list[str]:
    """What is wrong after each point, once the next run is through; `always`: it goes through."""
    failures, at = list[str](), 1
    while True:
        publisher = AtAzure(tmp_path, running)
        publisher.run(SEED)
        publisher.apply()
        load_id, said = "", "ended"
        with cut(at) as fault:
            try:
                made = publisher.begin(LOADS[what])
                load_id = made.request.load_id
                publisher.finish(made, LOADS[what])
            except NotYet:
                said = "waits"
            except HyggeError as failed:
                said = f"{type(failed).__name__}: {failed.what}"
        if not fault.met:
            return failures
        if not publisher.recover(*([load_id] if load_id else [])):
            publisher.run(LOADS[what])
        failures += [f"{at} ({said}): {t}" for t in publisher.complaints(AFTER[what])]
        if said != "ended" and always:
            failures.append(f"{at}: it did not go through: {said}")
        at += step


@pytest.mark.parametrize("what", ["more", "anew"])
@pytest.mark.parametrize(
    ("kind", "step"),
    [
        (Kind.LOST, 5),
        (Kind.REFUSED, 9),
        (Kind.RESET, 9),
        *(pytest.param(kind, 1, marks=pytest.mark.long) for kind in list(Kind)[:3]),
    ],
)
def test_one_request_that_goes_wrong_is_asked_again(
    tmp_path: Path, running: Running, what: str, kind: Kind, step: int
) -> None:
    """Refused, cut off before it was done, or done and not answered: the load goes through."""
    failures = each(running, tmp_path, what, step, lambda at: Cut(running, kind, at), always=True)
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("what", ["more", "anew"])
@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.long)])
def test_gone_before_any_request(tmp_path: Path, running: Running, what: str, step: int) -> None:
    """No request from there on arrives: as if the process had died."""
    made = list[Cut]()

    def gone(at: int) -> Cut:
        made.append(Cut(running, Kind.REFUSED, at, for_good=True))
        return made[-1]

    failures = each(running, tmp_path, what, step, gone)
    assert len(made) > 3
    assert not failures, "\n".join(failures)


def test_every_rename_whose_answer_is_lost(tmp_path: Path, running: Running) -> None:
    """The service says that the source is gone, or that the name is taken: by us."""
    publisher = AtAzure(tmp_path, running)
    publisher.run(SEED)

    def renames(request: Request) -> bool:
        return bool(request.header("x-ms-rename-source"))

    lost = Fault(renames, kind=Kind.LOST, times=100)
    running.service.faults.append(lost)
    with pytest.raises(HyggeError):
        publisher.run(MORE)
    running.service.faults.clear()
    assert lost.met > 1
    assert len(publisher.recover()) == 1
    assert publisher.complaints(AFTER["more"]) == []


def test_a_number_that_another_took_stays_his(tmp_path: Path, running: Running) -> None:
    publisher = AtAzure(tmp_path, running)
    publisher.run(SEED)
    held = Fault(lambda r: bool(r.header("x-ms-rename-source")), status=403, times=100)
    running.service.faults.append(held)
    with pytest.raises(StoreError):
        publisher.run(MORE)
    running.service.faults.clear()
    publisher.files.put_once(publisher.path(2), b"theirs")
    with pytest.raises(StoreError, match="another writer"):
        publisher.recover()
    assert publisher.files.get(publisher.path(2)) == b"theirs"
    publisher.files.delete(publisher.path(2))
    assert len(publisher.recover()) == 1
    assert publisher.complaints(AFTER["more"]) == []


# OneLake

WORKSPACE, DATABASE = (f"{n}2345678-1234-1234-1234-123456789abc" for n in (1, 2))


def fabric(running: Running, **more: Any) -> OpenMirroringStore:
    account = running.service.account("onelake", onelake=True)
    if not account.guids:
        onelake.make_item(account, "shop", "people.MirroredDatabase", WORKSPACE, DATABASE)
    shown = {"type": "entra", "method": "token", "token": access.token(account, 3600)}
    endpoint = {"endpoint": f"{running.url}/onelake", "credential": shown}
    connection = {"type": "onelake", "workspace": WORKSPACE, "item": DATABASE, **endpoint}
    told = {"type": "open_mirroring", "connection": "fabric", "table": "people", **more}
    config = StoreConfig.create({**told, "folder_deletion_wait_seconds": 0})
    assert isinstance(config, OpenMirroringConfig)
    return OpenMirroringStore.build(config, NamedConnections({"fabric": connection}))


class AtFabric(Publisher):
    def __init__(self, folder: Path, running: Running) -> None:
        self._made = fabric(running)
        super().__init__(folder)
        self.folder = f"{self.zone}/dbo.schema/people"

    def found(self, place: str) -> tuple[FileSystem, str]:
        return self._made.table.fs, self._made.table.zone


def test_a_mirrored_database_of_fabric(tmp_path: Path, running: Running) -> None:
    publisher = AtFabric(tmp_path, running)
    publisher.store().probe()
    publisher.run(SEED)
    publisher.run(MORE)
    assert publisher.complaints(AFTER["more"]) == []
    publisher.run(ANEW)
    assert publisher.complaints(AFTER["anew"]) == []
    assert publisher.zone == "Files/LandingZone"


def test_a_mirrored_database_by_its_name_is_refused(running: Running) -> None:
    fabric(running)
    named = {"type": "onelake", "workspace": "shop", "item": "people.MirroredDatabase"}
    config = OpenMirroringConfig.model_validate(
        {"type": "open_mirroring", "connection": "fabric", "table": "people"}
    )
    with pytest.raises(ConfigError, match="told by its name"):
        placed(config, NamedConnections({"fabric": named}))
