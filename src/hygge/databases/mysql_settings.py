"""How to get into a MySQL or MariaDB server."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import Field as Setting
from pydantic import SecretStr

from hygge.connections.pool import PoolSettings
from hygge.connections.secrets import Secret, revealed
from hygge.databases.encryption import trusting


class MysqlSettings(PoolSettings):
    """How to get in. A `url` says it all; the others are its parts."""

    url: SecretStr | None = Setting(default=None, description="mysql://user:password@host/db")
    host: str = Setting(default="localhost", description="Where the server listens")
    port: int = Setting(default=3306, ge=1, le=65535, description="On which port")
    user: str | None = Setting(default=None, description="Who we are")
    password: Secret | None = Setting(
        default=None,
        description="Best from ${VARIABLE}, {keyring: service/name} or {file: path}; "
        "with a `url`, too, if none stands in it",
    )
    dbname: str | None = Setting(default=None, description="Which database of the server")
    tls: bool | None = Setting(
        default=None,
        description="true: encrypt, and see that it is the right server; false: do neither; "
        "if not given: encrypt where the server can, and believe who answers",
    )
    ca: str | None = Setting(
        default=None,
        description="The certificates of who vouches for the server, for `tls: true`; those that "
        "this machine trusts if not given",
    )
    lock_seconds: int = Setting(default=60, gt=0, description="How long to wait for a lock")
    connect_seconds: int = Setting(default=15, gt=0, description="How long to wait for the server")

    def encryption(self) -> dict[str, Any]:
        """What the driver wants to know of TLS."""
        if not self.tls:
            return {} if self.tls is None else {"ssl_disabled": True}
        # the driver's own would not look at the server's name, unless a `ca` is given
        return {"ssl": trusting(self.ca)}

    def entry(self) -> dict[str, Any]:
        """What the driver wants to know, the password with it: as bytes, or it could not be any."""
        inside = urlsplit(self.url.get_secret_value()).password if self.url else None
        told = unquote(inside) if inside else revealed(self.password) or ""
        return {**self.parts(), "password": told.encode()}

    def parts(self) -> dict[str, Any]:
        """Where, and who we are."""
        if self.url is None:
            return {
                "host": self.host,
                "port": self.port,
                "user": self.user,
                "database": self.dbname,
            }
        url = urlsplit(self.url.get_secret_value())
        return {
            "host": url.hostname or "localhost",
            "port": url.port or 3306,
            "user": unquote(url.username or "") or None,
            "database": unquote(url.path.lstrip("/")) or None,
        }
