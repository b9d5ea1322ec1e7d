"""Who we are to Amazon, and to what speaks as it does."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from hygge.connections.secrets import Secret, revealed
from hygge.core.config import Settings
from hygge.core.errors import ConfigError

Method = Literal["default", "keys", "profile", "role", "anonymous"]


class AwsSettings(Settings):
    """How to show who we are to S3."""

    type: Literal["aws"] = Field(default="aws", description="What kind of credential")
    method: Method = Field(
        default="default",
        description="`default`: variables of the environment, or the machine's own role; `keys`; "
        "a `profile` of ~/.aws; a `role` to take on; `anonymous`: nobody, for public buckets",
    )
    access_key_id: str | None = Field(default=None, description="For `keys`")
    secret_access_key: Secret | None = Field(default=None, description="For `keys`")
    session_token: Secret | None = Field(default=None, description="For `keys` that end")
    profile: str | None = Field(default=None, description="Its name, for `profile`")
    role: str | None = Field(default=None, description="Its ARN, for `role`")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.method == "keys" and not (self.access_key_id and self.secret_access_key):
            raise ValueError("`keys` needs `access_key_id` and `secret_access_key`")
        if self.method == "profile" and not self.profile:
            raise ValueError("`profile` needs the `profile`'s name")
        if self.method == "role" and not self.role:
            raise ValueError("`role` needs the `role`'s ARN")
        return self

    def proof(self, region: str | None) -> dict[str, Any]:
        """As the library wants it. Raises ConfigError where a secret cannot be had."""
        match self.method:
            case "anonymous":
                return {"skip_signature": True}
            case "keys":
                told = {
                    "access_key_id": self.access_key_id,
                    "secret_access_key": revealed(self.secret_access_key),
                    "session_token": revealed(self.session_token),
                }
                return {key: value for key, value in told.items() if value}
            case "profile" | "role":
                return {"credential_provider": self._provider(region)}
        return {}

    def plain(self, region: str | None) -> dict[str, str | None]:
        """For a library that takes nothing but texts: keys that were asked for now, and may end.

        Raises ConfigError where a secret cannot be had.
        """
        proof = self.proof(region)
        if "skip_signature" in proof:
            return {"skip_signature": "true"}
        if (provider := proof.get("credential_provider")) is None:
            return proof
        found = provider()
        names = {"access_key_id": "access_key_id", "secret_access_key": "secret_access_key"}
        names["session_token"] = "token"
        return {name: found.get(theirs) for name, theirs in names.items()}

    def _provider(self, region: str | None) -> Any:
        try:
            from boto3 import Session  # type: ignore[import-untyped]
            from obstore.auth.boto3 import Boto3CredentialProvider, StsCredentialProvider
        except ImportError:
            told = f"`method: {self.method}` is understood by boto3, which is not installed"
            raise ConfigError(told, hint="pip install boto3") from None
        session: Any = Session(profile_name=self.profile, region_name=region)
        if self.method == "profile":
            return Boto3CredentialProvider(session)
        return StsCredentialProvider(session, RoleArn=str(self.role), RoleSessionName="hygge")
