"""Google Cloud Storage."""

from __future__ import annotations

from typing import Any, ClassVar

from obstore.store import GCSStore
from pydantic import Field

from hygge.connections.gcp import GcpSettings
from hygge.core.config import Settings
from hygge.core.errors import ConfigError
from hygge.filesystems.filesystem import scheme, without_scheme
from hygge.filesystems.objects import ObjectFileSystem
from hygge.filesystems.s3 import RETRY


class GcsSettings(Settings):
    """Which bucket, and who we are."""

    bucket: str | None = Field(default=None, description="Its name, if no URL tells it")
    endpoint: str | None = Field(default=None, description="A server that is not Google's, by URL")
    credential: GcpSettings = Field(
        default=GcpSettings(), description="Which of `credentials:` to use, or one itself"
    )


class GcsFileSystem(ObjectFileSystem):
    """The objects of one bucket."""

    name: ClassVar[str] = "gcs"
    Settings: ClassVar[type[Settings]] = GcsSettings
    settings: GcsSettings

    @classmethod
    def rooted(cls, path: str, settings: GcsSettings) -> tuple[str, str]:
        if scheme(path) is None:
            if settings.bucket is None:
                told = f"which bucket does {path!r} lie in?"
                raise ConfigError(told, hint="gs://bucket/path, or a `connection` with a `bucket`")
            return settings.bucket, path.strip("/")
        root, _, inside = without_scheme(path).strip("/").partition("/")
        if settings.bucket not in (None, root):
            told = f"{path} does not lie in the connection's bucket, {settings.bucket}"
            raise ConfigError(told, hint="give the path inside the bucket, or another connection")
        return root, inside

    def url(self, path: str = "") -> str:
        return f"gs://{self.root}/{path.strip('/')}"

    def made(self) -> Any:
        own = self.settings
        known: dict[str, Any] = dict(own.credential.proof())
        if own.endpoint:
            known["base_url"] = own.endpoint
        plain: Any = {"allow_http": True} if (own.endpoint or "").startswith("http://") else {}
        return GCSStore(self.root, retry_config=RETRY, client_options=plain, **known)
