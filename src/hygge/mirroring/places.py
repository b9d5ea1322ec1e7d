"""Which folder of what a person names is the landing zone."""

from __future__ import annotations

from hygge.core.errors import ConfigError
from hygge.filesystems.filesystem import FileSystem
from hygge.mirroring.identity import IDENTITY
from hygge.mirroring.names import (
    DELETABLE,
    METADATA,
    PARTNER,
    PROCESSED,
    SCHEMA_SUFFIX,
    is_hidden,
    number_of,
)

LANDING_ZONE = "Files/LandingZone"
_NAME = "LandingZone"
_HINT = f"the folder of a mirrored database, or its {LANDING_ZONE}"


def landing_zone(files: FileSystem, path: str) -> str:
    """The landing zone at this path, or below it where it is a mirrored database's. Blocks.

    Raises ConfigError where there is none, or where this is the folder of a table or a schema.
    """
    path = path.strip("/")
    name = path.rpartition("/")[2]
    for inner in (LANDING_ZONE, _NAME) if name != _NAME else ():
        if files.is_folder(f"{path}/{inner}".lstrip("/")):
            return f"{path}/{inner}".lstrip("/")
    where = files.url(path)
    if not files.is_folder(path):
        raise ConfigError(f"there is no landing zone at {where}", hint=_HINT)
    if name.lower().endswith(SCHEMA_SUFFIX):
        told = f"{where} is the folder of a schema, not a landing zone"
        raise ConfigError(told, hint=files.url(_around(path)))
    if _is_table(files, path):
        told = f"{where} is the folder of a table, not a landing zone"
        raise ConfigError(told, hint=files.url(_around(path)))
    return path


def known_landing_zone(files: FileSystem, path: str) -> str:
    """The same, for one who writes there: only where something says that it is a landing zone.

    Raises ConfigError.
    """
    found = landing_zone(files, path)
    if not found:
        raise ConfigError(f"there is no landing zone at {files.url(found)}", hint=_HINT)
    *above, name = found.split("/")
    if name == _NAME:
        return found
    if _NAME in above:
        told = f"{files.url(found)} is a folder in a landing zone, and none itself"
        raise ConfigError(told, hint=files.url(_around(found)))
    if not _holds_tables(files, found):
        told = f"nothing in {files.url(found)} says that it is a landing zone"
        raise ConfigError(told, hint=_HINT)
    return found


def _around(path: str) -> str:
    """The landing zone that a folder of a table or a schema lies in, by its name or by theirs."""
    above = path.split("/")[:-1]
    if _NAME in above:
        return "/".join(above[: above.index(_NAME) + 1])
    return "/".join(above[:-1] if above and above[-1].endswith(SCHEMA_SUFFIX) else above)


def _is_table(files: FileSystem, path: str) -> bool:
    if any(_is_there(files, path, name) for name in (METADATA, IDENTITY)):
        return True
    if {PROCESSED, DELETABLE} & set(files.folders(path)):
        return True
    top = f"{path}/" if path else ""
    own = (info.path.removeprefix(top) for info in files.list(path))
    return any(number_of(name) is not None for name in own if "/" not in name)


def _holds_tables(files: FileSystem, path: str) -> bool:
    folders = files.folders(path)
    return (
        "_hygge" in folders
        or _is_there(files, path, PARTNER)
        or any(name.endswith(SCHEMA_SUFFIX) and not is_hidden(name) for name in folders)
        or any(_is_there(files, f"{path}/{name}", METADATA) for name in folders)
    )


def _is_there(files: FileSystem, folder: str, name: str) -> bool:
    return files.info(f"{folder}/{name}".lstrip("/")) is not None
