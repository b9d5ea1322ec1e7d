"""Which landing zone a table lies in."""

from __future__ import annotations

from typing import Final

from hygge.connections.entra import EntraSettings
from hygge.core.config import Connections
from hygge.core.errors import ConfigError, Unsupported
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.found import PlacedConfig, found
from hygge.mirroring.service import MirroringService
from hygge.stores.mirror_config import GUID, ONELAKE, OpenMirroringConfig

ZONE: Final = "Files/LandingZone"


def placed(config: OpenMirroringConfig, connections: Connections) -> tuple[FileSystem, str]:
    """The filesystem, and the path of the landing zone in it. Raises ConfigError where it is not
    clear, and Unsupported where files cannot be published so that no number is given twice."""
    files, zone = found(PlacedConfig(path=_path(config), connection=config.connection), connections)
    item = getattr(files, "item", None)
    if item is not None and not GUID.fullmatch(item):
        raise ConfigError(
            f"the mirrored database is told by its name, {item}",
            hint="its GUID and that of its workspace: both stand in its URL in Fabric",
        )
    if not files.capabilities.steady:
        raise Unsupported(
            f"a landing zone cannot lie in {files.name}",
            hint="OneLake, ADLS Gen2, or file:///folder to try it on this machine",
        )
    return files, zone


def _path(config: OpenMirroringConfig) -> str:
    ids = [x for x in (config.workspace_id, config.mirrored_database_id) if x is not None]
    if config.connection is None:
        return "/".join([config.account_url.rstrip("/"), *ids, ZONE])
    if len(ids) == 2:
        return "/".join([ONELAKE, *ids, ZONE])
    database = config.mirrored_database_id
    return f"{database}/{ZONE}" if database else ZONE


def service_of(config: OpenMirroringConfig, files: FileSystem) -> MirroringService | None:
    """Who tells what Fabric knows of the tables there; None where nobody can."""
    item, settings = getattr(files, "item", None), files.settings
    credential = getattr(settings, "credential", None)
    if item is None or not config.monitoring_url or not isinstance(credential, EntraSettings):
        return None
    workspace = files.root.partition("@")[0]
    return MirroringService(config.monitoring_url, workspace, item, credential)
