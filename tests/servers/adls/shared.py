"""One server for all tests of this process, and what a user would write to reach it."""

from __future__ import annotations

import atexit
import tempfile
import uuid
from functools import cache
from pathlib import Path
from typing import Any

from tests.servers.adls import onelake
from tests.servers.adls.lake import Account
from tests.servers.adls.server import Running, start

ONELAKE = "onelake"


@cache
def running() -> Running:
    """Its accounts: `lake` has directories, `flat` has none, `onelake` is Fabric's."""
    folder = tempfile.TemporaryDirectory(prefix="hygge-adls-")
    made = start(Path(folder.name))
    made.service.account("lake")
    made.service.account("flat", hierarchical=False)
    made.service.account(ONELAKE, onelake=True)
    atexit.register(folder.cleanup)
    atexit.register(made.stop)
    return made


def account(name: str) -> Account:
    return running().service.accounts[name]


def endpoint(name: str) -> str:
    return f"{running().url}/{name}"


def new_container(name: str) -> str:
    """An empty one of its own, in this account."""
    made = f"c{uuid.uuid4().hex[:20]}"
    account(name).make_container(made)
    return made


def settings(name: str, container: str, credential: Any = None) -> dict[str, Any]:
    """A connection to a container, as a user would write it."""
    shown = credential or {"type": "azure_key", "account_key": account(name).key}
    told = {"account": name, "container": container, "endpoint": endpoint(name)}
    return {**told, "credential": shown}


def new_item() -> tuple[str, str]:
    """An empty lakehouse in a workspace of its own."""
    workspace, item = f"w{uuid.uuid4().hex[:12]}", "lake.Lakehouse"
    onelake.make_item(account(ONELAKE), workspace, item)
    return workspace, item


def onelake_settings(workspace: str, item: str, credential: Any = None) -> dict[str, Any]:
    shown = credential or {"type": "azure_key", "account_key": account(ONELAKE).key}
    told = {"workspace": workspace, "item": item, "endpoint": endpoint(ONELAKE)}
    return {**told, "credential": shown}
