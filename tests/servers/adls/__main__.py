"""The server as a process: `python -m tests.servers.adls FOLDER KEY ACCOUNT[:flat|:onelake]...`.

It prints its port, and ends when its standard input does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.servers.adls.server import start


def main(root: str, key: str, *accounts: str) -> None:
    running = start(Path(root))
    for told in accounts:
        name, _, kind = told.partition(":")
        flags = {"hierarchical": kind != "flat", "onelake": kind == "onelake"}
        running.service.account(name, key=key, **flags)
    sys.stdout.write(running.url.rpartition(":")[2] + "\n")
    sys.stdout.flush()
    sys.stdin.read()


main(*sys.argv[1:])
