"""Which landing zone a command is for: a path, a URL, or a connection of the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hygge.cli.choosing import workspace
from hygge.core.errors import ConfigError

if TYPE_CHECKING:
    from hygge.core.config import Connections
    from hygge.filesystems.filesystem import FileSystem
    from hygge.mirroring.state import ZoneState


def place(where: str) -> tuple[FileSystem, str]:
    """The filesystem and the path inside it. What is there on this disk comes before a connection
    of the same name. Raises ConfigError."""
    from hygge.filesystems.filesystem import scheme
    from hygge.filesystems.locating import locate

    if scheme(where) is not None:
        return _of_url(where)
    path = Path(where).expanduser()
    if path.exists():
        return locate(str(path.absolute()))
    name, _, inside = where.partition("/")
    connections = None if where.startswith(("/", ".", "~")) else _connections()
    if connections is not None and _has(connections, name):
        return _of_connection(connections, name, inside)
    raise ConfigError(
        f"{where} is no folder here, and no connection of a workspace",
        hint="a folder, a URL, or a connection's name with the path in it: lake/Files/LandingZone",
    )


def _of_url(where: str) -> tuple[FileSystem, str]:
    """A mirrored database's own URL stands for the landing zone in it: nothing else is ours."""
    from hygge.filesystems.locating import locate
    from hygge.mirroring.places import LANDING_ZONE

    try:
        return locate(where)
    except ConfigError:
        try:
            return locate(f"{where.rstrip('/')}/{LANDING_ZONE}")
        except ConfigError:
            pass
        raise


def _of_connection(connections: Connections, name: str, inside: str) -> tuple[FileSystem, str]:
    from hygge import registry
    from hygge.filesystems.found import PlacedConfig, found
    from hygge.mirroring.places import LANDING_ZONE

    kind = connections.settings(name).get("type")
    if kind is None or kind in registry.table("databases"):
        raise ConfigError(f"the connection {name!r} is a database's, and no place for files")
    path = inside.strip("/") or LANDING_ZONE
    return found(PlacedConfig(type="files", path=path, connection=name), connections)


def _connections() -> Connections | None:
    from hygge.workspace.find import FILE

    here = Path.cwd()
    if not any((folder / FILE).is_file() for folder in (here, *here.parents)):
        return None
    return workspace().connections


def _has(connections: Connections, name: str) -> bool:
    try:
        connections.settings(name)
    except ConfigError:
        return False
    return True


def state_in(file: Path) -> ZoneState:
    """What was written there by `hygge.core.journal.to_json`. Raises ConfigError."""
    from pydantic import ValidationError

    from hygge.core.journal import from_json
    from hygge.mirroring.state import ZoneState

    try:
        return from_json(ZoneState, file.read_bytes())
    except OSError as failed:
        what = f"{file} cannot be read: {failed.strerror}"
        raise ConfigError(what, hint="the path of a file that is there") from failed
    except ValidationError as failed:
        first = failed.errors(include_url=False)[0]
        at = ".".join(map(str, first["loc"])) or "all of it"
        raise ConfigError(
            f"{file} is not the state of a landing zone ({at}: {first['msg']})",
            hint="the _mirror/state.json of a folder that `hygge mirror apply` writes to",
        ) from failed
