"""Which folder of what a person names is the landing zone."""

from __future__ import annotations

from hygge.core.errors import ConfigError
from hygge.filesystems.filesystem import FileSystem
from hygge.mirroring.names import METADATA, SCHEMA_SUFFIX, number_of

LANDING_ZONE = "Files/LandingZone"


def landing_zone(files: FileSystem, path: str) -> str:
    """The landing zone at this path, or below it where it is a mirrored database's. Blocks.

    Raises ConfigError where there is none, or where this is the folder of a table or a schema.
    """
    path = path.strip("/")
    for inner in (LANDING_ZONE, "LandingZone"):
        if files.is_folder(f"{path}/{inner}".lstrip("/")):
            return f"{path}/{inner}".lstrip("/")
    where = files.url(path)
    if not files.is_folder(path):
        hint = f"the folder of a mirrored database, or its {LANDING_ZONE}"
        raise ConfigError(f"there is no landing zone at {where}", hint=hint)
    above = path.rpartition("/")[0]
    if path.endswith(SCHEMA_SUFFIX):
        raise ConfigError(
            f"{where} is the folder of a schema, not a landing zone", hint=files.url(above)
        )
    if _is_table(files, path):
        if above.endswith(SCHEMA_SUFFIX):
            above = above.rpartition("/")[0]
        raise ConfigError(
            f"{where} is the folder of a table, not a landing zone", hint=files.url(above)
        )
    return path


def _is_table(files: FileSystem, path: str) -> bool:
    if files.info(f"{path}/{METADATA}".lstrip("/")) is not None:
        return True
    top = f"{path}/" if path else ""
    own = (info.path.removeprefix(top) for info in files.list(path))
    return any(number_of(name) is not None for name in own if "/" not in name)
