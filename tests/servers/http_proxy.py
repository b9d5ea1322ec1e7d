"""What stands between us and a server that speaks HTTP, and does harm to chosen requests."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


class Harm(StrEnum):
    """What becomes of a request."""

    BUSY = "503"
    BROKEN = "500"
    SLOW_DOWN = "429"
    CUT = "cut"
    """The connection ends before the server hears of it."""
    LOST_REPLY = "lost reply"
    """The server does it, and nobody hears the answer."""


@dataclass
class Plan:
    """Which requests meet which harm: those from the `at`-th on, so many, that are `meant`."""

    harm: Harm
    at: int
    times: int = 1
    meant: Callable[[str, str], bool] = lambda method, path: True


class HttpProxy:
    """Counts requests, the first is 1; `arm` begins anew."""

    def __init__(self, server: str) -> None:
        self.server = urlsplit(server)
        self.plan: Plan | None = None
        self.count, self.met = 0, list[str]()
        self._lock = threading.Lock()

    def arm(self, plan: Plan | None) -> None:
        with self._lock:
            self.plan, self.count, self.met = plan, 0, []

    def harm(self, method: str, path: str) -> Harm | None:
        with self._lock:
            plan = self.plan
            if plan is None or not plan.meant(method, path):
                return None
            self.count += 1
            if not plan.at <= self.count < plan.at + plan.times:
                return None
            self.met.append(f"{method} {path}")
            return plan.harm

    def passed_on(self, method: str, path: str, headers: Any, body: bytes) -> Any:
        link = http.client.HTTPConnection(self.server.hostname or "", self.server.port or 80)
        told = {key: value for key, value in headers.items() if key.lower() != "host"}
        with closing(link):
            link.request(method, path, body, {**told, "Host": self.server.netloc})
            answer = link.getresponse()
            return answer.status, answer.getheaders(), answer.read()


@contextmanager
def proxy(server: str, kind: type[HttpProxy] = HttpProxy) -> Iterator[tuple[HttpProxy, str]]:
    """The proxy, and where it listens."""
    made = kind(server)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            with suppress(ConnectionError):
                super().handle_one_request()

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._answer
            raise AttributeError(name)

        def _answer(self) -> None:
            body = self._body()
            harm = made.harm(self.command, self.path)
            if harm is Harm.CUT:
                self._hang_up()
                return
            if harm in (Harm.BUSY, Harm.BROKEN, Harm.SLOW_DOWN):
                self._tell(int(harm), [("Retry-After", "0")], b"")
                return
            status, headers, data = made.passed_on(self.command, self.path, self.headers, body)
            if harm is Harm.LOST_REPLY:
                self._hang_up()
                return
            self._tell(status, headers, data)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                found = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    found += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return found
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _hang_up(self) -> None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(2)

        def _tell(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
            self.send_response_only(status)
            length = str(len(data))
            for key, value in headers:
                if key.lower() == "content-length" and self.command == "HEAD":
                    length = value
                elif key.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(key, value)
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, format: str, *given: object) -> None:
            """Quiet."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield made, f"http://127.0.0.1:{listening.server_port}"
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
