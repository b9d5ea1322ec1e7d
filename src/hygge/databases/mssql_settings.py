"""How to get into SQL Server, Azure SQL, a Managed Instance or a SQL database in Fabric."""

from __future__ import annotations

from typing import Any, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import Field as Setting
from pydantic import SecretStr, model_validator

from hygge.connections.entra import EntraSettings
from hygge.connections.pool import PoolSettings
from hygge.connections.secrets import Secret, revealed

Auth = Literal[
    "password",
    "entra_default",
    "managed_identity",
    "service_principal",
    "cli",
    "workload",
    "token",
    "integrated",
]
NAMES_IN_URLS = ("encrypt", "trust_server_certificate", "auth")


class MssqlSettings(PoolSettings):
    """How to get in. A `url` says it all; the others are its parts."""

    url: SecretStr | None = Setting(
        default=None, description="mssql://user:password@host:1433/database"
    )
    server: str = Setting(
        default="localhost", description=r"The host; `host\instance` or `host,port` where need be"
    )
    port: int | None = Setting(default=None, ge=1, le=65535, description="On which port")
    database: str | None = Setting(
        default=None, description="Which database; the login's own if not given"
    )
    auth: Auth | None = Setting(
        default=None,
        description="How to show who we are; `password` where there is a `user`, else "
        "`entra_default`: what azure-identity finds on this machine",
    )
    user: str | None = Setting(default=None, description="Who we are, for `auth: password`")
    password: Secret | None = Setting(
        default=None,
        description="Best from ${VARIABLE}, {keyring: service/name} or {file: path}; "
        "with a `url`, too, if none stands in it",
    )
    credential: EntraSettings | None = Setting(
        default=None, description="Which of `credentials:` to use, in place of `auth`"
    )
    tenant_id: str | None = Setting(default=None, description="Of a service principal")
    client_id: str | None = Setting(
        default=None, description="Of a service principal, or a managed identity of several"
    )
    client_secret: Secret | None = Setting(default=None, description="Of a service principal")
    token: Secret | None = Setting(
        default=None, description="An access token that somebody else renews, for `auth: token`"
    )
    encrypt: Literal["yes", "strict", "no"] = Setting(
        default="yes",
        description="`strict`: TLS before the first word; `no`: the login alone",
    )
    trust_server_certificate: bool = Setting(
        default=False, description="true: believe whoever answers, for a server on the same desk"
    )
    server_certificate: str | None = Setting(
        default=None, description="With `strict`: the file of the certificate that it must have"
    )
    host_in_certificate: str | None = Setting(
        default=None, description="The name in its certificate, where it is not that of the server"
    )
    read_only: bool = Setting(
        default=False, description="Ask for a replica that is only read (ApplicationIntent)"
    )
    multi_subnet_failover: bool = Setting(
        default=False, description="Try all addresses of an availability group at once"
    )
    moments: Literal["exact", "microseconds"] = Setting(
        default="exact",
        description="How datetime2(7) and datetimeoffset(7) are read: `exact`, as nanoseconds, "
        "from 1677 to 2262; or cut to microseconds",
    )
    lock_seconds: int = Setting(default=60, gt=0, description="How long to wait for a lock")
    connect_seconds: int = Setting(default=15, gt=0, description="How long to wait for the server")

    @model_validator(mode="before")
    @classmethod
    def _yes_is_yes(cls, data: Any) -> Any:
        """YAML reads a bare `yes` as true."""
        words = {True: "yes", False: "no"}
        if isinstance(data, dict) and isinstance(data.get("encrypt"), bool):
            return {**data, "encrypt": words[data["encrypt"]]}
        return data

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.url is not None:
            asked = parse_qs(urlsplit(self.url.get_secret_value()).query)
            if other := sorted(asked.keys() - {*NAMES_IN_URLS}):
                raise ValueError(f"a url takes {', '.join(NAMES_IN_URLS)}, not {other[0]!r}")
        if self.credential is not None and (self.auth or self.who):
            raise ValueError("give a `credential`, or `auth` and `user`, not both")
        if self.how == "password" and not self.who:
            raise ValueError("`auth: password` needs a `user`")
        if self.how == "password" and not (self.password or self._told_password):
            raise ValueError("a `user` needs a `password`")
        if self.how not in ("password", "integrated"):
            self.entra  # noqa: B018 - complains of what is missing
        return self

    @property
    def _asked(self) -> dict[str, str]:
        """What follows the ? of the URL."""
        if self.url is None:
            return {}
        found = parse_qs(urlsplit(self.url.get_secret_value()).query)
        return {key: values[-1] for key, values in found.items()}

    @property
    def who(self) -> str | None:
        inside = urlsplit(self.url.get_secret_value()).username if self.url else None
        return unquote(inside) if inside else self.user

    @property
    def how(self) -> str:
        """The kind of proof."""
        if self.credential is not None:
            return "entra"
        told = self.auth or self._asked.get("auth")
        return told or ("password" if self.who else "entra_default")

    @property
    def entra(self) -> EntraSettings:
        """What gets us a token."""
        if self.credential is not None:
            return self.credential
        return EntraSettings.model_validate(
            {
                "method": self.how.removeprefix("entra_"),
                "tenant_id": self.tenant_id,
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "token": self.token,
            }
        )

    @property
    def where(self) -> str:
        """The server as the driver wants it: `host,port` or `host\\instance`."""
        if self.url is None:
            return f"{self.server},{self.port}" if self.port else self.server
        parts = urlsplit(self.url.get_secret_value())
        host = parts.hostname or "localhost"
        return f"{host},{parts.port}" if parts.port else host

    @property
    def which(self) -> str | None:
        """The database."""
        inside = unquote(urlsplit(self.url.get_secret_value()).path[1:]) if self.url else ""
        return inside or self.database

    @property
    def _told_password(self) -> str:
        """The one in the URL."""
        inside = urlsplit(self.url.get_secret_value()).password if self.url else None
        return unquote(inside or "")

    def secret(self) -> str:
        """The password. Raises ConfigError where it cannot be had."""
        return self._told_password or revealed(self.password) or ""

    @property
    def encryption(self) -> dict[str, str]:
        """As the driver has it."""
        believed = self._asked.get("trust_server_certificate", "").lower() in ("yes", "true", "1")
        words = {"Encrypt": self._asked.get("encrypt", self.encrypt)}
        if believed or self.trust_server_certificate:
            words["TrustServerCertificate"] = "yes"
        if self.server_certificate:
            words["ServerCertificate"] = self.server_certificate
        if self.host_in_certificate:
            words["HostnameInCertificate"] = self.host_in_certificate
        return words

    def words(self) -> dict[str, str]:
        """A connection string's, but for who we are."""
        told = {"Server": self.where, **self.encryption}
        if self.which:
            told["Database"] = self.which
        if self.read_only:
            told["ApplicationIntent"] = "ReadOnly"
        if self.multi_subnet_failover:
            told["MultiSubnetFailover"] = "yes"
        return told


def written(words: dict[str, str]) -> str:
    """A connection string. What is special in a value stands in braces."""
    return ";".join(f"{key}={_braced(value)}" for key, value in words.items())


def _braced(value: str) -> str:
    plain = not any(letter in value for letter in ";{}=") and value == value.strip()
    return value if plain else "{" + value.replace("}", "}}") + "}"
