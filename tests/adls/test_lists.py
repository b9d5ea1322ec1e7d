"""Lists, page by page, in both dialects; and many deletes at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import obstore
import pytest
from obstore.store import AzureStore
from tests.adls.conftest import Answer, Ask
from tests.servers.adls.server import Running

Put = Callable[..., Answer]
KEYS = ["a/1", "a/b/c/2", "a.x", "a/b.y", "top", "ü &<1>"]


@pytest.fixture(params=["lake", "flat"])
def account(request: pytest.FixtureRequest, put: Put) -> str:
    for key in KEYS:
        put(f"{request.param}/data/{key}", key.encode())
    return str(request.param)


def store(running: Running, account: str) -> AzureStore:
    told: Any = {"account_name": account, "endpoint": f"{running.url}/{account}"}
    told |= {"client_options": {"allow_http": True}, "skip_signature": True}
    return AzureStore("data", **told)


def pages(ask: Ask, account: str, query: str) -> list[list[str]]:
    """The names of each page, asked for until there is no next."""
    found, marker = [], ""
    while True:
        query_now = f"restype=container&comp=list&{query}&marker={quote(marker)}"
        body = ask("GET", f"{account}/data", query_now).body.decode()
        found.append(re.findall("<Name>(.*?)</Name>", body))
        marker = re.findall("<NextMarker>(.*?)</NextMarker>", body)[0]
        if not marker:
            return found


def test_blobs_come_in_the_order_of_their_names(running: Running, account: str) -> None:
    found = [o["path"] for page in obstore.list(store(running, account)) for o in page]
    assert found == sorted(KEYS)


def test_blobs_come_in_pages(ask: Ask, account: str) -> None:
    whole = pages(ask, account, "maxresults=5000")
    assert len(whole) == 1
    small = pages(ask, account, "maxresults=2")
    assert [name for page in small for name in page] == whole[0]
    assert {len(page) for page in small[:-1]} == {2}


@pytest.mark.parametrize("most", [1, 100])
def test_what_names_have_in_common(ask: Ask, account: str, most: int) -> None:
    found = pages(ask, account, f"delimiter=/&prefix=a/&maxresults={most}")
    assert [name for page in found for name in page] == ["a/1", "a/b.y", "a/b/"]


def test_directories_are_told_from_files(ask: Ask, put: Put) -> None:
    put("lake/data/d/x")
    body = ask("GET", "lake/data", "restype=container&comp=list").body.decode()
    assert body.count("<ResourceType>directory</ResourceType>") == 1
    assert body.count("<hdi_isfolder>true</hdi_isfolder>") == 1


@pytest.mark.parametrize("most", [1, 2, 100])
def test_paths_come_in_pages(ask: Ask, put: Put, most: int) -> None:
    for key in KEYS:
        put(f"lake/data/{key}")
    found: list[dict[str, str]] = []
    more = ""
    while True:
        query = f"resource=filesystem&recursive=true&maxresults={most}&continuation={quote(more)}"
        answer = ask("GET", "lake/data", query)
        page = json.loads(answer.body)["paths"]
        assert len(page) <= most
        found += page
        if not (more := answer.headers.get("x-ms-continuation", "")):
            break
    names = [path["name"] for path in found]
    assert sorted(names) == sorted([*KEYS, "a", "a/b", "a/b/c"])
    folders = {path["name"] for path in found if path.get("isDirectory") == "true"}
    assert folders == {"a", "a/b", "a/b/c"}


def test_paths_of_one_directory(ask: Ask, put: Put) -> None:
    for key in KEYS:
        put(f"lake/data/{key}")
    answer = ask("GET", "lake/data", "resource=filesystem&recursive=false&directory=a")
    assert [p["name"] for p in json.loads(answer.body)["paths"]] == ["a/1", "a/b", "a/b.y"]
    gone = ask("GET", "lake/data", "resource=filesystem&recursive=false&directory=none")
    assert (gone.status, gone.code) == (404, "PathNotFound")


def test_many_are_deleted_at_once(running: Running, account: str) -> None:
    found = store(running, account)
    obstore.delete(found, KEYS[:4])
    assert [o["path"] for page in obstore.list(found) for o in page] == sorted(KEYS[4:])
    with pytest.raises(FileNotFoundError):
        obstore.delete(found, ["top", "none"])
    assert [o["path"] for page in obstore.list(found) for o in page] == ["ü &<1>"]
    batches = [asked for asked in running.service.log if asked.query.get("comp") == "batch"]
    assert [asked.method for asked in batches] == ["POST", "POST"]


def test_ten_thousand_in_a_folder(running: Running) -> None:
    folder = running.service.accounts["lake"].container("data") / "many"
    folder.mkdir()
    for n in range(10_000):
        (folder / f"{n:05}").touch()
    found = [o["path"] for page in obstore.list(store(running, "lake"), "many") for o in page]
    assert found == [f"many/{n:05}" for n in range(10_000)]
