"""Amazon S3, and what speaks as it does."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from obstore.store import S3Store
from pydantic import Field

from hygge.connections.aws import AwsSettings
from hygge.core.config import Settings
from hygge.filesystems import objects
from hygge.filesystems.buckets import BucketFileSystem, BucketSettings, plain_http
from hygge.filesystems.filesystem import FileSystemCapabilities


class S3Settings(BucketSettings):
    """Which bucket, where, and who we are."""

    region: str | None = Field(
        default=None, description="As AWS has it; of the environment, else us-east-1, if not given"
    )
    endpoint: str | None = Field(default=None, description="A server that is not Amazon's, by URL")
    credential: AwsSettings = Field(
        default=AwsSettings(), description="Which of `credentials:` to use, or one itself"
    )


class S3FileSystem(BucketFileSystem):
    """The objects of one bucket."""

    name: ClassVar[str] = "s3"
    capabilities: ClassVar[FileSystemCapabilities] = replace(
        BucketFileSystem.capabilities,
        moves_at_most=5 * 2**30,  # a copy is one request
    )
    Settings: ClassVar[type[Settings]] = S3Settings
    settings: S3Settings
    scheme: ClassVar[str] = "s3"

    def made(self) -> Any:
        own = self.settings
        proof = own.credential.proof(own.region)
        where = self._endpoint
        told: dict[str, Any] = {"region": own.region, "endpoint": where}
        told = {key: value for key, value in told.items() if value}
        how: Any = {"retry_config": objects.RETRY, "client_options": plain_http(where)}
        return S3Store(self.root, **how, **told, **proof)

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
