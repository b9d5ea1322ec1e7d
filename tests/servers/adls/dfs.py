"""The DFS dialect: directories, appending and flushing, renaming, deleting with all below."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.servers.adls import listing
from tests.servers.adls.asking import Reply, Request
from tests.servers.adls.conditions import check, check_lease, lease
from tests.servers.adls.describing import (
    RIGHTS,
    WRITTEN,
    changed,
    described,
    metadata_of,
    moment,
)
from tests.servers.adls.lake import Account, Entry
from tests.servers.adls.refusals import Refused, missing, no_container, there_already


def filesystem(account: Account, request: Request) -> Reply:
    """A request of the filesystem itself."""
    folder = account.container(request.container)
    if request.method == "PUT":
        if folder.exists():
            raise Refused(409, "FilesystemAlreadyExists", "The specified filesystem exists.")
        account.make_container(request.container)
    entry = account.entry(folder)
    if entry is None:
        raise no_container(dfs=True)
    headers = {"ETag": entry.etag, "Last-Modified": moment(changed(folder))}
    headers["x-ms-namespace-enabled"] = str(account.hierarchical).lower()
    if request.method == "PUT":
        return Reply(201, headers=headers)
    if request.method == "DELETE":
        account.remove(folder)
        return Reply(202)
    if request.method == "GET":
        return listing.paths(account, request)
    return Reply(200, headers={**headers, **RIGHTS})


def path(account: Account, request: Request) -> Reply:
    """A request of a file or a directory."""
    if not account.container(request.container).is_dir():
        raise no_container(dfs=True)
    where = account.place(request.container, request.key)
    entry = account.entry(where)
    if request.method == "PUT":
        _need_directories(account)
        if request.header("x-ms-rename-source") is not None:
            return _rename(account, request, where, entry)
        return _create(account, request, where, entry)
    if entry is None:
        raise missing(dfs=True)
    if request.method == "POST":
        return lease(account, request, entry)
    if request.method == "DELETE":
        return _delete(account, request, where, entry)
    if request.method == "PATCH":
        return _change(account, request, where, entry)
    check(request, entry, changed(where))
    size = 0 if where.is_dir() else where.stat().st_size
    return Reply(200, headers={**described(account, where, entry), **RIGHTS}, length=size)


def _need_directories(account: Account) -> None:
    if not account.hierarchical:
        told = "Hierarchical namespace is not enabled for this account."
        raise Refused(400, "HierarchicalNamespaceNotEnabled", told)


def _create(account: Account, request: Request, where: Path, entry: Entry | None) -> Reply:
    kind = request.query["resource"]
    if request.body:
        raise Refused(400, "ContentLengthMustBeZero", "The Content-Length header must be zero.")
    check(request, entry, changed(where) if entry else 0)
    check_lease(account, request, entry)
    if kind == "file" and where.is_dir():
        raise Refused(409, "PathConflict", "A directory is there.")
    if kind == "directory" and where.is_file():
        raise there_already(dfs=True)
    account.make_parents(where, request.container)
    if kind == "directory":
        where.mkdir(exist_ok=True)
    else:
        account.forget(where)
        account.write(where, b"")
    made = account.touch(where, "dfs", metadata_of(request))
    return Reply(201, headers={**described(account, where, made), **WRITTEN})


def _rename(account: Account, request: Request, where: Path, entry: Entry | None) -> Reply:
    path = urlsplit(request.header("x-ms-rename-source") or "").path.strip("/")
    words = [unquote(word) for word in path.split("/", 1)]
    if words[0] == account.name and account.container(words[1].partition("/")[0]).is_dir():
        words = words[1].split("/", 1)
    source = account.place(words[0], words[1] if len(words) > 1 else "")
    found = account.entry(source)
    if found is None:
        raise Refused(404, "SourcePathNotFound", "The source path does not exist.")
    check(request, found, changed(source), "x-ms-source-")
    check_lease(account, request, found, "x-ms-source-lease-id")
    check(request, entry, changed(where) if entry else 0)
    check_lease(account, request, entry)
    if not where.parent.is_dir():
        told = "The parent directory of the destination path does not exist."
        raise Refused(404, "RenameDestinationParentPathNotFound", told)
    if source in where.parents:
        raise Refused(409, "InvalidRenameSourcePath", "A directory cannot go into itself.")
    if where.is_dir():
        if source.is_file() or any(where.iterdir()):
            raise Refused(409, "DestinationPathIsNotEmpty", "A directory is there already.")
        where.rmdir()
    elif where.is_file() and source.is_dir():
        raise there_already(dfs=True)
    account.rename(source, where)
    return Reply(201, headers={"ETag": account.entries[where].etag})


def _delete(account: Account, request: Request, where: Path, entry: Entry) -> Reply:
    check(request, entry, changed(where))
    check_lease(account, request, entry)
    if where.is_dir() and not request.flag("recursive") and any(where.iterdir()):
        told = "The recursive query parameter value must be true to delete a non-empty directory."
        raise Refused(409, "DirectoryNotEmpty", told)
    account.remove(where)
    return Reply(200, headers={"x-ms-delete-type-permanent": "true"})


def _change(account: Account, request: Request, where: Path, entry: Entry) -> Reply:
    action = request.query.get("action")
    if action == "append":
        return _append(account, request, where, entry)
    if action == "flush":
        return _flush(account, request, where, entry, int(request.query["position"]))
    check(request, entry, changed(where))
    check_lease(account, request, entry)
    if action == "setProperties":
        entry.metadata = metadata_of(request)
    return Reply(200, headers=described(account, where, entry))


def _append(account: Account, request: Request, where: Path, entry: Entry) -> Reply:
    """Pieces may come in any order: the flush sees that they are whole."""
    if not request.body:
        raise Refused(400, "InvalidHeaderValue", "Content-Length")
    if where.is_dir():
        raise Refused(409, "ResourceTypeMismatch", "A directory takes no data.")
    if account.onelake and entry.written == "blob" and where.stat().st_size:
        raise Refused(409, "DfsOperationNotSupported", "This file was written by the Blob API.")
    check_lease(account, request, entry)
    position = int(request.query["position"])
    account.appended.setdefault(where, {})[position] = request.body
    if request.flag("flush"):
        return _flush(account, request, where, entry, position + len(request.body))
    return Reply(202, headers=WRITTEN)


def _flush(account: Account, request: Request, where: Path, entry: Entry, length: int) -> Reply:
    if request.query["action"] == "flush" and request.body:
        raise Refused(400, "ContentLengthMustBeZero", "The Content-Length header must be zero.")
    check(request, entry, changed(where))
    check_lease(account, request, entry)
    whole = bytearray(where.read_bytes())
    for position, piece in sorted(account.appended.get(where, {}).items()):
        if position == len(whole):
            whole += piece
    if len(whole) != length:
        told = "The uploaded data is not contiguous or the position query parameter value is not "
        told += "equal to the length of the file after appending the uploaded data."
        raise Refused(400, "InvalidFlushPosition", told)
    account.appended.pop(where, None)
    account.write(where, bytes(whole))
    written = account.touch(where, "dfs", entry.metadata)
    return Reply(200, headers={**described(account, where, written), **WRITTEN})
