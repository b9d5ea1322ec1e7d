"""Requests to an object store that fail, or whose answers are lost: nothing is lost or doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.faults.scene import MODES, Named
from tests.rigs.memory import MemoryHomeRig
from tests.rigs.s3 import S3FolderRig
from tests.servers import s3
from tests.servers.http_proxy import Harm, HttpProxy, Plan, proxy

from hygge.core.errors import ConnectionFailed, HomeError, HyggeError, StoreError
from hygge.core.store import StoreConfig
from hygge.filesystems import objects
from hygge.filesystems.s3 import S3FileSystem
from hygge.flow.factory import store_of
from hygge.flow.flow import Flow
from hygge.flow.report import FlowReport
from hygge.flow.settings import FlowSettings
from hygge.flow.terms import Terms
from hygge.journal.memory import MemoryJournal
from hygge.testing.harness import people, unordered

QUICK = {
    **objects.RETRY,
    "max_retries": 3,
    "backoff": {
        "base": 2,
        "init_backoff": timedelta(milliseconds=2),
        "max_backoff": timedelta(milliseconds=5),
    },
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "RETRY", QUICK)


@pytest.fixture
def between() -> Iterator[tuple[HttpProxy, str]]:
    with proxy(s3.url()) as made:
        yield made


class Scene:
    """People on their way into a bucket, through the proxy."""

    def __init__(self, tmp: Path, mode: str, between: tuple[HttpProxy, str]) -> None:
        self.rig, self.source, self.mode = S3FolderRig(tmp), MemoryHomeRig(tmp), mode
        self.proxy, self.url = between
        self.journal = MemoryJournal()
        self.frames = [people(0, 6)]
        self.source.give(*self.frames)
        assert self.run().error is None
        self.frames = [people(0, 6), people(6, 6), people(12, 6)]
        self.source.give(*self.frames)

    def store(self) -> Any:
        known = {"type": "s3", **s3.settings(self.rig.bucket), "endpoint": self.url}
        config = {"type": "s3", "connection": "lake", "path": "raw/people"}
        return store_of(StoreConfig.create(config), Named(**known))

    def run(self) -> FlowReport:
        chosen = FlowSettings(**{"retries": 0, **MODES[self.mode]})
        flow = Flow("people", self.source.home(), self.store(), self.journal, chosen)
        return asyncio.run(flow.run(Terms(pause=lambda _: asyncio.sleep(0))))

    def complaints(self) -> list[str]:
        rows = [row for frame in self.frames for row in frame.rows()]
        found = [f"left: {path}" for path in self.rig.leftovers()]
        if unordered(self.rig.look() or []) != unordered(rows):
            found.append("the rows are others")
        return found


@pytest.mark.parametrize("harm", Harm, ids=str)
@pytest.mark.parametrize("times", [1, 20], ids=["once", "for long"])
@pytest.mark.parametrize("mode", ["full_drop", "append"])
@pytest.mark.long
@pytest.mark.timeout(480)
def test_a_request_that_fails(
    tmp_path: Path, mode: str, times: int, harm: Harm, between: tuple[HttpProxy, str]
) -> None:
    """Once is got over by itself; what lasts is told, and the next run does it."""
    first = [*Harm].index(harm) + 5 * (mode == "append") + 1
    met, wrong = 0, list[str]()
    for at in range(first, 200, 17):
        stage = Scene(tmp_path / str(at), mode, between)
        stage.proxy.arm(Plan(harm, at, times))
        report = stage.run()
        where, stage.proxy.met = stage.proxy.met, []
        if not where:
            break
        met += 1
        told = [] if report.error is None else [report.error]
        if told and (times == 1 or not isinstance(told[0], ConnectionFailed)):
            wrong.append(f"{where[0]}: {told[0]!r}")
        stage.proxy.arm(None)
        if (after := stage.run()).error is not None:
            wrong.append(f"{where[0]}: the next run: {after.error}")
        wrong += [f"{where[0]}: {complaint}" for complaint in stage.complaints()]
    assert not wrong, "\n".join(wrong)
    assert met >= 2


def made(settings: dict[str, Any]) -> S3FileSystem:
    return S3FileSystem.at("", settings)[0]


def test_a_record_whose_answer_is_lost_is_ours(between: tuple[HttpProxy, str]) -> None:
    """The library asks again, and is told that it is there."""
    wire, url = between
    files = made({**s3.settings(s3.new_bucket()), "endpoint": url})
    wire.arm(Plan(Harm.LOST_REPLY, 1, 1, lambda method, path: method == "PUT"))
    assert files.put_once("record", b"ours")
    assert wire.met
    assert not files.put_once("record", b"theirs")
    assert files.get("record") == b"ours"


def test_a_server_that_lets_a_name_be_given_twice_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = made(s3.settings(s3.new_bucket()))
    monkeypatch.setattr(
        S3FileSystem, "put_once", lambda self, path, data: self.replace(path, data) or True
    )
    with pytest.raises(StoreError, match="made twice"):
        files.probe("raw")
    assert list(files.list()) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"bucket": "no-such-bucket"}, "NoSuchBucket"),
        ({"endpoint": "http://127.0.0.1:1"}, r"http://127\.0\.0\.1:1 does not answer"),
    ],
)
def test_a_place_that_is_not_there(change: dict[str, Any], told: str) -> None:
    files = made({**s3.settings("lake"), **change})
    for look in (lambda: list(files.list("a")), lambda: files.replace("a", b"1")):
        with pytest.raises(HyggeError, match=told) as failed:
            look()
        assert isinstance(failed.value, HomeError | StoreError | ConnectionFailed)


def test_what_is_denied_says_so(
    between: tuple[HttpProxy, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wire, url = between
    files = made({**s3.settings(s3.new_bucket()), "endpoint": url})

    def refuse(*given: object) -> Any:
        body = b"<Error><Code>AccessDenied</Code><Message>You may not do this.</Message></Error>"
        return 403, [("Content-Type", "application/xml")], body

    monkeypatch.setattr(wire, "passed_on", refuse)
    with pytest.raises(StoreError, match=r"AccessDenied: You may not do this\.") as failed:
        files.replace("a", b"1")
    assert "try: " in str(failed.value)
    with pytest.raises(HomeError, match="AccessDenied"):
        list(files.list("a"))


def test_an_object_that_changes_while_it_is_read() -> None:
    files = made(s3.settings(s3.new_bucket()))
    files.replace("a", b"0" * 6_000_000)
    with files.open("a") as file:
        file.read(10)
        files.replace("a", b"1" * 6_000_000)
        file.seek(5_000_000)
        with pytest.raises(HyggeError, match="changed while it was read"):
            file.read(10)
