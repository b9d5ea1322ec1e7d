"""A server over a folder: hears requests, lets a test's faults strike, gives answers."""

from __future__ import annotations

import io
import socket
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.servers.adls import access, batch, blob, dfs, listing, onelake
from tests.servers.adls.asking import Reply, Request
from tests.servers.adls.faults import CODES, Fault, Kind
from tests.servers.adls.lake import Account
from tests.servers.adls.refusals import Refused


@dataclass
class Service:
    """Accounts, what was asked of them, and what is to go wrong."""

    root: Path
    accounts: dict[str, Account] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    log: list[Request] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def account(self, name: str, **settings: Any) -> Account:
        """A new account."""
        self.accounts[name] = Account(name, self.root, **settings)
        (self.root / name).mkdir(parents=True, exist_ok=True)
        return self.accounts[name]

    def strike(self, request: Request) -> Fault | None:
        with self.lock:
            self.log.append(Request(request.method, request.path, request.headers))
            return next((fault for fault in self.faults if fault.strikes(request)), None)

    def answer(self, request: Request) -> Reply:
        """What the service does, and says. Never raises Refused."""
        try:
            with self.lock:
                return self._done(request)
        except Refused as refused:
            return refused.reply(request.dfs)

    def _done(self, request: Request) -> Reply:
        account = self.accounts.get(request.account)
        if account is None:
            raise Refused(404, "ResourceNotFound", "There is no such account.")
        access.check(account, request)
        if not account.onelake:
            return self._served(account, request)
        reply = self._served(account, onelake.resolved(account, request))
        return onelake.in_its_words(account, request, reply)

    def _served(self, account: Account, request: Request) -> Reply:
        if request.method == "POST" and request.query.get("comp") == "batch":
            return batch.batch(account, request)
        if request.key:
            return (dfs.path if request.dfs else blob.blob)(account, request)
        if request.container:
            return (dfs.filesystem if request.dfs else blob.container)(account, request)
        if request.method == "HEAD" or request.query.get("restype") == "account":
            return blob.about_account(account)
        return listing.containers(account)


class Handler(BaseHTTPRequestHandler):
    """One connection; requests come one after another."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    service: Service

    def log_message(self, format: str, *args: Any) -> None:
        """The log is the service's own."""

    def handle_expect_100(self) -> bool:
        told = super().handle_expect_100()
        self.wfile.flush()  # who asked so waits for it
        return told

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError):  # the client is gone, perhaps killed
            self.close_connection = True

    def _run(self) -> None:
        request = Request(self.command, self.path, self.headers, self._body())
        fault = self.service.strike(request)
        if fault is not None and fault.kind is Kind.HELD:
            fault.let_go.wait()
        if fault is not None and fault.kind is Kind.RESET:
            return self._hang_up()
        if fault is not None and fault.kind is Kind.REFUSED:
            more = {} if fault.retry_after is None else {"Retry_After": str(fault.retry_after)}
            code = CODES.get(fault.status, "Injected")
            return self._reply(Refused(fault.status, code, **more).reply(request.dfs))
        reply = self.service.answer(request)
        if fault is not None and fault.kind is Kind.LOST:
            return self._hang_up()
        return self._reply(reply)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _run  # noqa: N815 - http.server's

    def _hang_up(self) -> None:
        """As a wire that breaks: no end, no word."""
        self.close_connection = True
        self.wfile = io.BytesIO()
        self.connection.shutdown(socket.SHUT_RDWR)

    def _body(self) -> bytes:
        if (self.headers.get("Transfer-Encoding") or "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        whole = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(whole)

    def _reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        version = self.headers.get("x-ms-version", "2025-11-05")
        told = {"x-ms-request-id": str(uuid.uuid4()), "x-ms-version": version, **reply.headers}
        for name, value in told.items():
            self.send_header(name, value)
        if reply.status != 304:
            length = len(reply.body) if reply.length is None else reply.length
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)


@dataclass(frozen=True)
class Running:
    """A server that listens, until it is stopped."""

    service: Service
    url: str
    stop: Callable[[], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def start(root: Path, port: int = 0) -> Running:
    """Listen on this machine only, in a thread."""
    service = Service(root)
    handler = type("OfService", (Handler,), {"service": service})
    server = _Server(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), name="adls", daemon=True).start()

    def stop() -> None:
        server.shutdown()
        server.server_close()

    return Running(service, f"http://127.0.0.1:{server.server_port}", stop)
