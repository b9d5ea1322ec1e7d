"""A server of its own for each test, and a client that speaks plain HTTP."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from tests.servers.adls.server import Running, start


@dataclass(frozen=True)
class Answer:
    status: int
    code: str | None
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def etag(self) -> str:
        return self.headers["ETag"]


Ask = Callable[..., Answer]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """`lake` has directories, `flat` has none; nobody is asked who they are. Each has `data`."""
    made = start(tmp_path)
    for name in ("lake", "flat"):
        account = made.service.account(name, hierarchical=name == "lake", open=True)
        account.make_container("data")
    yield made
    made.stop()


def asker(running: Running) -> Ask:
    def ask(
        method: str, path: str, query: str = "", body: bytes = b"", **headers: str | None
    ) -> Answer:
        host = urlsplit(running.url).netloc
        wire = http.client.HTTPConnection(host, timeout=10)
        told = {name.replace("_", "-"): v for name, v in headers.items() if v is not None}
        try:
            target = quote(f"/{path}", safe="/%") + (f"?{query}" if query else "")
            wire.request(method, target, body, told)
            answer = wire.getresponse()
            code = answer.headers.get("x-ms-error-code")
            return Answer(answer.status, code, answer.headers, answer.read())
        finally:
            wire.close()

    return ask


@pytest.fixture
def ask(running: Running) -> Ask:
    return asker(running)


@pytest.fixture
def put(ask: Ask) -> Callable[..., Answer]:
    def put(path: str, body: bytes = b"x", **headers: str) -> Answer:
        return ask("PUT", path, body=body, x_ms_blob_type="BlockBlob", **headers)

    return put
