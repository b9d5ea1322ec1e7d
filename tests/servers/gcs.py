"""A small Google Cloud Storage: its XML API as obstore speaks it, kept in memory.

It runs as a process (`python -m tests.servers.gcs`) that ends when its standard input does. A
bucket is there once it is asked for, unless its name begins with `none`; one that begins with
`denied` lets nobody in. It proves what we send and how we take the answers, never Google itself.
"""

from __future__ import annotations

import atexit
import hashlib
import itertools
import json
import re
import subprocess
import sys
import threading
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

_PAGE = 1000
ACCOUNT = json.dumps(
    {"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
)
"""A service account that asks nobody for a token."""
_ROOT = Path(__file__).parents[2]


class Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        told = f"<Error><Code>{code}</Code><Message>as Google would say</Message></Error>"
        self.status, self.body = status, told.encode()


@dataclass(frozen=True)
class Thing:
    """An object; its ETag is that of its bytes, its generation that of the writing."""

    data: bytes
    generation: int
    made: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.data).hexdigest()}"'

    @property
    def headers(self) -> dict[str, str]:
        known = {"ETag": self.etag, "x-goog-generation": str(self.generation)}
        return known | {"Last-Modified": format_datetime(self.made, usegmt=True)}


Buckets = defaultdict[str, dict[str, Thing]]
Answer = tuple[int, bytes, dict[str, str]]


@dataclass
class Google:
    buckets: Buckets = field(default_factory=lambda: defaultdict(dict))
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    generations: Any = field(default_factory=lambda: itertools.count(1_700_000_000_000_000))

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        url = urlsplit(path)
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        if bucket.startswith("none"):
            raise Refused(404, "NoSuchBucket")
        if bucket.startswith("denied"):
            raise Refused(403, "AccessDenied")
        with self.lock:
            things = self.buckets[bucket]
            if not key:
                return 200, _listed(things, query), {"Content-Type": "application/xml"}
            if method == "POST" or "uploadId" in query:
                return self._in_parts(method, things, key, query, body)
            if method == "PUT":
                return self._put(things, key, headers, body)
            return _looked(method, things, key, headers)

    def _put(self, things: dict[str, Thing], key: str, headers: Any, body: bytes) -> Answer:
        _check(things.get(key), headers)
        if source := headers.get("x-goog-copy-source"):
            bucket, _, other = unquote(source).lstrip("/").partition("/")
            if (found := self.buckets[bucket].get(other)) is None:
                raise Refused(404, "NoSuchKey")
            body = found.data
        things[key] = Thing(body, next(self.generations))
        return 200, b"<CopyObjectResult/>" if source else b"", things[key].headers

    def _in_parts(
        self, method: str, things: dict[str, Thing], key: str, query: dict[str, str], body: bytes
    ) -> Answer:
        if "uploads" in query:
            name = uuid.uuid4().hex
            self.uploads[name] = {}
            told = f"<UploadId>{name}</UploadId>"
            told = f"<InitiateMultipartUploadResult>{told}</InitiateMultipartUploadResult>"
            return 200, told.encode(), {}
        parts = self.uploads.get(query["uploadId"])
        if parts is None:
            raise Refused(404, "NoSuchUpload")
        if method == "PUT":
            parts[int(query["partNumber"])] = body
            return 200, b"", {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}
        if method == "DELETE":
            del self.uploads[query["uploadId"]]
            return 204, b"", {}
        listed = [int(n) for n in re.findall(r"<PartNumber>(\d+)<", body.decode())]
        if not listed or any(n not in parts for n in listed):
            raise Refused(400, "InvalidPart")
        del self.uploads[query["uploadId"]]
        things[key] = Thing(b"".join(parts[n] for n in listed), next(self.generations))
        told = f"<ETag>{escape(things[key].etag)}</ETag>"
        told = f"<CompleteMultipartUploadResult>{told}</CompleteMultipartUploadResult>"
        return 200, told.encode(), things[key].headers


