"""Who we are to an SSH server, and who it is to us: its key is known, or nothing is said to it."""

from __future__ import annotations

import getpass
import logging
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Self

from paramiko import (
    AuthenticationException,
    BadHostKeyException,
    MissingHostKeyPolicy,
    PasswordRequiredException,
    SSHClient,
    SSHException,
)
from paramiko.hostkeys import HostKeyEntry
from pydantic import Field, model_validator

from hygge.connections.pool import PoolSettings
from hygge.connections.secrets import Secret, revealed
from hygge.core.errors import ConfigError, ConnectionFailed

KEEPALIVE_SECONDS: Final = 30
_BROKE: Final = ("saw EOF", "Authentication timeout")
"""What Paramiko says where nobody was refused, but nobody answered any more."""
logging.getLogger("paramiko").addHandler(logging.NullHandler())  # what breaks, we tell
_KNOWN: Final = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")


class SshSettings(PoolSettings):
    """Which server, who we are there, and how it is known."""

    host: str | None = Field(default=None, description="Its name or address, if no URL tells it")
    port: int = Field(default=22, ge=1, le=65_535, description="Where it listens")
    user: str | None = Field(
        default=None, description="Who we are there; if not given, as on this machine"
    )
    password: Secret | None = Field(default=None, description="If a password lets us in")
    key_file: str | None = Field(
        default=None,
        description="A private key; if neither is given, those of the agent and ~/.ssh",
    )
    passphrase: Secret | None = Field(default=None, description="What opens the `key_file`")
    known_hosts: str | None = Field(
        default=None, description="Keys of servers, as OpenSSH has them in ~/.ssh/known_hosts"
    )
    host_key: str | None = Field(
        default=None,
        description="The server's own key, in place of known_hosts: `ssh-ed25519 AAAA…`",
    )
    timeout: float = Field(default=60, gt=0, description="Seconds to wait for an answer")
    pool_size: int = Field(
        default=8, ge=1, le=1000, description="Connections at once, at most, of all its flows"
    )

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        if self.known_hosts and self.host_key:
            raise ValueError("give `known_hosts` or `host_key`, not both")
        if self.host_key and _entry("server", self.host_key) is None:
            raise ValueError("`host_key` is not a key: a line `ssh-ed25519 AAAA…` is one")
        if self.passphrase and not self.key_file:
            raise ValueError("a `passphrase` opens a `key_file`")
        return self

    @property
    def who(self) -> str:
        return self.user or getpass.getuser()

    @property
    def server(self) -> str:
        """The server's name, as known_hosts has it."""
        return str(self.host) if self.port == 22 else f"[{self.host}]:{self.port}"


def _entry(name: str, key: str) -> Any:
    try:
        return HostKeyEntry.from_line(f"{name} {key.strip()}")
    except Exception:  # noqa: BLE001 - whatever it says, this is no key
        return None


class _Refuse(MissingHostKeyPolicy):  # type: ignore[misc]
    """An unknown server is not spoken to."""

    def __init__(self, file: str) -> None:
        self._file = file

    def missing_host_key(self, client: SSHClient, hostname: str, key: Any) -> None:
        line = f"{hostname} {key.get_name()} {key.get_base64()}"
        raise ConfigError(
            f"the server {hostname} is not known: its key is {key.fingerprint}",
            hint=f"make sure that this key is its own, then add this line to {self._file}: {line}",
        )


def connected(settings: SshSettings) -> SSHClient:
    """A connection to a server that is known, which lets us in. Raises ConfigError where it is not
    known or does not, and ConnectionFailed where it cannot be reached."""
    client = SSHClient()
    try:
        _know(client, settings)
        _connect(client, settings)
        _refuse_revoked(client, settings)
    except BaseException:  # a Ctrl-C, too, leaves no connection open
        client.close()
        raise
    return client


def _know(client: SSHClient, settings: SshSettings) -> None:
    client.set_missing_host_key_policy(_Refuse(settings.known_hosts or _KNOWN[0]))
    if settings.host_key is not None:
        key = _entry("server", settings.host_key).key
        client.get_host_keys().add(settings.server, key.get_name(), key)
        return
    for file in [settings.known_hosts] if settings.known_hosts else _KNOWN:
        path = Path(str(file)).expanduser()
        try:
            lines = path.read_text("utf-8", "replace").splitlines()
        except OSError as failed:
            if settings.known_hosts:
                raise _unreadable(failed, path, "keys of servers") from failed
            continue
        _know_lines(client, lines)


def _know_lines(client: SSHClient, lines: Iterable[str]) -> None:
    """Those that are plain: Paramiko stumbles over marks, and over kinds that it does not know."""
    for line in lines:
        names, _, key = line.strip().partition(" ")
        if names and names[0] not in "@#" and (entry := _entry(names, key)) is not None:
            for name in entry.hostnames:
                client.get_host_keys().add(name, entry.key.get_name(), entry.key)


