"""Which account, container, workspace and item a path or URL leads to, and which it may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.servers.adls import access
from tests.servers.adls.server import Running

from hygge.core.errors import ConfigError, HyggeError, StoreError
from hygge.filesystems.azure import AdlsFileSystem, AzureBlobFileSystem
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.locating import locate
from hygge.filesystems.onelake import OneLakeFileSystem

KEY = {"type": "azure_key", "account_key": "a2V5"}
WORKSPACE, ITEM = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-aaaaaaaaaaaa"
FABRIC = "onelake.dfs.fabric.microsoft.com"


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("abfss://data@lake.dfs.core.windows.net/a b/x", {}),
        ("abfs://data@lake.blob.core.windows.net/a b/x", {}),
        ("https://lake.dfs.core.windows.net/data/a%20b/x", {}),
        ("https://lake.blob.core.windows.net/data/a%20b/x", {}),
        ("az://data/a b/x", {"account": "lake"}),
        ("abfss://data@lake.dfs.core.windows.net/a b/x", {"account": "lake", "container": "data"}),
    ],
)
def test_an_account_by_url(path: str, more: dict[str, Any]) -> None:
    files, inside = locate(path, settings={"credential": KEY, **more})
    assert type(files) is AdlsFileSystem
    assert inside == "a b/x"
    assert files.url(inside) == "abfss://data@lake.dfs.core.windows.net/a b/x"


def test_a_path_in_a_connections_container() -> None:
    told = {"account": "lake", "container": "data", "credential": KEY}
    files, inside = locate("a/x", "adls", told)
    assert files.url(inside) == "abfss://data@lake.dfs.core.windows.net/a/x"
    flat, _ = locate("a/x", "adls", {**told, "hierarchical": False})
    assert type(flat) is AzureBlobFileSystem
    assert (flat.capabilities.folders, flat.capabilities.atomic_move) == (False, False)
    assert type(locate("a/x", "azure_blob", told)[0]) is AzureBlobFileSystem


@pytest.mark.parametrize(
    ("path", "more", "match"),
    [
        ("az://data/x", {}, "which storage account"),
        ("x", {"account": "lake"}, "which container"),
        ("https://example.com/data/x.csv", {}, "no account of Azure's"),
        ("az://other/x", {"account": "lake", "container": "data"}, "leads to: data"),
        ("abfss://data@other.dfs.core.windows.net/x", {"account": "lake"}, "leads to: lake"),
        ("x", {"account": "lake", "container": "data", "credential": {"type": "aws"}}, "aws"),
        ("x", {"account": "lake", "container": "data", "credential": {"type": "sas"}}, "token"),
    ],
)
def test_what_leads_nowhere(path: str, more: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        locate(path, "adls", {"credential": KEY, **more})


@pytest.mark.parametrize(
    ("path", "place", "inside"),
    [
        (f"https://{FABRIC}/my%20shop/l.Lakehouse/Files/a", "my shop", "l.Lakehouse"),
        (f"abfss://shop@{FABRIC}/l.Lakehouse/Files/a", "shop", "l.Lakehouse"),
        (f"abfss://{WORKSPACE}@{FABRIC}/{ITEM}/Files/a", WORKSPACE, ITEM),
        (f"https://onelake.blob.fabric.microsoft.com/{WORKSPACE}/{ITEM}/Files/a", WORKSPACE, ITEM),
        (f"https://west-{FABRIC}/{WORKSPACE}/{ITEM}/Files/a", WORKSPACE, ITEM),
    ],
)
def test_onelake_by_url(path: str, place: str, inside: str) -> None:
    files, found = locate(path)
    assert isinstance(files, OneLakeFileSystem)
    assert (files.container, files.item, found) == (place, inside, "Files/a")
    assert files.host.endswith(FABRIC)
    again, same = locate(files.url(found))
    assert (again.url(same), same) == (files.url(found), "Files/a")


def test_onelake_by_its_settings() -> None:
    told = {"workspace": "shop", "item": "l.Lakehouse"}
    files, inside = locate("Tables/x", "onelake", told)
    assert files.url(inside) == f"abfss://shop@{FABRIC}/l.Lakehouse/Tables/x"


@pytest.mark.parametrize(
    ("workspace", "item", "path", "match"),
    [
        ("shop", ITEM, "Files/a", "no mixture"),
        (WORKSPACE, "l.Lakehouse", "Files/a", "no mixture"),
        (WORKSPACE, f"{ITEM}.Lakehouse", "Files/a", "no mixture"),
        ("shop", "l", "Files/a", "without its type"),
        ("shop", None, "Files/a", "which item"),
        (None, "l.Lakehouse", "Files/a", "which item"),
        ("shop", "l.Lakehouse", "Files", "outside"),
        ("shop", "l.Lakehouse", "Other/a", "outside"),
        ("shop", "l.Lakehouse", "a", "outside"),
        ("shop", "l.Lakehouse", "", "outside"),
        ("shop", "l.Lakehouse", "Files/../Tables", "outside"),
        ("shop", "l.Lakehouse", f"abfss://other@{FABRIC}/l.Lakehouse/Files/a", "leads to: shop"),
        ("shop", "l.Lakehouse", f"abfss://shop@{FABRIC}/m.Lakehouse/Files/a", "leads to: l"),
    ],
)
def test_what_onelake_does_not_take(
    workspace: str | None, item: str | None, path: str, match: str
) -> None:
    told = {"workspace": workspace, "item": item}
    told = {name: value for name, value in told.items() if value is not None}
    with pytest.raises(ConfigError, match=match) as failed:
        locate(path, "onelake", told)
    assert failed.value.hint


def fabric(running: Running, workspace: str = "shop", item: str = "lake.Lakehouse") -> FileSystem:
    account = running.service.accounts["onelake"]
    shown = {"type": "entra", "method": "token", "token": access.token(account)}
    place = {"workspace": workspace, "item": item, "endpoint": f"{running.url}/onelake"}
    return OneLakeFileSystem.at("Files/a", {**place, "credential": shown})[0]


def test_onelake_has_no_keys() -> None:
    told = {"workspace": "shop", "item": "l.Lakehouse", "credential": KEY}
    with pytest.raises(ConfigError, match="azure_key"):
        locate("Files/a", "onelake", told)


def test_onelake_is_asked_for_nothing_outside(running: Running) -> None:
    files = fabric(running)
    files.probe("Files/people")
    files.put_once("Files/people/x", b"1")
    files.move("Files/people/x", "Tables/people/x")
    assert [file.path for file in files.list("Tables")] == ["Tables/people/x"]
    files.delete("Tables/people/x")
    files.delete_folder("Files/people")
    assert running.service.log
    assert all(asked.key or asked.method == "GET" for asked in running.service.log)


def test_what_is_fabrics_is_refused_in_words(running: Running) -> None:
    files = fabric(running)
    asked: list[Callable[[], None]] = [
        lambda: files.delete_folder("Files"),
        lambda: files.move("Files/a", "b"),
        lambda: files.delete("Tables"),
    ]
    for refused in asked:
        with pytest.raises(ConfigError, match="outside"):
            refused()
    with pytest.raises(StoreError, match="OperationNotAllowedOnThePath") as failed:
        files.put_once("a/x", b"1")
    assert "Files or Tables" in str(failed.value.hint)


def test_a_workspace_that_is_not_there_says_so(running: Running) -> None:
    files = fabric(running, WORKSPACE, ITEM)
    with pytest.raises(HyggeError, match="WorkspaceNotFound") as failed:
        files.put_once("Files/a", b"1")
    assert "GUID" in str(failed.value.hint)
