"""Which folder of which SFTP server: as a URL or a connection says."""

from __future__ import annotations

import posixpath
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from pydantic import Field

from hygge.connections.ssh import SshSettings
from hygge.core.errors import ConfigError
from hygge.filesystems.filesystem import without_scheme

_PLAIN: Final = "@\\!$&'()*+,;="
"""What a user's name may have in a URL as it is."""


class SftpSettings(SshSettings):
    """A folder of a server, and how to get there."""

    folder: str = Field(default="/", description="The folder that paths are seen from")


def named(settings: SftpSettings, folder: str) -> str:
    """`user@host:port/folder`, by which a server's folder is known."""
    host = f"[{settings.host}]" if ":" in str(settings.host) else settings.host
    port = "" if settings.port == 22 else f":{settings.port}"
    return f"{quote(settings.who, safe=_PLAIN)}@{host}{port}/{folder.strip('/')}"


def of_url(path: str, settings: SftpSettings) -> tuple[SftpSettings, str]:
    """The server that a URL tells, and the path from its root. Raises ConfigError where it is none,
    or another than the settings'."""
    where, _, inside = without_scheme(path).partition("/")
    try:
        told = urlsplit(f"//{where}")
        port = told.port or settings.port
    except ValueError as failed:
        raise ConfigError(
            f"this is no place on a server: {failed}", hint="sftp://user@host:port/path"
        ) from None
    return _agreed(told, port, settings), inside


def _agreed(told: SplitResult, port: int, settings: SftpSettings) -> SftpSettings:
    if told.password is not None:
        raise ConfigError(
            "a password in a URL is shown to everybody",
            hint="a `connection` with `password: ${…}`, or {keyring: …}",
        )
    if not told.hostname:
        raise ConfigError("a URL without a server", hint="sftp://user@host/path")
    user = unquote(told.username) if told.username else None
    if settings.host is None:
        more = {"host": told.hostname, "port": port, "user": user or settings.user}
        return settings.model_copy(update=more)
    host = settings.host.lower()
    if (told.hostname, port) != (host, settings.port) or user not in (None, settings.who):
        other = f"sftp://{told.netloc}/ is not the connection's server, {settings.server}"
        raise ConfigError(other, hint="give the path alone, or another connection")
    return settings


def inside(path: str) -> str:
    """The path within a folder. Raises ConfigError for one that leads out of it."""
    plain = posixpath.normpath(path.strip("/") or ".")
    if plain == ".." or plain.startswith("../"):
        raise ConfigError(f"the path {path!r} leads out of its folder")
    return "" if plain == "." else plain
