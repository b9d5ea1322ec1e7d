"""An Azure of its own for each test, whose faults and tokens the test decides on; and connections
that are kept within a test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from tests.contracts.conftest import keeping
from tests.servers.adls import access, onelake
from tests.servers.adls.lake import Account
from tests.servers.adls.server import Running, start

from hygge.connections import entra
from hygge.filesystems.azure import AdlsFileSystem
from hygge.filesystems.filesystem import FileSystem


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = start(tmp_path)
    made.service.account("lake").make_container("data")
    made.service.account("flat", hierarchical=False).make_container("data")
    fabric = made.service.account("onelake", onelake=True)
    onelake.make_item(fabric, "shop", "lake.Lakehouse")
    yield made
    made.stop()


def settings(running: Running, account: str = "lake", **more: Any) -> dict[str, Any]:
    key = running.service.accounts[account].key
    told: dict[str, Any] = {
        "account": account,
        "container": "data",
        "endpoint": f"{running.url}/{account}",
    }
    told["credential"] = {"type": "azure_key", "account_key": key}
    return {**told, **more}


def files_of(running: Running, account: str = "lake", **more: Any) -> FileSystem:
    more.setdefault("hierarchical", account != "flat")
    return AdlsFileSystem.at("", settings(running, account, **more))[0]


@dataclass
class FakeEntra:
    """Gives out tokens as azure-identity does: the same one, until it is made anew."""

    account: Account
    seconds: float = 3600
    given: list[str] = field(default_factory=list)

    def made(self, _settings: object) -> Any:
        return _Identity(self)


class _Identity:
    def __init__(self, entra: FakeEntra) -> None:
        self._entra, self._token = entra, ""

    def get_token(self, *scopes: str, **_more: object) -> AccessToken:
        assert scopes == ("https://storage.azure.com/.default",)
        now = self._entra.account.clock()
        if not self._token or self._entra.seconds < 60:
            who = f"try{len(self._entra.given)}"
            self._token = access.token(self._entra.account, self._entra.seconds, who=who)
            self._entra.given.append(self._token)
        return AccessToken(self._token, int(now + self._entra.seconds))


@pytest.fixture
def identity(running: Running, monkeypatch: pytest.MonkeyPatch) -> FakeEntra:
    fake = FakeEntra(running.service.accounts["lake"])
    monkeypatch.setattr(entra, "_made", fake.made)
    monkeypatch.setattr(entra, "_KNOWN", {})
    return fake


__all__ = ["FakeEntra", "files_of", "identity", "keeping", "running", "settings"]
