"""Who we are to Azure's storage: an account's key, a shared access signature, Entra, or nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field

from hygge.connections import entra
from hygge.connections.entra import EntraSettings
from hygge.connections.secrets import Secret, revealed
from hygge.core.config import Settings

STORAGE_SCOPE: Final = "https://storage.azure.com/.default"


class AzureKeySettings(Settings):
    """The key of a storage account: it may do all there."""

    type: Literal["azure_key"] = Field(default="azure_key", description="What kind of credential")
    account_key: Secret = Field(description="One of the account's two keys")


class SasSettings(Settings):
    """A shared access signature: it may do what it says, until it ends."""

    type: Literal["sas"] = Field(default="sas", description="What kind of credential")
    token: Secret = Field(description="What follows the ? of a signed URL: sv=…&sig=…")


class NobodySettings(Settings):
    """Nobody, for public containers."""

    type: Literal["anonymous"] = Field(default="anonymous", description="What kind of credential")


AzureCredential: TypeAlias = Annotated[
    AzureKeySettings | SasSettings | EntraSettings | NobodySettings, Field(discriminator="type")
]

OneLakeCredential: TypeAlias = Annotated[EntraSettings | SasSettings, Field(discriminator="type")]
"""OneLake has no accounts of one's own, and so no keys."""


def proof(credential: AzureCredential) -> dict[str, Any]:
    """As obstore wants it. Raises ConfigError and ConnectionFailed where none can be had."""
    match credential:
        case AzureKeySettings():
            return {"account_key": revealed(credential.account_key)}
        case SasSettings():
            return {"sas_key": _query(credential)}
        case EntraSettings():
            entra.granted(credential, STORAGE_SCOPE)  # what is wrong is told here, in our words
            return {"credential_provider": lambda: _fresh(credential)}
    return {"skip_signature": True}


def plain(credential: AzureCredential) -> dict[str, str]:
    """As the library of Delta tables wants it: a token as it is now, good for a look at a log.

    Raises ConfigError and ConnectionFailed where none can be had.
    """
    match credential:
        case AzureKeySettings():
            return {"azure_storage_account_key": revealed(credential.account_key) or ""}
        case SasSettings():
            return {"azure_storage_sas_key": _query(credential)}
        case EntraSettings():
            return {"azure_storage_token": entra.granted(credential, STORAGE_SCOPE).token}
    return {"azure_skip_signature": "true"}


def shown(credential: AzureCredential, account: str) -> tuple[Any, dict[str, str]]:
    """As Microsoft's own library wants it: a credential, or headers for each call.

    A token goes into a header, so that a new one takes effect at once.
    """
    match credential:
        case AzureKeySettings():
            key = revealed(credential.account_key)
            return {"account_name": account, "account_key": key}, {}
        case SasSettings():
            return _query(credential), {}
        case EntraSettings():
            token = entra.granted(credential, STORAGE_SCOPE).token
            return None, {"Authorization": f"Bearer {token}"}
    return None, {}


def renew(credential: AzureCredential) -> bool:
    """Get another token the next time; False where nobody would give us one."""
    if isinstance(credential, EntraSettings) and credential.method != "token":
        entra.forget(credential)
        return True
    return False


def _query(credential: SasSettings) -> str:
    return (revealed(credential.token) or "").lstrip("?")


def _fresh(credential: EntraSettings) -> Any:
    got = entra.granted(credential, STORAGE_SCOPE)
    ends = None if got.ends is None else datetime.fromtimestamp(got.ends, UTC)
    return {"token": got.token, "expires_at": ends}
