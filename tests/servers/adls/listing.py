"""Lists of both dialects, page by page."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path
from xml.sax.saxutils import escape

from tests.servers.adls.asking import Reply, Request
from tests.servers.adls.describing import HIDDEN_FOLDER, changed, moment
from tests.servers.adls.lake import Account
from tests.servers.adls.refusals import Refused, missing

_MOST = 5000
_XML = {"Content-Type": "application/xml"}


def _page(request: Request) -> int:
    asked = int(request.query.get("maxresults") or _MOST)
    if asked < 1:
        raise Refused(400, "OutOfRangeQueryParameterValue", "maxresults")
    return min(asked, _MOST)


def paths(account: Account, request: Request) -> Reply:
    """Files and directories, as DFS tells them: each in its directory."""
    top = account.place(request.container, request.query.get("directory", "").strip("/"))
    if not top.is_dir():
        raise missing(dfs=True)
    deep = request.flag("recursive")
    found = sorted(account.below(request.container, top, deep=deep), key=lambda f: f[0].split("/"))
    if told := request.query.get("continuation"):
        last = b64decode(told).decode().split("/")
        found = [item for item in found if item[0].split("/") > last]
    page = found[: _page(request)]
    headers = {"Content-Type": "application/json"}
    if len(found) > len(page):
        headers["x-ms-continuation"] = b64encode(page[-1][0].encode()).decode()
    told = json.dumps({"paths": [_path(account, key, path) for key, path in page]})
    return Reply(200, told.encode(), headers)


def _path(account: Account, key: str, path: Path) -> dict[str, str]:
    entry = account.entry(path)
    assert entry is not None
    told = {
        "name": key,
        "etag": entry.etag.strip('"'),
        "lastModified": moment(changed(path)),
        "contentLength": str(0 if path.is_dir() else path.stat().st_size),
        "owner": "$superuser",
        "group": "$superuser",
        "permissions": "rw-r-----",
    }
    return {**told, "isDirectory": "true"} if path.is_dir() else told


def containers(account: Account) -> Reply:
    names = sorted(path.name for path in (account.root / account.name).iterdir())
    told = "".join(
        f"<Container><Name>{escape(name)}</Name><Properties><Last-Modified>{moment(0)}"
        f"</Last-Modified><Etag>x</Etag></Properties></Container>"
        for name in names
    )
    told = f"<EnumerationResults><Containers>{told}</Containers><NextMarker/></EnumerationResults>"
    return Reply(200, told.encode(), _XML)


def blobs(account: Account, request: Request) -> Reply:
    """Blobs by prefix; with a delimiter, what they have in common up to it."""
    prefix, delimiter = request.query.get("prefix", ""), request.query.get("delimiter", "")
    after = request.query.get("marker", "")
    shown: dict[str, Path | None] = {}
    for key, path in account.below(request.container, account.container(request.container)):
        if not key.startswith(prefix):
            continue
        rest = key[len(prefix) :]
        if delimiter and delimiter in rest:
            shown[prefix + rest.partition(delimiter)[0] + delimiter] = None
        elif delimiter and path.is_dir():
            shown[key + delimiter] = None
        else:
            shown[key] = path
    names = [name for name in sorted(shown) if name > after]
    page = names[: _page(request)]
    more = page[-1] if len(names) > len(page) else ""
    items = "".join(_blob(account, name, shown[name]) for name in page)
    told = (
        f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="http://x/" '
        f'ContainerName="{escape(request.container)}"><Prefix>{escape(prefix)}</Prefix>'
        f"<Blobs>{items}</Blobs><NextMarker>{escape(more)}</NextMarker></EnumerationResults>"
    )
    return Reply(200, told.encode(), _XML)


def _blob(account: Account, key: str, path: Path | None) -> str:
    if path is None:
        return f"<BlobPrefix><Name>{escape(key)}</Name></BlobPrefix>"
    entry = account.entry(path)
    assert entry is not None
    folder = path.is_dir()
    told = {
        "Last-Modified": moment(changed(path)),
        "Creation-Time": moment(entry.made),
        "Etag": entry.etag.strip('"'),
        "Content-Length": str(0 if folder else path.stat().st_size),
        "Content-Type": "application/octet-stream",
        "BlobType": "BlockBlob",
    }
    if account.hierarchical:
        told["ResourceType"] = "directory" if folder else "file"
    properties = "".join(f"<{name}>{value}</{name}>" for name, value in told.items())
    hidden = f"<Metadata><{HIDDEN_FOLDER}>true</{HIDDEN_FOLDER}></Metadata>" if folder else ""
    return f"<Blob><Name>{escape(key)}</Name><Properties>{properties}</Properties>{hidden}</Blob>"
