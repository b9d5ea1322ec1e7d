"""OneLake, Fabric's storage: the Files and Tables of one item in a workspace.

It speaks as ADLS Gen2 does. Workspaces, items and their first folders are Fabric's: they are
neither made, renamed nor deleted from here.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from pydantic import Field

from hygge.connections.azure import OneLakeCredential
from hygge.connections.entra import EntraSettings
from hygge.core.config import Settings
from hygge.core.errors import ConfigError
from hygge.filesystems.azure import AdlsFileSystem
from hygge.filesystems.azure_places import spelled

_HOST: Final = "onelake.dfs.fabric.microsoft.com"
_OURS: Final = ("Files", "Tables")
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FORM: Final = f"https://{_HOST}/workspace/item.Lakehouse/Files/folder"


class OneLakeSettings(Settings):
    """Which workspace and item, and who we are."""

    workspace: str | None = Field(
        default=None, description="Its name or its GUID, if no URL tells it"
    )
    item: str | None = Field(
        default=None, description="A lakehouse, say: name.Lakehouse, or its GUID; as the workspace"
    )
    endpoint: str | None = Field(
        default=None, description="OneLake's own URL, where it is not the usual one"
    )
    credential: OneLakeCredential = Field(
        default=EntraSettings(), description="Which of `credentials:` to use, or one itself"
    )


class OneLakeFileSystem(AdlsFileSystem):
    """One item. Its root is `workspace@host/item`; paths begin with Files or Tables."""

    name: ClassVar[str] = "onelake"
    Settings: ClassVar[type[Settings]] = OneLakeSettings
    settings: OneLakeSettings  # type: ignore[assignment]

    @classmethod
    def rooted(cls, path: str, settings: OneLakeSettings) -> tuple[str, str]:  # type: ignore[override]
        workspace, host, inside = spelled(path)
        item: str | None = settings.item
        if workspace:
            item, _, inside = inside.partition("/")
        for known, found in ((settings.workspace, workspace), (settings.item, item)):
            if workspace and known not in (None, found):
                said = f"{path} does not lie where the connection leads to: {known}"
                raise ConfigError(said, hint="give the path inside the item: Files/folder")
        workspace = workspace or settings.workspace or ""
        if not (workspace and item):
            hint = f"{_FORM}, or a connection with `workspace` and `item`"
            raise ConfigError(f"which item of OneLake does {path!r} lie in?", hint=hint)
        _same_kind(workspace, item)
        _within(path, inside)
        return f"{workspace}@{host or _HOST}/{item}", inside

    @property
    def item(self) -> str:
        return self.root.partition("/")[2]

    @property
    def account(self) -> str:
        return self.host.partition(".")[0]

    @property
    def within(self) -> dict[str, Any]:
        return {"prefix": self.item}

    def full(self, path: str) -> str:
        _within(self.url(path), path.strip("/"))
        return f"{self.item}/{path.strip('/')}"


def _same_kind(workspace: str, item: str) -> None:
    by_guid = [bool(_GUID.fullmatch(word)) for word in (workspace, item)]
    if by_guid[0] != by_guid[1]:
        said = f"{workspace} and {item}: one is a GUID, the other a name; OneLake takes no mixture"
        raise ConfigError(said, hint="both GUIDs, or both names (the item's with its type)")
    if not by_guid[0] and "." not in item:
        said = f"{item} is an item without its type"
        raise ConfigError(said, hint=f"{item}.Lakehouse, {item}.MirroredDatabase or the like")


def _within(path: str, inside: str) -> None:
    """Raises ConfigError for what is Fabric's own."""
    first, _, rest = inside.partition("/")
    if first not in _OURS or not rest or ".." in rest.split("/"):
        said = f"{path} lies outside of what can be written: a folder in the item's Files or Tables"
        raise ConfigError(said, hint="Files/folder")
