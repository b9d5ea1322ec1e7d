"""The Blob dialect: whole blobs, blobs of blocks, copies, ranges, lists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from tests.servers.adls import listing
from tests.servers.adls.asking import Reply, Request
from tests.servers.adls.conditions import check, check_lease, lease
from tests.servers.adls.describing import WRITTEN, changed, described, metadata_of, moment
from tests.servers.adls.lake import Account, Entry, Span
from tests.servers.adls.refusals import Refused, missing, no_container

_ASKED: Final = re.compile(r"<(Latest|Uncommitted|Committed)>([^<]*)</")


def about_account(account: Account) -> Reply:
    headers = {"x-ms-sku-name": "Standard_LRS", "x-ms-account-kind": "StorageV2"}
    headers["x-ms-is-hns-enabled"] = str(account.hierarchical).lower()
    return Reply(200, headers=headers)


def container(account: Account, request: Request) -> Reply:
    """A request of the container itself."""
    folder = account.container(request.container)
    if request.query.get("restype") == "account":
        return about_account(account)
    if request.method == "PUT":
        if folder.exists():
            raise Refused(409, "ContainerAlreadyExists", "The specified container exists.")
        account.make_container(request.container)
    entry = account.entry(folder)
    if entry is None:
        raise no_container(dfs=False)
    if request.method == "DELETE":
        account.remove(folder)
        return Reply(202)
    if request.query.get("comp") == "list":
        return listing.blobs(account, request)
    headers = {"ETag": entry.etag, "Last-Modified": moment(changed(folder))}
    return Reply(201 if request.method == "PUT" else 200, headers=headers)


def blob(account: Account, request: Request) -> Reply:
    """A request of one blob."""
    if not account.container(request.container).is_dir():
        raise no_container(dfs=False)
    where = account.place(request.container, request.key)
    entry = account.entry(where)
    if request.method in ("GET", "HEAD"):
        return _read(account, request, where, entry)
    if request.method == "PUT":
        return _put(account, request, where, entry)
    if entry is None:
        raise missing(dfs=False)
    return delete(account, request, where, entry)


def delete(account: Account, request: Request, where: Path, entry: Entry) -> Reply:
    check(request, entry, changed(where))
    check_lease(account, request, entry)
    if where.is_dir() and any(where.iterdir()):
        raise Refused(409, "DirectoryIsNotEmpty", "The directory is not empty.")
    account.remove(where)
    return Reply(202, headers={"x-ms-delete-type-permanent": "true"})


def _read(account: Account, request: Request, where: Path, entry: Entry | None) -> Reply:
    if entry is None:
        raise missing(dfs=False)
    check(request, entry, changed(where))
    headers = described(account, where, entry)
    size = 0 if where.is_dir() else where.stat().st_size
    if request.method == "HEAD" or where.is_dir():
        return Reply(200, headers=headers, length=size)
    asked = request.header("x-ms-range") or request.header("Range")
    if asked is None:
        return Reply(200, where.read_bytes(), headers)
    start, end = _span(asked, size)
    with where.open("rb") as file:
        file.seek(start)
        data = file.read(end - start)
    return Reply(206, data, {**headers, "Content-Range": f"bytes {start}-{end - 1}/{size}"})


def _span(asked: str, size: int) -> Span:
    first, _, last = asked.removeprefix("bytes=").partition("-")
    if not first:
        return max(0, size - int(last)), size
    if int(first) >= size:
        raise Refused(416, "InvalidRange", "The range specified is invalid.")
    return int(first), min(size, int(last) + 1) if last else size


def _put(account: Account, request: Request, where: Path, entry: Entry | None) -> Reply:
    what = request.query.get("comp")
    if what == "lease" and entry is not None:
        return lease(account, request, entry)
    if where.is_dir():
        raise Refused(409, "ResourceTypeMismatch", "A directory is there.")
    check_lease(account, request, entry)
    if what == "block":
        return _put_block(account, request, where, entry)
    if what in ("metadata", "properties", "tier", "tags") and entry is not None:
        check(request, entry, changed(where))
        entry.metadata = metadata_of(request) if what == "metadata" else entry.metadata
        return Reply(200, headers=described(account, where, entry))
    if what not in (None, "blocklist"):
        raise Refused(404 if entry is None else 400, "UnsupportedQueryParameter", str(what))
    check(request, entry, changed(where) if entry else 0)
    spans: dict[str, Span] = {}
    if request.header("x-ms-copy-source") is not None:
        data = _copied(account, request)
    elif what == "blocklist":
        data, spans = _of_blocks(account, request, where, entry)
    elif request.header("x-ms-blob-type") == "BlockBlob":
        data = request.body
    else:
        raise Refused(400, "MissingRequiredHeader", "x-ms-blob-type")
    account.make_parents(where, request.container)
    account.write(where, data)
    account.blocks.pop(where, None)
    account.appended.pop(where, None)
    written = account.touch(where, "blob", metadata_of(request))
    written.blocks = spans
    headers = {**described(account, where, written), **WRITTEN}
    if request.header("x-ms-copy-source") is not None:
        return Reply(202, headers={**headers, "x-ms-copy-id": "1", "x-ms-copy-status": "success"})
    return Reply(201, headers=headers)


def _put_block(account: Account, request: Request, where: Path, entry: Entry | None) -> Reply:
    """Nobody sees it before a list names it."""
    if account.onelake and entry is not None and entry.written == "dfs":
        told = "This file was written by the DFS API."
        raise Refused(409, "BlobOperationNotSupported", told)
    account.blocks.setdefault(where, {})[request.query["blockid"]] = request.body
    return Reply(201, headers=WRITTEN)


def _of_blocks(
    account: Account, request: Request, where: Path, entry: Entry | None
) -> tuple[bytes, dict[str, Span]]:
    new = account.blocks.get(where, {})
    spans = entry.blocks if entry is not None else {}
    before = where.read_bytes() if spans else b""
    old = {name: before[start:end] for name, (start, end) in spans.items()}
    tables = {"Latest": {**old, **new}, "Uncommitted": new, "Committed": old}
    whole, made = bytearray(), {}
    for kind, name in _ASKED.findall(request.body.decode()):
        if name not in tables[kind]:
            raise Refused(400, "InvalidBlockList", "The specified block list is invalid.")
        piece = tables[kind][name]
        made[name] = (len(whole), len(whole) + len(piece))
        whole += piece
    return bytes(whole), made


def _copied(account: Account, request: Request) -> bytes:
    words = urlsplit(request.header("x-ms-copy-source") or "").path.strip("/").split("/", 2)
    if words[0] != account.name:
        words = [account.name, *words]
    source = account.place(unquote(words[1]), unquote("/".join(words[2:])))
    found = account.entry(source)
    if found is None or source.is_dir():
        raise Refused(404, "BlobNotFound", "The specified source blob does not exist.")
    check(request, found, changed(source), "x-ms-source-")
    return source.read_bytes()
