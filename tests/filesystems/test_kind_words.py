"""What a person reads whose settings are wrong: what it is, what to try, and no more."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from tests.filesystems.places import Amazon, Google, Lake, Place, Ssh

from hygge.connections.entra import EntraSettings, token
from hygge.core.errors import ConfigError, ConnectionFailed, HyggeError, SourceMissing
from hygge.core.home import HomeConfig
from hygge.homes.delta import DeltaHome


def refused(place: Place, **change: Any) -> HyggeError:
    place.settings = {**place.settings, **change}
    with pytest.raises(HyggeError) as failed:
        list(place.files.list("in"))
    return failed.value


def test_a_key_that_is_none_is_told_once(tmp_path: Path) -> None:
    """Nothing was asked yet: trying again would change nothing."""
    failed = refused(Lake(tmp_path), credential={"type": "azure_key", "account_key": "oops!"})
    assert isinstance(failed, ConfigError)
    assert failed.what == "cannot open this place: Invalid Access Key: Invalid symbol 33, offset 4."
    assert "credential" in str(failed.hint)


@pytest.mark.parametrize("kind", [Lake, Amazon, Google])
def test_a_server_that_does_not_answer_is_named(
    kind: type[Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hygge.filesystems.objects.RETRY", {"max_retries": 0})
    failed = refused(kind(tmp_path), endpoint="http://127.0.0.1:9")
    assert isinstance(failed, ConnectionFailed)
    assert failed.what == "cannot look into this folder: http://127.0.0.1:9 does not answer"
    assert "endpoint" in str(failed.hint)


@pytest.mark.usefixtures("keeping")
def test_a_port_where_nobody_listens(tmp_path: Path) -> None:
    failed = refused(Ssh(tmp_path), port=9)
    assert "cannot be reached: Unable to connect" in failed.what


def test_a_secret_that_is_not_there(tmp_path: Path) -> None:
    place = Google(tmp_path)
    key = {"file": str(tmp_path / "none.json")}
    failed = refused(place, credential={"type": "gcp", "method": "service_account", "key": key})
    assert failed.what == "the secret cannot be read: No such file or directory"


def test_a_path_that_leads_to_no_delta_table(tmp_path: Path) -> None:
    config = HomeConfig.create({"type": "delta", "path": str(tmp_path / "taes")})
    place = Amazon(tmp_path)
    with pytest.raises(SourceMissing) as failed:
        DeltaHome(config, (place.files, "taes")).table_schema()  # type: ignore[arg-type]
    assert "_delta_log" in str(failed.value.hint)


def test_azures_library_says_nothing_beside_us(capsys: pytest.CaptureFixture[str]) -> None:
    """Ten lines of its own on the screen, for each look."""
    with pytest.raises(ConfigError, match="Entra gives no token") as failed:
        token(EntraSettings(method="cli"), "https://storage.azure.com/.default")
    assert "`method`" in str(failed.value.hint)
    logger = logging.getLogger("azure.identity")
    assert logger.handlers, "what has no handler goes to the screen"
