"""Who we are to Google Cloud."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from hygge.connections.secrets import Secret, revealed
from hygge.core.config import Settings

Method = Literal["adc", "service_account", "anonymous"]


class GcpSettings(Settings):
    """How to show who we are to Google Cloud."""

    type: Literal["gcp"] = Field(default="gcp", description="What kind of credential")
    method: Method = Field(
        default="adc",
        description="`adc`: what `gcloud auth application-default login` left, or the machine's "
        "own account; a `service_account`; `anonymous`: nobody, to read public buckets",
    )
    key: Secret | None = Field(
        default=None, description="Of a service account: its JSON, best as {file: a/path}"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.method == "service_account") != (self.key is not None):
            raise ValueError("`service_account` needs the account's `key`, and only it does")
        return self

    def proof(self) -> dict[str, Any]:
        """As the library wants it. Raises ConfigError where a secret cannot be had."""
        if self.method == "anonymous":
            return {"skip_signature": True}
        if self.method == "service_account":
            return {"service_account_key": revealed(self.key)}
        return {}

    def plain(self) -> dict[str, str]:
        """As the library of Delta tables wants it. Raises ConfigError where it cannot be had."""
        told = self.proof()
        return {
            f"google_{key}": str(value).lower() if value is True else value
            for key, value in told.items()
        }
