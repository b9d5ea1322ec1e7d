"""Passwords that are kept elsewhere: they are found when needed, and shown nowhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import KeyringLocked
from tests.workspace.project import written

from hygge.connections.secrets import KeptSecret, revealed
from hygge.core.config import validated
from hygge.core.errors import ConfigError
from hygge.databases.found import found
from hygge.databases.mysql import Mysql
from hygge.databases.mysql_settings import MysqlSettings
from hygge.databases.postgres import Postgres
from hygge.databases.postgres_settings import PostgresSettings
from hygge.homes.sql_config import SqlHomeConfig

SECRET = "hunter2 é:/@"


class Chest(KeyringBackend):
    """A keyring in memory."""

    priority = 1.0

    def __init__(self, entries: dict[tuple[str, str], str], *, locked: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries, self.locked, self.asked = entries, locked, list[tuple[str, str]]()

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append((service, username))
        if self.locked:
            raise KeyringLocked("it is locked")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password


@pytest.fixture(autouse=True)
def _no_keyring_is_left() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


def chest(**known: Any) -> Chest:
    made = Chest({("https://shop/db", "me"): SECRET}, **known)
    keyring.set_keyring(made)
    return made


def test_a_password_is_got_from_the_keyring_when_it_is_needed() -> None:
    made = chest()
    settings = validated(PostgresSettings, {"password": {"keyring": "https://shop/db/me"}})
    assert made.asked == []
    assert "hunter2" in settings.wishes()
    assert made.asked == [("https://shop/db", "me")]


@pytest.mark.parametrize("database", [Postgres, Mysql])
def test_where_it_is_kept_is_no_secret_and_what_is_kept_is_one(database: Any) -> None:
    chest()
    made = database.build({"host": "there", "password": {"keyring": "https://shop/db/me"}})
    shown = f"{made.settings!r} {made.identity} {made.pool!r} {made.settings.model_dump()}"
    assert "hunter2" not in shown
    assert "https://shop/db/me" in shown


def test_a_password_stands_in_for_one_that_the_url_lacks() -> None:
    chest()
    kept = {"keyring": "https://shop/db/me"}
    for model, scheme in ((PostgresSettings, "postgresql"), (MysqlSettings, "mysql")):
        for who, wanted in (("me", SECRET), ("me:own", "own")):
            made: Any = validated(model, {"url": f"{scheme}://{who}@there/db", "password": kept})
            assert _password(made) == wanted


def _password(settings: PostgresSettings | MysqlSettings) -> str:
    if isinstance(settings, MysqlSettings):
        found: bytes = settings.entry()["password"]
        return found.decode()
    from psycopg.conninfo import conninfo_to_dict

    return str(conninfo_to_dict(settings.wishes())["password"])


def test_no_entry_in_the_keyring() -> None:
    chest()
    with pytest.raises(ConfigError, match="no password of 'you' for 'shop'") as failed:
        KeptSecret(keyring="shop/you").look_up()
    assert failed.value.hint == "keyring set shop you"


def test_a_keyring_that_is_locked() -> None:
    chest(locked=True)
    with pytest.raises(ConfigError, match="it is locked") as failed:
        KeptSecret(keyring="shop/me").look_up()
    assert "keyring get shop me" in str(failed.value)


def test_a_machine_without_a_keyring() -> None:
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    with pytest.raises(ConfigError, match="no keyring on this machine") as failed:
        KeptSecret(keyring="shop/me").look_up()
    assert "VARIABLE" in str(failed.value)


def test_the_package_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigError, match="not installed") as failed:
        KeptSecret(keyring="shop/me").look_up()
    assert "hygge[keyring]" in str(failed.value)


def test_the_package_is_imported_only_when_it_is_used() -> None:
    code = (
        "import sys; from hygge.databases.postgres import Postgres; "
        "Postgres.build({'password': {'keyring': 'a/b'}}); assert 'keyring' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"keyring": "shop"}, "service/name"),
        ({"keyring": "shop/"}, "service/name"),
        ({}, "say where it is kept"),
        ({"keyring": "a/b", "file": "c"}, "say where it is kept"),
        ({"vault": "hunter2"}, "unknown key 'vault'"),
    ],
)
def test_what_says_no_place(given: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as failed:
        Postgres.build({"password": given})
    assert "password" in str(failed.value)
    assert "hunter2" not in str(failed.value)


def test_a_file_lies_in_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "db").write_text(f"{SECRET}\n")
    text = "connections: {db: {type: postgres, password: {file: secrets/db}}}\n"
    workspace = written(tmp_path, {"hygge.yml": text})
    config = SqlHomeConfig(connection="db", table="t")
    made = found(config, workspace.connections)
    assert isinstance(made, Postgres)
    assert revealed(made.settings.password) == SECRET
    (tmp_path / "secrets" / "db").write_text("new")
    assert revealed(made.settings.password) == "new"  # it was changed while we ran


@pytest.mark.parametrize(
    ("content", "told"), [(None, "No such file"), (b"\n", "is empty"), (b"\xff", "UTF-8")]
)
def test_a_file_without_a_password(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=told) as failed:
        KeptSecret(file=str(path)).look_up()
    assert str(path) in str(failed.value)
