"""Amazon S3, and what speaks as it does."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

from obstore.store import S3Store
from pydantic import Field

from hygge.connections.aws import AwsSettings
from hygge.core.config import Settings
from hygge.core.errors import ConfigError
from hygge.filesystems.filesystem import scheme, without_scheme
from hygge.filesystems.objects import ObjectFileSystem

RETRY: Final[Any] = {
    "max_retries": 6,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {
        "base": 2,
        "init_backoff": timedelta(milliseconds=200),
        "max_backoff": timedelta(seconds=10),
    },
}
"""For 429, 5xx and connections that break; the server's own wish to wait is kept to."""


class S3Settings(Settings):
    """Which bucket, where, and who we are."""

    bucket: str | None = Field(default=None, description="Its name, if no URL tells it")
    region: str | None = Field(
        default=None, description="As AWS has it; of the environment, else us-east-1, if not given"
    )
    endpoint: str | None = Field(default=None, description="A server that is not Amazon's, by URL")
    credential: AwsSettings = Field(
        default=AwsSettings(), description="Which of `credentials:` to use, or one itself"
    )


class S3FileSystem(ObjectFileSystem):
    """The objects of one bucket."""

    name: ClassVar[str] = "s3"
    Settings: ClassVar[type[Settings]] = S3Settings
    settings: S3Settings

    @classmethod
    def rooted(cls, path: str, settings: S3Settings) -> tuple[str, str]:
        if scheme(path) is None:
            if settings.bucket is None:
                told = f"which bucket does {path!r} lie in?"
                raise ConfigError(told, hint="s3://bucket/path, or a `connection` with a `bucket`")
            return settings.bucket, path.strip("/")
        root, _, inside = without_scheme(path).strip("/").partition("/")
        if settings.bucket not in (None, root):
            told = f"{path} does not lie in the connection's bucket, {settings.bucket}"
            raise ConfigError(told, hint="give the path inside the bucket, or another connection")
        return root, inside

    def url(self, path: str = "") -> str:
        return f"s3://{self.root}/{path.strip('/')}"

    def made(self) -> Any:
        own = self.settings
        proof = own.credential.proof(own.region)
        where = self._endpoint
        told: dict[str, Any] = {"region": own.region, "endpoint": where}
        told = {key: value for key, value in told.items() if value}
        plain: Any = {"allow_http": True} if (where or "").startswith("http://") else {}
        return S3Store(self.root, retry_config=RETRY, client_options=plain, **told, **proof)

    @property
    def _endpoint(self) -> str | None:
        told = self.settings.endpoint or os.environ.get("AWS_ENDPOINT_URL_S3")
        return told or os.environ.get("AWS_ENDPOINT_URL")

    def delta_options(self) -> Mapping[str, str]:
        own = self.settings
        told = {"region": own.region, "endpoint": self._endpoint}
        told |= own.credential.plain(own.region)
        if (self._endpoint or "").startswith("http://"):
            told["allow_http"] = "true"
        known = {f"aws_{key}": value for key, value in told.items() if value}
        return {**known, "aws_conditional_put": "etag"}
