"""What is Fabric's own is left alone, and names and GUIDs are not mixed."""

from __future__ import annotations

import pytest
from tests.adls.conftest import Ask
from tests.servers.adls import onelake
from tests.servers.adls.server import Running

WORKSPACE, ITEM = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-aaaaaaaaaaaa"
HOME = "onelake/shop/lake.Lakehouse"


@pytest.fixture(autouse=True)
def account(running: Running) -> None:
    made = running.service.account("onelake", onelake=True, open=True)
    onelake.make_item(made, "shop", "lake.Lakehouse", WORKSPACE, ITEM)


def written(ask: Ask, path: str, **more: str) -> tuple[int, str | None]:
    answer = ask("PUT", path, body=b"1", x_ms_blob_type="BlockBlob", **more)
    return answer.status, answer.code


def test_names_and_guids_lead_to_the_same(ask: Ask) -> None:
    assert written(ask, f"{HOME}/Files/a b/x") == (201, None)
    assert ask("GET", f"onelake/{WORKSPACE}/{ITEM}/Files/a b/x").body == b"1"
    source = f"/{WORKSPACE}/{ITEM}/Files/a%20b/x"
    target = f"onelake/{WORKSPACE}/{ITEM}/Files/y"
    assert ask("PUT", target, x_ms_rename_source=source).status == 201
    assert ask("GET", f"{HOME}/Files/y").body == b"1"
    query = f"resource=filesystem&recursive=true&directory={ITEM}/Files"
    assert b"/Files/y" in ask("GET", f"onelake/{WORKSPACE}", query).body


@pytest.mark.parametrize(
    "path", [f"{WORKSPACE}/lake.Lakehouse", f"shop/{ITEM}", "shop/lake", f"{WORKSPACE}/{ITEM}.L"]
)
def test_they_are_not_mixed(ask: Ask, path: str) -> None:
    assert written(ask, f"onelake/{path}/Files/x") == (400, "FriendlyNameSupportDisabled")


@pytest.mark.parametrize("path", ["", "/Files", "/Tables", "/Other", "/Other/x"])
def test_items_and_their_first_folders_are_fabrics(ask: Ask, path: str) -> None:
    no = (400, "OperationNotAllowedOnThePath")
    assert written(ask, f"{HOME}{path}") == no
    made = ask("PUT", f"{HOME}{path}", "resource=directory")
    assert (made.status, made.code) == no
    deleted = ask("DELETE", f"{HOME}{path}", "recursive=true")
    assert (deleted.status, deleted.code) == no


def test_workspaces_are_only_looked_at(ask: Ask) -> None:
    for method, query in (
        ("PUT", "restype=container"),
        ("DELETE", "restype=container"),
        ("GET", "restype=container"),
        ("POST", "restype=container&comp=batch"),
    ):
        answer = ask(method, "onelake/shop", query)
        assert (answer.status, answer.code) == (400, "BadRequest")
        assert b"Either WorkspaceId or ArtifactId are missing" in answer.body
    assert ask("HEAD", "onelake/shop", "restype=container").status == 200
    assert ask("GET", "onelake", "comp=list").status == 400


def test_what_one_api_wrote_the_other_does_not_go_on_with(ask: Ask) -> None:
    ask("PUT", f"{HOME}/Files/x", "resource=file")
    block = ask("PUT", f"{HOME}/Files/x", "comp=block&blockid=YQ", b"1")
    assert (block.status, block.code) == (409, "BlobOperationNotSupported")
    written(ask, f"{HOME}/Files/y")
    more = ask("PATCH", f"{HOME}/Files/y", "action=append&position=1", b"2")
    assert more.status == 409
