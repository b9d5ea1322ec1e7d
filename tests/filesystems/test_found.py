"""How settings lead to a filesystem of the cloud: by names, and with what is not installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from tests.servers import gcs

from hygge.connections.named import NamedConnections
from hygge.core.errors import ConfigError
from hygge.core.home import HomeConfig
from hygge.filesystems.found import found
from hygge.filesystems.locating import locate
from hygge.homes.files import FileHomeConfig


def placed(connections: NamedConnections, path: str) -> Any:
    config = HomeConfig.create({"type": "parquet", "connection": "lake", "path": path})
    assert isinstance(config, FileHomeConfig)
    return found(config, connections)


def test_a_credentials_file_is_seen_from_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "google.json").write_text(gcs.ACCOUNT)
    google = {"type": "gcp", "method": "service_account", "key": {"file": "keys/google.json"}}
    lake = {"type": "gcs", "bucket": gcs.new_bucket(), "endpoint": gcs.url()}
    connections = NamedConnections(
        {"lake": {**lake, "credential": "google"}}, tmp_path, {"google": google}
    )
    files, inside = placed(connections, "a/x")
    assert files.put_once(inside, b"1")
    assert files.get("a/x") == b"1"


def test_a_credential_that_nobody_named() -> None:
    lake = {"type": "adls", "account": "lake", "container": "data", "credential": "corpp"}
    connections = NamedConnections({"lake": lake}, credentials={"corp": {"type": "entra"}})
    with pytest.raises(ConfigError, match="no credential 'corpp'") as failed:
        placed(connections, "x")
    assert "corp" in str(failed.value.hint)


@pytest.mark.parametrize(
    ("path", "extra"),
    [
        ("abfss://data@lake.dfs.core.windows.net/x", "azure"),
        ("gs://data/x", "gcs"),
    ],
)
def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, path: str, extra: str) -> None:
    for name in [*sys.modules]:
        known = name.startswith(("hygge.filesystems.", "obstore"))
        if known and name != "hygge.filesystems.filesystem":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(ConfigError, match="obstore") as failed:
        locate(path)
    assert failed.value.hint == f"pip install 'hygge[{extra}]'"