def _check(thing: Thing | None, headers: Any) -> None:
    """Raises Refused unless the conditions hold; generation 0 is that of what is not there."""
    wanted = headers.get("x-goog-if-generation-match")
    if wanted is not None and int(wanted) != (thing.generation if thing else 0):
        raise Refused(412, "PreconditionFailed")
    tag = headers.get("If-Match")
    if tag is not None and (thing is None or tag not in ("*", thing.etag)):
        raise Refused(412, "PreconditionFailed")
    if thing is not None and headers.get("If-None-Match") in ("*", thing.etag):
        raise Refused(304, "NotModified")


def _looked(method: str, things: dict[str, Thing], key: str, headers: Any) -> Answer:
    if (thing := things.get(key)) is None:
        raise Refused(404, "NoSuchKey")
    _check(thing, headers)
    if method == "DELETE":
        del things[key]
        return 204, b"", {}
    wish = re.fullmatch(r"bytes=(\d*)-(\d*)", headers.get("Range", ""))
    if wish is None:
        return 200, thing.data, thing.headers
    size = len(thing.data)
    start = int(wish[1]) if wish[1] else max(0, size - int(wish[2]))
    end = min(size, int(wish[2]) + 1) if wish[1] and wish[2] else size
    if start >= size:
        raise Refused(416, "InvalidRange")
    told = {**thing.headers, "Content-Range": f"bytes {start}-{end - 1}/{size}"}
    return 206, thing.data[start:end], told


def _listed(things: dict[str, Thing], query: dict[str, str]) -> bytes:
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    after = query.get("continuation-token") or query.get("start-after", "")
    shown: dict[str, str] = {}
    for key, thing in things.items():
        if not key.startswith(prefix):
            continue
        rest = key[len(prefix) :]
        if delimiter and delimiter in rest:
            above = prefix + rest.partition(delimiter)[0] + delimiter
            told = f"<Prefix>{escape(above)}</Prefix>"
            shown[above] = f"<CommonPrefixes>{told}</CommonPrefixes>"
        else:
            shown[key] = _content(key, thing)
    names = [name for name in sorted(shown) if name > after]
    page = names[: int(query.get("max-keys") or _PAGE)]
    more = page[-1] if len(names) > len(page) else ""
    token = f"<NextContinuationToken>{escape(more)}</NextContinuationToken>" if more else ""
    items = "".join(shown[name] for name in page)
    return f"<ListBucketResult>{items}{token}</ListBucketResult>".encode()


def _content(key: str, thing: Thing) -> str:
    told = (
        f"<Key>{escape(key)}</Key><Size>{len(thing.data)}</Size><ETag>{escape(thing.etag)}</ETag>"
        f"<LastModified>{thing.made.isoformat()}</LastModified>"
    )
    return f"<Contents>{told}</Contents>"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    google = Google()

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody listens."""

    def _run(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, told, more = self.google.answer(self.command, self.path, self.headers, body)
        except Refused as refused:
            status, told, more = refused.status, refused.body, {"Content-Type": "application/xml"}
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(told)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _run  # noqa: N815 - http.server's


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def url() -> str:
    """Where it listens: one for all tests of this process."""
    return f"http://127.0.0.1:{_running()[1]}"


def fill(bucket: str, objects: Mapping[str, bytes]) -> None:
    """Objects that are there at once: nobody sends them."""
    server, _ = _running()
    assert server.stdin is not None
    assert server.stdout is not None
    things = {key: data.decode("latin-1") for key, data in objects.items()}
    server.stdin.write(json.dumps([bucket, things]) + "\n")
    server.stdin.flush()
    server.stdout.readline()


@cache
def _running() -> tuple[subprocess.Popen[str], str]:
    """The server, and its port."""
    made = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.gcs"],
        stdin=subprocess.PIPE,  # it ends when we do
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )
    assert made.stdout is not None
    atexit.register(made.kill)
    return made, made.stdout.readline().strip()


def new_bucket() -> str:
    return f"b{uuid.uuid4().hex[:20]}"


def settings(bucket: str) -> dict[str, Any]:
    """A connection to a bucket, as a user would write it."""
    credential = {"type": "gcp", "method": "service_account", "key": ACCOUNT}
    return {"bucket": bucket, "endpoint": url(), "credential": credential}


def _serve() -> None:
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        bucket, things = json.loads(line)
        google = Handler.google
        with google.lock:
            for key, text in things.items():
                google.buckets[bucket][key] = Thing(
                    text.encode("latin-1"), next(google.generations)
                )
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
