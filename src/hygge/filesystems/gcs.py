"""Google Cloud Storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from obstore.store import GCSStore
from pydantic import Field

from hygge.connections.gcp import GcpSettings
from hygge.core.config import Settings
from hygge.filesystems import objects
from hygge.filesystems.buckets import BucketFileSystem, BucketSettings, plain_http


class GcsSettings(BucketSettings):
    """Which bucket, and who we are."""

    endpoint: str | None = Field(default=None, description="A server that is not Google's, by URL")
    credential: GcpSettings = Field(
        default=GcpSettings(), description="Which of `credentials:` to use, or one itself"
    )


class GcsFileSystem(BucketFileSystem):
    """The objects of one bucket."""

    name: ClassVar[str] = "gcs"
    Settings: ClassVar[type[Settings]] = GcsSettings
    settings: GcsSettings
    scheme: ClassVar[str] = "gs"

    def made(self) -> Any:
        own = self.settings
        known: dict[str, Any] = dict(own.credential.proof())
        if own.endpoint:
            known["base_url"] = own.endpoint
        how: Any = {"retry_config": objects.RETRY, "client_options": plain_http(own.endpoint)}
        return GCSStore(self.root, **how, **known)

    def delta_options(self) -> Mapping[str, str]:
        own = self.settings
        told = own.credential.plain()
        if own.endpoint:
            told["google_base_url"] = own.endpoint
        if (own.endpoint or "").startswith("http://"):
            told["allow_http"] = "true"
        return told
