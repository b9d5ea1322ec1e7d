"""The headers that tell of a path, in both dialects."""

from __future__ import annotations

from base64 import b64decode
from email.utils import formatdate
from pathlib import Path

from tests.servers.adls.asking import Request
from tests.servers.adls.conditions import held
from tests.servers.adls.lake import Account, Entry

RIGHTS = {
    "x-ms-owner": "$superuser",
    "x-ms-group": "$superuser",
    "x-ms-permissions": "rwxr-x---",
    "x-ms-acl": "user::rwx,group::r-x,other::---",
}
WRITTEN = {"x-ms-request-server-encrypted": "true"}
HIDDEN_FOLDER = "hdi_isfolder"


def moment(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)


def changed(path: Path) -> float:
    return path.stat().st_mtime


def described(account: Account, path: Path, entry: Entry) -> dict[str, str]:
    leased = held(account, entry) is not None
    told = {
        "ETag": entry.etag,
        "Last-Modified": moment(changed(path)),
        "x-ms-creation-time": moment(entry.made),
        "x-ms-blob-type": "BlockBlob",
        "x-ms-lease-status": "locked" if leased else "unlocked",
        "x-ms-lease-state": "leased" if leased else "available",
        "x-ms-server-encrypted": "true",
        "Accept-Ranges": "bytes",
        "Content-Type": "application/octet-stream",
    }
    if account.hierarchical:
        told["x-ms-resource-type"] = "directory" if path.is_dir() else "file"
    if path.is_dir():
        told[f"x-ms-meta-{HIDDEN_FOLDER}"] = "true"
    return told | {f"x-ms-meta-{name}": value for name, value in entry.metadata.items()}


def metadata_of(request: Request) -> dict[str, str]:
    """What the user wishes to be kept with it."""
    told = request.headers.items()
    found = {n[10:].lower(): v for n, v in told if n.lower().startswith("x-ms-meta-")}
    for pair in (request.header("x-ms-properties") or "").split(","):
        name, _, value = pair.partition("=")
        if name:
            found[name.strip()] = b64decode(value).decode()
    return found
