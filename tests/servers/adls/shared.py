"""One server for all tests of this process, in a process of its own, and how to reach it.

Tests that wish for faults, or look at what was asked, start one by themselves.
"""

from __future__ import annotations

import atexit
import subprocess
import sys
import tempfile
import uuid
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

from tests.servers.adls import access
from tests.servers.adls.lake import Account

ONELAKE = "onelake"
KEY = b64encode(b"a key that is known to everyone.").decode()
_ROOT = Path(__file__).parents[3]


@cache
def folder() -> Path:
    """What the server serves: a folder an account, in it one a container."""
    made = tempfile.TemporaryDirectory(prefix="hygge-adls-")
    atexit.register(made.cleanup)
    return Path(made.name)


@cache
def url() -> str:
    """Where it listens. Its accounts: `lake` has directories, `flat` has none, `onelake` is
    Fabric's."""
    accounts = ("lake", "flat:flat", f"{ONELAKE}:onelake")
    made = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.adls", str(folder()), KEY, *accounts],
        stdin=subprocess.PIPE,  # it ends when we do
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )
    assert made.stdout is not None
    atexit.register(made.kill)
    return f"http://127.0.0.1:{made.stdout.readline().strip()}"


def new_container(account: str) -> str:
    """An empty one of its own, in this account."""
    url()
    made = f"c{uuid.uuid4().hex[:20]}"
    (folder() / account / made).mkdir()
    return made


def settings(account: str, container: str) -> dict[str, Any]:
    """A connection to a container, as a user would write it."""
    shown = {"type": "azure_key", "account_key": KEY}
    told = {"account": account, "container": container, "endpoint": f"{url()}/{account}"}
    return {**told, "credential": shown}


def new_item() -> tuple[str, str]:
    """An empty lakehouse in a workspace of its own."""
    url()
    workspace, item = f"w{uuid.uuid4().hex[:12]}", "lake.Lakehouse"
    for managed in ("Files", "Tables"):
        (folder() / ONELAKE / workspace / item / managed).mkdir(parents=True)
    return workspace, item


def onelake_settings(workspace: str, item: str) -> dict[str, Any]:
    token = access.token(Account(ONELAKE, folder(), key=KEY), 86_400)
    shown = {"type": "entra", "method": "token", "token": token}
    told = {"workspace": workspace, "item": item, "endpoint": f"{url()}/{ONELAKE}"}
    return {**told, "credential": shown}
