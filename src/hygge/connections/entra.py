"""Access tokens of Microsoft Entra: who we are, shown to databases and to storage alike.

azure-identity gets them, keeps them, and renews them some minutes before they end.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from hygge.connections.secrets import Secret, revealed
from hygge.core.config import Settings
from hygge.core.errors import ConfigError, ConnectionFailed

Method = Literal["default", "managed_identity", "service_principal", "cli", "workload", "token"]
SQL_SCOPE: Final = "https://database.windows.net/.default"
"""Of Azure SQL and Fabric; other clouds have their own."""
_EXTRA = "pip install 'hygge[mssql]' (or hygge[azure])"


class EntraSettings(Settings):
    """How to show who we are to Microsoft's services."""

    type: Literal["entra"] = Field(default="entra", description="What kind of credential")
    method: Method = Field(
        default="default",
        description="`default`: what azure-identity finds on this machine; managed_identity, "
        "service_principal, cli (`az login`), workload (Kubernetes), or a token",
    )
    tenant_id: str | None = Field(default=None, description="Of a service principal")
    client_id: str | None = Field(
        default=None, description="Of a service principal, or a managed identity of several"
    )
    client_secret: Secret | None = Field(default=None, description="Of a service principal")
    token: Secret | None = Field(
        default=None, description="An access token that somebody else renews"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.method == "service_principal":
            if not (self.tenant_id and self.client_id and self.client_secret):
                told = "a service principal needs `tenant_id`, `client_id` and `client_secret`"
                raise ValueError(told)
        elif self.method == "token" and self.token is None:
            raise ValueError("this method needs a `token`")
        return self


_LOCK = threading.Lock()
_KNOWN: dict[Hashable, Any] = {}


@dataclass(frozen=True, slots=True)
class Granted:
    """A token, and when it ends, if that is known."""

    token: str = field(repr=False)
    ends: float | None = None


def token(settings: EntraSettings, scope: str = SQL_SCOPE) -> str:
    """One that is good for some minutes at least. Raises as `granted` does."""
    return granted(settings, scope).token


def forget(settings: EntraSettings) -> None:
    """Get another token the next time: the one we have was refused."""
    with _LOCK:
        _KNOWN.pop(settings, None)


def granted(settings: EntraSettings, scope: str) -> Granted:
    """A token that is good for some minutes at least. Raises ConfigError where nobody vouches for
    us, and ConnectionFailed where they cannot be reached."""
    if settings.method == "token":
        return Granted(revealed(settings.token) or "")
    try:
        from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
        from azure.identity import CredentialUnavailableError
    except ImportError:
        told = "tokens of Entra are got by azure-identity, which is not installed"
        raise ConfigError(told, hint=_EXTRA) from None
    # it tells at length what our error says; where nobody listens, that goes to the screen
    logging.getLogger("azure.identity").addHandler(logging.NullHandler())
    try:
        got = _credential(settings).get_token(scope)
        return Granted(str(got.token), float(got.expires_on))
    except ServiceRequestError as failed:
        raise ConnectionFailed(f"Entra cannot be reached: {_first(failed)}") from failed
    except (CredentialUnavailableError, ClientAuthenticationError, ValueError) as failed:
        hint = (
            "az login, or another `auth` (`method` of a credential): "
            "managed_identity, service_principal, cli, workload"
        )
        raise ConfigError(f"Entra gives no token: {_first(failed)}", hint=hint) from failed


def _first(failed: Exception) -> str:
    """What azure-identity says first; it goes on for pages."""
    return str(failed).strip().splitlines()[0] if str(failed).strip() else type(failed).__name__


def _credential(settings: EntraSettings) -> Any:
    """One for all who show the same, so that its token is got once."""
    with _LOCK:
        if settings not in _KNOWN:
            _KNOWN[settings] = _made(settings)
        return _KNOWN[settings]


def _made(settings: EntraSettings) -> Any:
    from azure import identity

    # it logs pages about all that it tried; what it raises says enough
    logging.getLogger("azure.identity").addHandler(logging.NullHandler())
    named: Any = {"client_id": settings.client_id} if settings.client_id else {}
    match settings.method:
        case "managed_identity":
            return identity.ManagedIdentityCredential(**named)
        case "service_principal":
            return identity.ClientSecretCredential(
                settings.tenant_id or "",
                settings.client_id or "",
                revealed(settings.client_secret) or "",
            )
        case "cli":
            return identity.AzureCliCredential()
        case "workload":
            return identity.WorkloadIdentityCredential(**named)
    return identity.DefaultAzureCredential()
