"""What OneLake is stricter about: workspaces and items are Fabric's, and so are their first levels.

As Microsoft's pages tell it; nothing of it was seen on the service itself.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final
from urllib.parse import quote, urlsplit

from tests.servers.adls.asking import Reply, Request
from tests.servers.adls.lake import Account
from tests.servers.adls.refusals import Refused

_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MANAGED: Final = ("Files", "Tables")


def make_item(account: Account, workspace: str, item: str, *guids: str) -> None:
    """A lakehouse or a mirrored database with its managed folders, as Fabric makes it."""
    for folder in _MANAGED:
        (account.container(workspace) / item / folder).mkdir(parents=True)
    for guid, name in zip(guids, (workspace, f"{workspace}/{item}"), strict=False):
        account.guids[guid.lower()] = name


def resolved(account: Account, request: Request) -> Request:
    """With names in place of GUIDs. Raises Refused for what OneLake does not do."""
    if not request.container:
        _only_looking(request)
        return request
    workspace = request.container
    item, _, rest = request.key.partition("/")
    if not item:
        if request.method != "HEAD" and not _lists(request):
            told = "Either WorkspaceId or ArtifactId are missing."
            raise Refused(400, "BadRequest", told)
        item = _listed(request)
    by_guid = bool(_GUID.fullmatch(workspace))
    if item:
        _same_kind(by_guid, item)
    if not _lists(request):
        _not_managed(request, rest)
    return _named(account, request, workspace, item) if by_guid else request


def in_its_words(account: Account, asked: Request, reply: Reply) -> Reply:
    """What was asked for by GUIDs is answered so."""
    item = _listed(asked)
    name = account.guids.get(item.lower(), "").partition("/")[2]
    if not (_lists(asked) and name):
        return reply
    body = reply.body.replace(f"{name}/".encode(), f"{item}/".encode())
    return replace(reply, body=body, length=None)


def _listed(request: Request) -> str:
    """The item that a list is of."""
    prefix = request.query.get("prefix", "")
    inside = prefix.rpartition("/")[0] or request.query.get("directory", "").strip("/")
    return inside.partition("/")[0]


def _lists(request: Request) -> bool:
    query = request.query
    return request.method == "GET" and ("resource" in query or query.get("comp") == "list")


def _only_looking(request: Request) -> None:
    if request.method != "HEAD":
        raise Refused(400, "BadRequest", "Either WorkspaceId or ArtifactId are missing.")


def _same_kind(by_guid: bool, item: str) -> None:
    if by_guid != bool(_GUID.fullmatch(item)) or (not by_guid and "." not in item):
        told = "Workspace and item are both named, or both told by their ids."
        raise Refused(400, "FriendlyNameSupportDisabled", told)


def _not_managed(request: Request, rest: str) -> None:
    """Items and their first level are neither made, renamed nor deleted, nor are there others."""
    words = rest.strip("/").split("/")
    if words[0] and words[0] not in _MANAGED and request.method not in ("GET", "HEAD"):
        raise Refused(400, "OperationNotAllowedOnThePath", "Only Files and Tables are there.")
    if len([word for word in words if word]) < 2 and request.method in ("PUT", "DELETE", "PATCH"):
        told = "This operation is not allowed on the path."
        raise Refused(400, "OperationNotAllowedOnThePath", told)


def _named(account: Account, request: Request, workspace: str, item: str) -> Request:
    name = account.guids.get(workspace.lower())
    whole = account.guids.get(item.lower(), f"{name}/unknown.item") if item else name
    if name is None or whole is None:
        raise Refused(404, "WorkspaceNotFound", "The workspace is not there.")
    asked = urlsplit(request.path)
    ids, names = f"{workspace}/{item}".rstrip("/"), quote(whole)
    path = asked.path.replace(ids, names, 1)
    path = path.replace(workspace, quote(name), 1)
    query = asked.query
    if item:
        query = query.replace(item, quote(whole.partition("/")[2], safe=""))
    headers = request.headers
    if source := request.header("x-ms-rename-source"):
        del headers["x-ms-rename-source"]
        headers["x-ms-rename-source"] = source.replace(ids, names, 1)
    return type(request)(
        request.method, f"{path}?{query}" if query else path, headers, request.body
    )
