"""`python -m tests.servers.tds --port 0`: prints its port, and serves until it is ended."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import ssl
import sys
import tempfile
import threading
from pathlib import Path

from tests.servers.certificates import papers
from tests.servers.tds.server import Server


def main() -> None:
    """Until it is ended; with `--leashed`, at the latest when its standard input is closed."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.tds", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user", default="sa")
    parser.add_argument("--password", default="Hygge-4-tests")
    parser.add_argument("--cert", type=Path, help="a certificate for localhost")
    parser.add_argument("--key", type=Path)
    parser.add_argument("--leashed", action="store_true", help="end with who has started it")
    given = parser.parse_args()
    if given.leashed:
        threading.Thread(target=_end_with_input, daemon=True).start()
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of hints that it leaves out
    context = _context(given.cert, given.key)
    with socket.create_server(("127.0.0.1", given.port), backlog=64) as listener:
        server = Server(context, (given.user, given.password))
        print(listener.getsockname()[1], flush=True)  # noqa: T201
        server.serve(listener)


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _context(cert: Path | None, key: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # later ones speak after their handshake
    context.set_alpn_protocols(["tds/8.0"])
    if cert is not None:
        context.load_cert_chain(cert, key)
        return context
    with tempfile.TemporaryDirectory() as folder:
        made = papers(Path(folder))
        context.load_cert_chain(made.cert, made.key)
    return context


main()
