"""Where in Azure's storage: by settings, and by URLs as people write them."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from pydantic import Field

from hygge.connections.azure import AzureCredential
from hygge.connections.entra import EntraSettings
from hygge.core.config import Settings
from hygge.filesystems.filesystem import scheme, without_scheme

_AZURE: Final = "core.windows.net"
AZURES: Final = re.compile(r"\.dfs\.(core|storage|fabric)\.")
FABRIC: Final = ".fabric.microsoft.com"


class AzureSettings(Settings):
    """Which container, where, and who we are."""

    account: str | None = Field(
        default=None, description="The storage account's name, if no URL tells it"
    )
    container: str | None = Field(default=None, description="Its name, if no URL tells it")
    endpoint: str | None = Field(
        default=None, description="The account's own URL, where it is not Azure's usual one"
    )
    hierarchical: bool = Field(
        default=True, description="Whether the account has a hierarchical namespace, as ADLS Gen2"
    )
    credential: AzureCredential = Field(
        default=EntraSettings(), description="Which of `credentials:` to use, or one itself"
    )


def spelled(path: str) -> tuple[str, str, str]:
    """Container, host and path inside, of a URL or a path; "" for what it does not tell."""
    written = scheme(path)
    if written is None:
        return "", "", path.strip("/")
    if written == "https":
        url = urlsplit(path)
        container, _, inside = unquote(url.path).strip("/").partition("/")
        return container, (url.hostname or "").replace(".blob.", ".dfs.", 1), inside
    place, _, inside = without_scheme(path).strip("/").partition("/")
    container, _, host = place.partition("@")
    return container, host.replace(".blob.", ".dfs.", 1), inside.strip("/")


def host_of(settings: AzureSettings) -> str | None:
    return f"{settings.account}.dfs.{_AZURE}" if settings.account else None
