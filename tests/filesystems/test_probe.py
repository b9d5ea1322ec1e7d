"""What a probe of a folder says where nothing may be written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.filesystems.places import Amazon, Google, ObjectPlace
from tests.servers.http_proxy import HttpProxy, proxy

from hygge.core.errors import HomeError, StoreError
from hygge.filesystems.locating import locate
from hygge.filesystems.memory import MemoryFileSystem


def test_who_may_not_write_is_told_that_and_not_that_nothing_can_be_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def write(self: MemoryFileSystem, path: str, data: bytes) -> bool:
        raise StoreError("may not write")

    def delete(self: MemoryFileSystem, path: str) -> None:
        raise StoreError("may not delete")

    monkeypatch.setattr(MemoryFileSystem, "put_once", write)
    monkeypatch.setattr(MemoryFileSystem, "delete", delete)
    files, _ = locate("memory://probed/x")
    with pytest.raises(StoreError, match="may not write"):
        files.probe("")


KINDS = {"s3": Amazon, "gcs": Google}
READING, MAKING = ("If-Match",), ("If-None-Match", "x-goog-if-generation-match")


@pytest.fixture(params=KINDS)
def deaf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[ObjectPlace, list[str]]]:
    """A place whose server hears nothing of some headers: those that are put into the list."""
    place: ObjectPlace = KINDS[request.param](tmp_path)
    unheard = list[str]()

    class Deaf(HttpProxy):
        def passed_on(self, method: str, path: str, headers: Any, body: bytes) -> Any:
            lower = {one.lower() for one in unheard}
            heard = {key: told for key, told in headers.items() if key.lower() not in lower}
            return super().passed_on(method, path, heard, body)

    with proxy(place.settings["endpoint"], Deaf) as (_, url):
        place.settings = {**place.settings, "endpoint": url}
        yield place, unheard


def test_a_server_that_hears_all_is_let_in(deaf: tuple[ObjectPlace, list[str]]) -> None:
    place, _ = deaf
    place.put("in/1.csv", b"id\n1\n")
    place.files.probe("raw/deep")
    place.store("raw/people").probe()
    place.home("in").probe()
    assert [file.path for file in place.files.list()] == ["in/1.csv"]


@pytest.mark.parametrize(("unheard", "told"), [(MAKING, "made twice"), (READING, "could be mixed")])
def test_a_server_that_ignores_conditions_is_refused(
    deaf: tuple[ObjectPlace, list[str]], unheard: tuple[str, ...], told: str
) -> None:
    place, headers = deaf
    headers += unheard
    for layout in ("folder", "versioned"):
        with pytest.raises((StoreError, HomeError), match=told) as failed:
            place.store("raw/people", layout=layout).probe()
        assert "a server that keeps to `If-" in str(failed.value.hint)
        assert not failed.value.transient
    assert list(place.files.list()) == [], "a trial was left"


def test_a_server_that_cannot_tell_what_is_read_is_no_source(
    deaf: tuple[ObjectPlace, list[str]],
) -> None:
    place, headers = deaf
    place.put("in/1.csv", b"id\n1\n")
    place.put("in/0.csv", b"")
    headers += READING
    with pytest.raises(HomeError, match="could be mixed"):
        place.home("in").probe()


def test_a_server_that_shows_what_was_there_before_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Amazon(tmp_path)
    files = place.files
    monkeypatch.setattr(type(files), "replace", lambda self, path, data: None)
    with pytest.raises(StoreError, match="shows an old file"):
        files.probe("raw")