def _unreadable(failed: OSError, path: Path, what: str) -> ConfigError:
    hint = f"see `ls -l {path}`"
    return ConfigError(f"{what} cannot be read: {failed.strerror}", file=str(path), hint=hint)


def _connect(client: SSHClient, settings: SshSettings) -> None:
    if settings.key_file is not None:
        path = Path(settings.key_file).expanduser()
        try:
            path.read_bytes()
        except OSError as failed:
            raise _unreadable(failed, path, "the private key") from failed
    try:
        _say_who(client, settings)
    except BadHostKeyException as failed:
        raise _changed(failed, settings) from failed
    except PasswordRequiredException as failed:
        told = "the private key is locked"
        hint = "give its `passphrase`"
        raise ConfigError(told, file=settings.key_file, hint=hint) from failed
    except AuthenticationException as failed:
        if any(word in str(failed) for word in _BROKE):
            raise _not_reached(settings, failed) from failed
        raise _not_let_in(settings, str(failed)) from failed
    except (SSHException, EOFError, OSError) as failed:
        raise _not_reached(settings, failed) from failed
    except ValueError as failed:  # of a key that is none, or a passphrase that is not its own
        told = f"the private key cannot be opened: {failed}"
        raise ConfigError(told, file=settings.key_file, hint="see its `passphrase`") from failed


def _say_who(client: SSHClient, settings: SshSettings) -> None:
    agent = settings.password is None and settings.key_file is None
    key = settings.key_file
    client.connect(
        str(settings.host),
        settings.port,
        settings.who,
        revealed(settings.password),
        key_filename=str(Path(key).expanduser()) if key else None,
        passphrase=revealed(settings.passphrase),
        allow_agent=agent,
        look_for_keys=agent,
        timeout=settings.timeout,
        banner_timeout=settings.timeout,
        auth_timeout=settings.timeout,
        channel_timeout=settings.timeout,
    )
    transport = client.get_transport()
    assert transport is not None
    transport.set_keepalive(KEEPALIVE_SECONDS)


def _changed(failed: BadHostKeyException, settings: SshSettings) -> ConfigError:
    key, where = failed.key, settings.known_hosts or _KNOWN[0]
    place = "`host_key`" if settings.host_key else f"the line of {settings.server} in {where}"
    line = f"{key.get_name()} {key.get_base64()}"
    line = line if settings.host_key else f"{settings.server} {line}"
    return ConfigError(
        f"the server {settings.server} shows another key than the known one: somebody may stand in "
        f"between. It is {key.fingerprint}, known is {failed.expected_key.fingerprint}",
        hint=f"ask who runs it; only if its key was changed, put this in place of {place}: {line}",
    )


def _not_let_in(settings: SshSettings, said: str) -> ConfigError:
    ways = {"password": settings.password, "key_file": settings.key_file}
    shown = [name for name, given in ways.items() if given is not None] or ["the agent's keys"]
    return ConfigError(
        f"{settings.server} does not let {settings.who} in by {' or '.join(shown)}: {said}",
        hint="see `user`, `password`, `key_file`; "
        f"it should let in: sftp -P {settings.port} {settings.who}@{settings.host}",
    )


def _not_reached(settings: SshSettings, failed: Exception) -> ConnectionFailed | ConfigError:
    said = str(failed).removeprefix("[Errno None] ") or type(failed).__name__
    if "No authentication methods available" in said:
        return _not_let_in(settings, "there is neither password nor key")
    if settings.key_file is not None and "key" in said and isinstance(failed, SSHException):
        told = f"the private key cannot be opened: {said}"
        return ConfigError(told, file=settings.key_file, hint="see its `passphrase`")
    if isinstance(failed, socket.gaierror):
        said = f"nobody knows where that is ({failed.strerror})"
    return ConnectionFailed(
        f"{settings.server} cannot be reached: {said}", hint="see `host`, `port`, and the network"
    )


def _refuse_revoked(client: SSHClient, settings: SshSettings) -> None:
    """Paramiko passes over the lines of keys that were stolen."""
    transport = client.get_transport()
    assert transport is not None
    key = transport.get_remote_server_key().get_base64()
    for file in [settings.known_hosts] if settings.known_hosts else _KNOWN:
        path = Path(str(file)).expanduser()
        lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
        if any(line.startswith("@revoked") and key in line for line in lines):
            told = f"the key of {settings.server} is revoked: whoever shows it is not to be trusted"
            raise ConfigError(told, file=str(path), hint="ask who runs the server for its new key")
