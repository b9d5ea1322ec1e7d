"""How to get into a PostgreSQL server."""

from __future__ import annotations

from typing import Any, Self
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import Field as Setting
from pydantic import SecretStr, model_validator

from hygge.connections.pool import PoolSettings
from hygge.connections.secrets import Secret, revealed
from hygge.core.errors import ConfigError
from hygge.databases.encryption import trusted

_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""Ask a silent machine whether it is still there, and give it up after a minute."""
_QUICK = (
    "-c synchronize_seqscans=off -c work_mem=64MB "
    "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
)
"""A scan begins at the beginning; numbers of rows are sorted in memory; and the server, too, asks a
silent machine whether it is still there: what it began to load is locked meanwhile."""


class PostgresSettings(PoolSettings):
    """How to get in. A `url` says it all; the others are its parts."""

    url: SecretStr | None = Setting(default=None, description="postgresql://user:password@host/db")
    host: str = Setting(default="localhost", description="Where the server listens")
    port: int = Setting(default=5432, ge=1, le=65535, description="On which port")
    user: str | None = Setting(default=None, description="Who we are")
    password: Secret | None = Setting(
        default=None,
        description="Best from ${VARIABLE}, {keyring: service/name} or {file: path}; "
        "with a `url`, too, if none stands in it",
    )
    dbname: str = Setting(default="postgres", description="Which database of the server")
    tls: bool | None = Setting(
        default=None,
        description="true: encrypt, and see that it is the right server; false: do neither; "
        "if not given: `sslmode`",
    )
    ca: str | None = Setting(
        default=None,
        description="The certificates of who vouches for the server, for `tls: true`; those that "
        "this machine trusts if not given",
    )
    sslmode: str | None = Setting(
        default=None,
        description="As libpq has it, where `tls` is not given: prefer (encrypt where the server "
        "can, and believe who answers), require, verify-full, …",
    )
    sslrootcert: str | None = Setting(
        default=None, description="As libpq has it: who vouches for the server, for `sslmode`"
    )
    lock_seconds: float = Setting(default=60, gt=0, description="How long to wait for a lock")
    connect_seconds: int = Setting(default=15, gt=0, description="How long to wait for the server")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.tls is not None and (self.sslmode or self.sslrootcert):
            raise ValueError("give `tls` and `ca`, or `sslmode` and `sslrootcert`, not both")
        return self

    def dsn(self) -> str:
        """All of it as one URL, but for a password that does not stand in `url`."""
        if self.url is not None:
            return self.url.get_secret_value()
        who = quote(self.user or "", safe="")
        name = quote(self.dbname, safe="")
        return f"postgresql://{who}{'@' if who else ''}{self.host}:{self.port}/{name}"

    def parsed(self) -> dict[str, Any]:
        """The same, taken apart. Raises ConfigError, and does not tell what may be a password."""
        try:
            return dict(conninfo_to_dict(self.dsn()))
        except psycopg.Error:
            hint = "percent-encode what is special in it, or give host, user and password apart"
            raise ConfigError("the connection's url cannot be understood", hint=hint) from None

    def wishes(self, known_by: int = 60_000, more: str = "", *, plain: bool = False) -> str:
        """The user's own, and ours where they have none. `plain`: the session is left as the
        server has it."""
        asked = self.parsed()
        wait = int(self.lock_seconds * 1000)
        manners = f"-c lock_timeout={wait} -c timezone=UTC -c datestyle=ISO"
        manners += f" -c intervalstyle=iso_8601{more}"
        asked |= self._encryption()
        if not asked.get("password") and self.password is not None:
            asked["password"] = revealed(self.password)
        known: dict[str, Any] = {**_ALIVE, "connect_timeout": self.connect_seconds}
        known |= {"application_name": "hygge", **asked, "tcp_user_timeout": known_by}
        known["client_encoding"] = "UTF8"  # where a database has none, the server looks at texts
        if not plain:
            known["options"] = f"{_QUICK} {asked.get('options') or ''} {manners}"
        return make_conninfo(**known)

    def _encryption(self) -> dict[str, Any]:
        """What is said of it here, which beats what a URL says."""
        if self.tls is None:
            said = {"sslmode": self.sslmode, "sslrootcert": self.sslrootcert}
            return {key: value for key, value in said.items() if value}
        if not self.tls:
            return {"sslmode": "disable"}
        return {"sslmode": "verify-full", "sslrootcert": self.ca or trusted()}

    def brisk(self) -> str:
        """Our transactions never wait for us: one that does lost us, and others need its locks."""
        idle = int(self.lock_seconds * 500)
        return f" -c idle_in_transaction_session_timeout={idle}"
